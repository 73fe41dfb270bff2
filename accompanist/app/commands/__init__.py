"""The commands of ``accompanist``, one module each."""
