"""What the followers that hear chroma share: the ear, the expected sound, the reports."""
