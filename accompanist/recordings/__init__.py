"""Recordings as pieces: what is heard in them, the soloist taken out, time stretched."""
