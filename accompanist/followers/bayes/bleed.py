"""The ensemble in the soloist's microphone: how loud it must be in each band, from its notes.

Which notes were sent, and when, is known; how they sound, how loud they come back and how late is
not. Each note is given harmonic partials and taken through the same filters as the microphone.
Loudness, the colour of the room and how each part's notes sound at every age are learned from bands
in which the soloist is not expected, so that a doubled line is never taken for the ensemble; the
sound is kept against the pitch, so that a note never heard is known from its neighbours. Where
nothing comes back the loudness goes to nothing and with it everything that is done here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.bleed_kernels import (
    AGES_S,
    LAGS,
    MIDDLE,
    RING,
    WIDE,
    charge,
    expect,
    find_delay,
    learn,
)
from accompanist.followers.protocol import EnsembleNote
from accompanist.hearing.bank import BANDS_PER_SEMITONE, LOWEST_HZ, FilterBank

__all__ = ["BleedModel"]

Float32Array = npt.NDArray[np.float32]

_MOST_VOICES: Final = 64
_MOST_PITCHES: Final = 128
_PARTS: Final = 32
_PARTIALS: Final = 12
_PARTIAL_DECAY: Final = 0.75
_NYQUIST_SHARE: Final = 0.45
_BESIDE: Final = 1e-3
"""Power between the partials, against the strongest band: strokes are no tones."""
_RELEASE_S: Final = 0.12
_GONE_S: Final = 1.0
"""Longer than the longest delay: what has been let go may still be under way."""
_FIRST_DELAY_S: Final = 0.06
_DELAY_MEMORY_S: Final = 20.0


class BleedModel:
    """What the filter bank should hear of the ensemble, and what it does hear. Not thread-safe.

    Parameters
    ----------
    bank : FilterBank
        Of the microphone.
    hop_s : float
        Length of a hop.
    """

    def __init__(self, bank: FilterBank, hop_s: float) -> None:
        self._bank = bank
        self._hop_s = hop_s
        bands = len(bank)
        self._rows: dict[float, int] = {}
        self._base = np.zeros((_MOST_PITCHES, bands), dtype=np.float32)
        self._sounds = np.ones((_PARTS, len(AGES_S) + 1, WIDE), dtype=np.float32)
        self._count = 0
        self._keys: list[tuple[int, float]] = []
        self._voices = np.zeros((_MOST_VOICES, 3), dtype=np.int64)
        self._amplitude = np.zeros(_MOST_VOICES)
        self._struck_s = np.zeros(_MOST_VOICES)
        self._let_go_s = np.full(_MOST_VOICES, np.inf)
        self._charging = (1.0 - np.exp(-hop_s / bank.rise_s)).astype(np.float32)
        self._stages = np.zeros((2, 2, bands), dtype=np.float32)
        self._power = np.zeros(bands, dtype=np.float32)
        self._sounding = np.zeros((RING, bands), dtype=np.float32)
        self._plain = np.zeros((RING, bands), dtype=np.float32)
        """The same with nothing learned: what is learned must not tell how late it comes."""
        self._rising = np.zeros((RING, bands), dtype=np.float32)
        self._logs = np.zeros((2, RING, bands), dtype=np.float32)
        self._floors = np.full(2, 1e-9)
        self._votes = np.zeros(LAGS)
        self._lag = round(_FIRST_DELAY_S / hop_s)
        self._memory = float(np.exp(-hop_s / _DELAY_MEMORY_S))
        self._hops = 0
        self._gain = np.zeros(2)
        """Log of the gain, and from how many hops it is known."""
        self._colour = np.zeros(bands)
        self._error = np.zeros(bands)
        self.expected: Float32Array = np.zeros(bands, dtype=np.float32)
        """Magnitude [shape=(bands,)] of the ensemble in the hop last heard."""

    @property
    def delay_s(self) -> float:
        """From sending a note to hearing it, as believed now."""
        return self._lag * self._hop_s

    @property
    def gain_db(self) -> float:
        """How loud the ensemble comes back, against a full-scale sine a note; −∞ at first."""
        return float(self._gain[0] * 20 / np.log(10)) if self._gain[1] > 0 else -np.inf

    def take(self, notes: Sequence[EnsembleNote]) -> None:
        """Learn what the ensemble has been sent, in order of time."""
        for note in notes:
            key = (note.part, note.pitch)
            if note.pitch < 0:
                continue
            for voice in range(self._count):
                if self._keys[voice] == key and self._let_go_s[voice] == np.inf:
                    self._let_go_s[voice] = note.time_s
            if note.velocity > 0:
                self._strike(key, note)

    def hear(self, magnitudes: Float32Array, absent: Float32Array, time_s: float) -> Float32Array:
        """Hear one hop, and give `expected` for it.

        Parameters
        ----------
        magnitudes : ndarray [shape=(bands,)]
            Of the microphone.
        absent : ndarray [shape=(bands,)]
            1 where nothing is expected of the soloist, to 0 where they may be.
        time_s : float
            End of the hop.
        """
        self._forget(time_s)
        now = self._hops % RING
        count = self._count
        voices = (
            self._voices[:count], self._amplitude[:count],
            self._struck_s[:count], self._let_go_s[:count],
        )  # fmt: skip
        for learned, ring in ((False, self._plain), (True, self._sounding)):
            expect(*voices, time_s, self._base, self._sounds, learned, _RELEASE_S, self._power)
            charge(self._power, self._stages[int(learned)], self._charging, ring[now])
        lag = find_delay(
            magnitudes, self._plain, self._logs, self._rising, self._floors, absent,
            self._votes, self._memory, self._hops, max(1, round(0.023 / self._hop_s)),
        )  # fmt: skip
        if lag >= 0:
            self._lag = lag
        delay_s = self._lag * self._hop_s
        learn(
            magnitudes, self._sounding[(self._hops - self._lag) % RING], absent, *voices,
            time_s - delay_s, self._base, self._sounds, _RELEASE_S, self._gain,
            self._colour, self._error, self._power, self.expected,
        )  # fmt: skip
        self._hops += 1
        return self.expected

    def _strike(self, key: tuple[int, float], note: EnsembleNote) -> None:
        if self._count == _MOST_VOICES:
            self._drop(0)
        voice = self._count
        self._count += 1
        self._keys.append(key)
        lowest = 69 + 12 * np.log2(LOWEST_HZ / 440.0)
        first = MIDDLE - round(BANDS_PER_SEMITONE * (note.pitch - lowest))
        first = min(max(first, 0), WIDE - len(self._bank))
        self._voices[voice] = (self._row_of(note.pitch), note.part % _PARTS, first)
        self._amplitude[voice] = (note.velocity / 127.0) ** 2
        self._struck_s[voice] = note.time_s
        self._let_go_s[voice] = np.inf

    def _forget(self, time_s: float) -> None:
        voice = 0
        while voice < self._count:
            if self._let_go_s[voice] < time_s - _GONE_S:
                self._drop(voice)
            else:
                voice += 1

    def _drop(self, voice: int) -> None:
        self._count -= 1
        del self._keys[voice]
        for column in (self._voices, self._amplitude, self._struck_s, self._let_go_s):
            column[voice : self._count] = column[voice + 1 : self._count + 1].copy()

    def _row_of(self, pitch: float) -> int:
        row = self._rows.get(pitch)
        if row is None:
            if len(self._rows) == _MOST_PITCHES:
                return self._rows[min(self._rows, key=lambda known: abs(known - pitch))]
            row = self._rows[pitch] = len(self._rows)
            bank = self._bank
            hz = 440.0 * 2.0 ** ((pitch - 69) / 12) * np.arange(1, _PARTIALS + 1)
            share = _PARTIAL_DECAY ** np.arange(_PARTIALS)
            audible = hz < _NYQUIST_SHARE * bank.sample_rate
            look = ((bank.response(hz) * (share * audible)[:, None]) ** 2).sum(axis=0)
            self._base[row] = look + _BESIDE * look.max()
        return row
