"""Follower ``hsmm``: events with explicit durations, each belief with a tempo of its own."""
