"""What hosts want to be told over OSC, and what they tell: tables, no sockets."""
