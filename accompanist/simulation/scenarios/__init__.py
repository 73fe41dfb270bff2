"""Takes made to go wrong: real recordings cut, mixed and filtered, and their truth with them."""
