"""Takes: written as they are played, kept on request, brought into a DAW."""
