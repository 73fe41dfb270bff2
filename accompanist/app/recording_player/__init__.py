"""The recording as orchestra, live: a process that does nothing but let it sound."""
