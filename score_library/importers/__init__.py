"""Importers: one file a kind of source."""
