"""A soloist made to order: notes with human timing, and their truth."""
