"""Take folders: what a performance leaves behind, and its figures."""
