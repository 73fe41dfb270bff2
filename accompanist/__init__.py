"""Follow a soloist by ear and play the rest of the ensemble with them."""

__version__ = "0.1.0"
