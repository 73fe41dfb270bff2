"""What the ensemble really sounds, handed from the process that makes it to the one that hears."""
