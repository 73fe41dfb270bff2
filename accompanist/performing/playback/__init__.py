"""A recording as the ensemble: played as it is cued, in the conductor's time."""
