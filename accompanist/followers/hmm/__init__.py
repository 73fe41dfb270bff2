"""Follower by a plain hidden Markov model of the score, for comparison."""
