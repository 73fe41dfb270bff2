"""Aligning recordings with a piece and with one another: for ``align`` and ``play --compare``."""
