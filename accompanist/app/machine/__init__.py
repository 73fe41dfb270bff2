"""The machine: what is missing, and how long its sound takes."""
