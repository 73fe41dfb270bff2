"""A take on its way into a DAW: one module a format."""
