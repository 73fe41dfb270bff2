"""How loud each onset of a take was, and for how long it had been silent before."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accompanist.recordings.sound import Sound

__all__ = ["Envelope", "envelope"]

FloatArray = npt.NDArray[np.float64]

_STEP_S = 0.01
_BLOCK_STEPS = 2_000
_BEGINNING_S = 0.25
"""A note is as loud as it becomes within this time, or until the next one begins."""
_LOUD_SHARE = 0.8
_SILENT_DB = 24.0
"""So far below the usual loudness of a take nobody plays, …"""
_FLOOR_ROOM_DB = 6.0
"""… or so little above what is always there."""
_LONGEST_S = 4.0
_SOON_S = 0.3
_SOFTEST_DB = -100.0


class Envelope:
    """The course of a take's loudness.

    Parameters
    ----------
    levels_db : ndarray [shape=(n,)]
        Of each hundredth of a second, dB below full scale.
    """

    def __init__(self, levels_db: FloatArray) -> None:
        self._levels_db = levels_db
        self._silent_below_db = _SOFTEST_DB
        if len(levels_db):
            usual = float(np.quantile(levels_db, 0.8))
            floor = float(np.quantile(levels_db, 0.02)) + _FLOOR_ROOM_DB
            self._silent_below_db = max(usual - _SILENT_DB, min(floor, usual - 2 * _FLOOR_ROOM_DB))

    def levels_db(self, times_s: FloatArray) -> FloatArray:
        """Loudness of the notes that begin at ``times_s`` (rising), dB below full scale."""
        ends_s = np.minimum(np.append(times_s[1:], np.inf), times_s + _BEGINNING_S)
        out = np.empty(len(times_s))
        for i, (start_s, end_s) in enumerate(zip(times_s.tolist(), ends_s.tolist(), strict=True)):
            first = self._index(start_s)
            note = self._levels_db[first : max(self._index(end_s), first + 1)]
            out[i] = np.quantile(note, _LOUD_SHARE) if len(note) else _SOFTEST_DB
        return out

    def silences_s(self, times_s: FloatArray) -> FloatArray:
        """For how long it was silent just before each of ``times_s``."""
        out = np.zeros(len(times_s))
        for i, start_s in enumerate(times_s.tolist()):
            # The onset itself is known to two or three hundredths only.
            last = self._index(start_s) - 2
            count = 0
            while (
                0 <= last - count < len(self._levels_db)
                and self._levels_db[last - count] < self._silent_below_db
                and count * _STEP_S < _LONGEST_S
            ):
                count += 1
            out[i] = count * _STEP_S
        return out

    def begun_s(self, times_s: FloatArray) -> FloatArray:
        """Move onsets that lie in a silence to where the sound begins, if that is soon."""
        out = np.array(times_s, dtype=np.float64)
        silent = self._levels_db < self._silent_below_db
        for i, start_s in enumerate(times_s.tolist()):
            first = self._index(start_s) + 1
            ahead = silent[first : first + round(_SOON_S / _STEP_S)]
            if len(ahead) and ahead[:2].all() and not ahead.all():
                out[i] = (first + int(np.argmin(ahead))) * _STEP_S
        rising: FloatArray = np.maximum.accumulate(out)
        return rising

    def _index(self, time_s: float) -> int:
        return max(round(time_s / _STEP_S), 0)


def envelope(sound: Sound) -> Envelope:
    """Measure the course of loudness of a sound, a piece of it at a time."""
    step = max(round(sound.rate * _STEP_S), 1)
    count = sound.length // step
    power = np.zeros(count)
    for first in range(0, count, _BLOCK_STEPS):
        steps = min(_BLOCK_STEPS, count - first)
        block = sound.read(first * step, steps * step).astype(np.float64)
        power[first : first + steps] = (block**2).mean(axis=1).reshape(steps, step).mean(axis=1)
    levels_db = np.maximum(10.0 * np.log10(np.maximum(power, 1e-12)), _SOFTEST_DB)
    if not count:
        return Envelope(levels_db)
    # A step is a whole number of samples: at odd rates it is not quite a hundredth of a second.
    middles_s = (np.arange(count) + 0.5) * step / sound.rate
    wanted_s = (np.arange(int(sound.length / sound.rate / _STEP_S)) + 0.5) * _STEP_S
    return Envelope(np.interp(wanted_s, middles_s, levels_db))
