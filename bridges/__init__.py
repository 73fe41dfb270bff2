"""Thin bridges to the world outside: one file a neighbour."""
