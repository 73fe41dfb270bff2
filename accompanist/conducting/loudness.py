"""Whether the soloist sounds, and how long they have not: against how loud they have been."""

from __future__ import annotations

__all__ = ["Loudness"]

_QUIET_DB = 35.0
_FALL_DB, _SILENT_FALL_DB = 0.005, 0.0005
"""What loud is is forgotten by so much a hop: slowly in silence, lest a room's noise pass for
playing at the end of a long rest."""
_NOTHING_DB = -100.0


class Loudness:
    """The level of what is heard, hop by hop."""

    def __init__(self) -> None:
        self._loud_db = _NOTHING_DB
        self._sounded_s = 0.0

    def hear(self, level_db: float, now_s: float) -> None:
        """Take in the level of a hop, dB below full scale."""
        if level_db <= _NOTHING_DB:
            return
        sounds = level_db > self._loud_db - _QUIET_DB
        fall_db = _FALL_DB if sounds else _SILENT_FALL_DB
        self._loud_db = max(level_db, self._loud_db - fall_db, _NOTHING_DB + 1.0)
        if sounds:
            self._sounded_s = now_s

    def silent_s(self, now_s: float) -> float:
        """How long nothing has sounded; 0.0 while the level is not known (keys, taps)."""
        return now_s - self._sounded_s if self._loud_db > _NOTHING_DB else 0.0
