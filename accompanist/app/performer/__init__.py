"""The process that schedules and sends. Nothing here imports numpy."""
