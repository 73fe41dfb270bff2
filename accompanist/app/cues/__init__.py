"""OSC cues: from the score, and from what is played."""
