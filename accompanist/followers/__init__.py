"""Followers: from what is heard to where in the piece the soloist is."""
