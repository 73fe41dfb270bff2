"""The follower of recordings: a filter on position × tempo over the spectra of the recording."""
