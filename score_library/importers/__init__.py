"""Readers of score files, one module a format: bytes in, `accompanist.score.model.Score` out."""
