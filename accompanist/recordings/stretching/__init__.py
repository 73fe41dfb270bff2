"""Sound at another speed, its pitch kept: from any place, at a rate that may change at any time."""
