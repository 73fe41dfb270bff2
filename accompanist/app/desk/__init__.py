"""Every setting and command of the running daemon under one name each."""
