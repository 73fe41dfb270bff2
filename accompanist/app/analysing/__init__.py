"""Listening to recordings that are pieces, once, and keeping what was found out."""
