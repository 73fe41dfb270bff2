"""The background service: starts engine and performer, and stands by them."""
