"""The default follower: an exact Bayesian filter on score position and tempo."""
