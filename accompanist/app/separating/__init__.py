"""Taking the soloist out of recordings: files in and out, what is kept with a piece."""
