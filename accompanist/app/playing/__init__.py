"""Playing in the foreground: keys, terminal, one take."""
