"""Settings of the daemon: one TOML file, every key described and validated."""
