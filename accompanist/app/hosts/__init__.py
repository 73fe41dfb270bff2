"""Sessions for DAWs, and DAWs that go with the take."""
