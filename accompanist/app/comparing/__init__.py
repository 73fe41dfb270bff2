"""Comparing interpretations: several recordings of a piece, switched at the same musical place."""
