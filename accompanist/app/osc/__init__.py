"""OSC, OSCQuery and the client that talks to them."""
