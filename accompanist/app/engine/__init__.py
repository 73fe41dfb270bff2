"""The process that hears, follows and conducts."""
