"""Where in the board's file what sounds is put down. Nothing here needs numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bridges.shared_sound import SHARED_BYTES, SharedSound

__all__ = ["END", "FIRST_AT", "RECORDING", "SOURCES", "SYNTH", "shared_sound"]

FIRST_AT: Final = 4 << 16
"""Behind all that the board itself has."""
_STRIDE: Final = -(-SHARED_BYTES // (1 << 16)) * (1 << 16)
SYNTH, RECORDING = "synth", "recording"
SOURCES: Final = (SYNTH, RECORDING)
"""Those who may sound, each with a ring of its own."""
END: Final = FIRST_AT + len(SOURCES) * _STRIDE


def shared_sound(board: Path, source: str) -> SharedSound:
    """Map the ring of a source in a board's file.

    Raises
    ------
    OSError, ValueError
        The file is not there, or no board of this version.
    """
    return SharedSound(board, FIRST_AT + SOURCES.index(source) * _STRIDE)
