"""Recordings and scores of one piece brought onto one time axis, offline."""
