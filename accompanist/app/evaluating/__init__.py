"""Followers over takes with known truth."""
