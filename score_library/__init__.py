"""The score library: importers and the catalogue of pieces."""
