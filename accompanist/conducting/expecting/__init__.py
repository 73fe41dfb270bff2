"""What is expected of a soloist beyond an even tempo: by the score, by memory, by rehearsal."""
