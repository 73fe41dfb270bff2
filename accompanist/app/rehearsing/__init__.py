"""Rehearsing a score: what earlier takes of it tell of the next one."""
