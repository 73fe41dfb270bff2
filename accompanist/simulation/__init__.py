"""A soloist made to order: a performance of a score, and its sound in a room. Seeded and pure."""
