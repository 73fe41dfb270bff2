"""Followers by online dynamic time warping, for comparison."""
