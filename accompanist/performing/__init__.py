"""From a timeline to MIDI messages: everything sorted in score time and converted last."""
