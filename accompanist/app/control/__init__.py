"""Pedals and keys on a MIDI input."""
