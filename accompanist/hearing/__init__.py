"""From samples to features, one hop at a time."""
