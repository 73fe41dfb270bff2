"""What the processes have in common: pipes, shared memory, messages."""
