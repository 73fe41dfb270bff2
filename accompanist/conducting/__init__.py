"""From reports of the soloist to the ensemble's own time: tempo model, release policy, timeline."""
