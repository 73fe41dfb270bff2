"""Scores as the engine sees them: unfolded, sounding pitch, positions in quarters."""
