"""The soloist taken out of a recording, by what is known of the solo or without anything."""
