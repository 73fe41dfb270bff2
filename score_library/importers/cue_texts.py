"""OSC messages written into a score as text: ``/acc/cue/lights 1``, ``/lights/blue 0.5 "slow"``."""

from __future__ import annotations

import re
from math import isfinite

__all__ = ["Cue", "read_cues"]

Cue = tuple[str, tuple[int | float | str, ...]]
"""Address and arguments."""
_ADDRESS = re.compile(r"/[^\s/#*,?\[\]{}\"“”]+(?:/[^\s/#*,?\[\]{}\"“”]+)*")
_WORD = re.compile(r"[\"“”]([^\"“”]*)[\"“”]|(\S+)")
_INTEGER = re.compile(r"[+-]?\d{1,9}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?")
_LONGEST = 1000
_MOST_ARGUMENTS = 16


def read_cues(text: str) -> tuple[Cue, ...] | None:
    """Read the messages of a text; None where it is no such text.

    Whole numbers, decimal numbers and words are told apart by how they are written; quotes keep
    words together. A further word that begins with a slash begins a further message.

    >>> read_cues("/acc/cue/lights 1 0.5 blue /loop/1/hit record")
    (('/acc/cue/lights', (1, 0.5, 'blue')), ('/loop/1/hit', ('record',)))
    >>> read_cues("//"), read_cues("dolce"), read_cues("/")
    (None, None, None)
    """
    text = " ".join(text.split()).replace("−", "-")
    if not text.startswith("/") or len(text) > _LONGEST:
        return None
    found: list[tuple[str, list[int | float | str]]] = []
    for quoted, plain in _WORD.findall(text):
        if plain.startswith("/"):
            if _ADDRESS.fullmatch(plain) is None:
                return None
            found.append((plain, []))
        elif len(found[-1][1]) >= _MOST_ARGUMENTS:
            return None
        else:
            found[-1][1].append(_argument(plain) if plain else quoted)
    return tuple((address, tuple(arguments)) for address, arguments in found)


def _argument(word: str) -> int | float | str:
    if _INTEGER.fullmatch(word):
        return int(word)
    if _NUMBER.fullmatch(word) and isfinite(float(word)):
        return float(word)
    return word
