"""What each segment is expected to look like through the filter bank, made when it comes near.

A score may be hours long: pictures are kept in a ring of slots and filled just before the filter
needs them, so that memory and the cost of a hop do not grow with the score.
"""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.beside import mix
from accompanist.followers.bayes.segments import Segments
from accompanist.hearing.bank import FilterBank

__all__ = ["AGES_S", "SLOTS", "TemplateRing", "age_mixture", "coarse_templates", "pitch_templates"]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

SLOTS: Final = 512
"""Segments whose pictures are at hand at once; a power of two."""

AGES_S: Final = (0.0, 0.01, 0.02, 0.04, 0.08, 2.0)
"""A picture turns from the previous chord's to its own as the filters charge; looked at here."""

_PARTIALS: Final = 12
_PARTIAL_DECAY: Final = 0.75
_NYQUIST_SHARE: Final = 0.45
_FLAT: Final = 0.3
"""Share of the picture that is given to anything at all: noise, other timbres, mistakes."""

_SILENCE_NOTE: Final = 0.02
_SILENCE_REST: Final = 0.1
_SILENCE_YOUNG: Final = 0.1
_RELEASE_GAIN: Final = 0.2
_RELEASE_S: Final = 0.2
_LAG_S: Final = 0.03
"""Players are late on the age that the score gives a note, exponentially, by this mean."""


def pitch_templates(bank: FilterBank, pitches: IntArray, cents: float) -> Float32Array:
    """Spectrum [shape=(pitches, bands)] of each pitch as the bank shows it, each summing to 1.

    Partials fall by 0.75 each and add in power. A pitch with no partial in the bank is flat.
    """
    fundamentals = 440.0 * 2.0 ** ((pitches - 69 + cents / 100) / 12)
    out = np.empty((len(pitches), len(bank)), dtype=np.float32)
    _partials(fundamentals / bank.sample_rate, bank.radius, bank.angle, out)
    return out


@nb.njit(cache=True, nogil=True, fastmath=True)
def _partials(turns: FloatArray, radius: FloatArray, angle: FloatArray, out: Float32Array) -> None:
    """Fill ``out``; ``turns`` [shape=(pitches,)] are cycles a sample.

    The same response as `FilterBank.response`, squared and summed without its complex numbers: a
    change of tuning happens between two hops.
    """
    for i in range(len(turns)):
        for k in range(out.shape[1]):
            r = radius[k]
            power = 0.0
            for h in range(1, _PARTIALS + 1):
                turn = turns[i] * h
                if turn < _NYQUIST_SHARE:
                    distance = 1.0 + r * r - 2.0 * r * np.cos(angle[k] - 2 * np.pi * turn)
                    answer = (1.0 - r) * (1.0 - r) / distance
                    power += _PARTIAL_DECAY ** (2 * (h - 1)) * answer * answer
            out[i, k] = np.sqrt(power)
        total = out[i].sum()
        if total > 1e-3:
            out[i] /= total
        else:
            out[i] = 1.0 / out.shape[1]


def age_mixture(hop_s: float, bins: int) -> Float32Array:
    """Weights [shape=(bins, ages)] of the looks of `AGES_S` at a score age of each number of hops.

    The player's lag is exponential, so the age of the sound is the score's age minus that.
    """
    ages = np.array(AGES_S)
    # Each look stands for the ages nearer to it than to its neighbours; the last begins at 0.12 s.
    reach = np.minimum(ages[1:], ages[:-1] + 0.08)
    edges = np.concatenate(([-np.inf], (ages[:-1] + reach) / 2, [np.inf]))
    out = np.zeros((bins, len(ages)))
    for b in range(bins):
        age = (b + 0.5) * hop_s
        # P(age − lag < edge), lag ~ Exp(_LAG_S)
        below = np.where(edges >= age, 1.0, np.exp(-np.maximum(age - edges, 0.0) / _LAG_S))
        out[b] = np.diff(below)
    out[-1] = np.eye(len(ages))[-1]
    out[:, 0] += 1e-4
    normalised: Float32Array = (out / out.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalised


@nb.njit(cache=True, nogil=True, fastmath=True)
def _chord(
    first: int,
    end: int,
    templates: Float32Array,
    pitch_index: IntArray,
    weight: Float32Array,
    out: Float32Array,
) -> None:
    """Mix the pitches in entries [first, end) of the sparse rows; ``out`` sums to 1."""
    out[:] = 0.0
    total = 0.0
    for r in range(first, end):
        w = weight[r]
        total += w
        row = templates[pitch_index[r]]
        for k in range(len(out)):
            out[k] += w * row[k]
    for k in range(len(out)):
        out[k] /= total


@nb.njit(cache=True, nogil=True, fastmath=True)
def _picture(
    segment: int,
    templates: Float32Array,
    pointer: IntArray,
    pitch_index: IntArray,
    weight: Float32Array,
    chord: IntArray,
    rest: npt.NDArray[np.bool_],
    out: Float32Array,
) -> None:
    """Steady look of a segment: bands, then the silence bin; sums to 1."""
    bands = len(out) - 1
    flat = 1.0 / bands
    source = chord[segment]
    if source < 0:
        silence, share = _SILENCE_REST, 1.0
        out[:bands] = flat
    else:
        first, end = pointer[source], pointer[source + 1]
        _chord(first, end, templates, pitch_index, weight, out[:bands])
        if rest[segment]:
            # A rest is whatever rings on, or nothing in particular.
            silence = _SILENCE_REST
            share = 0.5 + 0.5 * _FLAT
        else:
            silence, share = _SILENCE_NOTE, _FLAT
    for k in range(bands):
        out[k] = (1.0 - silence) * ((1.0 - share) * out[k] + share * flat)
    out[bands] = silence


@nb.njit(cache=True, nogil=True, fastmath=True)
def _fill(
    first: int,
    last: int,
    slot_of: npt.NDArray[np.int64],
    looks: Float32Array,
    pictures: Float32Array,
    stroke: Float32Array,
    templates: Float32Array,
    pointer: IntArray,
    pitch_index: IntArray,
    weight: Float32Array,
    ringing: IntArray,
    chord: IntArray,
    rest: npt.NDArray[np.bool_],
    begins: npt.NDArray[np.bool_],
    event: IntArray,
    new_pointer: IntArray,
    new_index: IntArray,
    charge: Float32Array,
    own: Float32Array,
    previous: Float32Array,
) -> None:
    slots = len(slot_of)
    bands = len(own) - 1
    for segment in range(first, last + 1):
        slot = segment % slots
        if slot_of[slot] == segment:
            continue
        slot_of[slot] = segment
        _picture(segment, templates, pointer, pitch_index, weight, chord, rest, own)
        if segment > 0:
            _picture(segment - 1, templates, pointer, pitch_index, weight, chord, rest, previous)
        else:
            previous[:] = own
        for j in range(charge.shape[0]):
            steady = own[bands]
            if begins[segment] and 1 < j < charge.shape[0] - 1:
                own[bands] = steady * _SILENCE_YOUNG
            total = 0.0
            for k in range(bands + 1):
                total += previous[k] + charge[j, k] * (own[k] - previous[k])
            scale = 1.0 / total
            for k in range(bands + 1):
                mixed = previous[k] + charge[j, k] * (own[k] - previous[k])
                pictures[slot, j, k] = mixed * scale
                looks[slot, j, k] = np.log(mixed * scale)
            own[bands] = steady
        # The other look: in a rest the old chord ringing on, in a note nothing ringing but it.
        source = chord[segment]
        if source >= 0:
            lo, hi = pointer[source], pointer[source + 1] if rest[segment] else ringing[source]
            _chord(lo, hi, templates, pitch_index, weight, own[:bands])
            for k in range(bands):
                own[k] = (1.0 - _SILENCE_NOTE) * ((1.0 - _FLAT) * own[k] + _FLAT / bands)
            own[bands] = _SILENCE_NOTE
        pictures[slot, charge.shape[0]] = own
        looks[slot, charge.shape[0]] = np.log(own)
        if begins[segment]:
            # Weigh each band by how much of it is new: an old partial hides a new one.
            row = stroke[slot]
            row[:] = 0.0
            e = event[segment]
            for r in range(new_pointer[e], new_pointer[e + 1]):
                for k in range(bands):
                    row[k] += templates[new_index[r], k]
            count = max(new_pointer[e + 1] - new_pointer[e], 1)
            source = chord[segment - 1]
            if source >= 0:
                lo, hi = pointer[source], pointer[source + 1]
                _chord(lo, hi, templates, pitch_index, weight, previous[:bands])
            else:
                previous[:bands] = 0.0
            total = 1e-12
            for k in range(bands):
                new = row[k] / count
                row[k] = new * new / (new + previous[k] + 1e-9)
                total += row[k]
            for k in range(bands):
                row[k] /= total


class TemplateRing:
    """Pictures of the segments around the cursor.

    Attributes
    ----------
    slot_of : ndarray [shape=(SLOTS,)]
        Which segment each slot holds; segment ``s`` belongs into slot ``s % SLOTS``.
    looks : ndarray [shape=(SLOTS, ages + 1, bands + 1)]
        Log pictures at `AGES_S`, then one other that fits as well: after a breath nothing of the
        last chord is left in a note, and into a rest a chord may ring on. The last bin is silence.
    waiting : ndarray [shape=(bands + 1,)]
        Log picture of a soloist who has not begun: silence, or nothing in particular.
    stroke : ndarray [shape=(SLOTS, bands)]
        For segments that begin with an event: how much each band's rise tells of it; sums to 1.
    """

    def __init__(self, bank: FilterBank, segments: Segments, cents: float) -> None:
        self._bank = bank
        self._segments = segments
        bands = len(bank)
        self.slot_of = np.full(SLOTS, -1, dtype=np.int64)
        self.looks = np.zeros((SLOTS, len(AGES_S) + 1, bands + 1), dtype=np.float32)
        self._pictures = np.zeros_like(self.looks)
        self._beside: tuple[Float32Array, Float32Array] | None = None
        self.stroke = np.zeros((SLOTS, bands), dtype=np.float32)
        self._charge = self._make_charge(bank)
        self.waiting = np.full(bands + 1, np.log((1 - _SILENCE_REST) / bands), dtype=np.float32)
        self.waiting[-1] = np.log(_SILENCE_REST)
        self._own = np.zeros(bands + 1, dtype=np.float32)
        self._previous = np.zeros(bands + 1, dtype=np.float32)
        self.retune(cents)

    def retune(self, cents: float) -> None:
        """Forget all pictures and make new ones for a player this far from A = 440."""
        self.cents = cents
        self.templates = pitch_templates(self._bank, self._segments.pitches, cents)
        self.slot_of[:] = -1

    def use(self, other: TemplateRing) -> None:
        """Have the same pitches as another ring, and make new pictures of them."""
        self.cents, self.templates = other.cents, other.templates
        self.slot_of[:] = -1

    def fill(self, first: int, last: int) -> None:
        """Have the pictures of segments ``first`` to ``last`` (at most `SLOTS`) ready."""
        s = self._segments
        _fill(
            first, last, self.slot_of, self.looks, self._pictures, self.stroke, self.templates,
            s.pointer, s.pitch_index, s.weight, s.ringing, s.chord, s.rest, s.begins, s.event,
            s.new_pointer, s.new_index, self._charge, self._own, self._previous,
        )  # fmt: skip

    def beside(
        self, others: Float32Array, first: int, last: int, shift: int
    ) -> tuple[Float32Array, Float32Array]:
        """Give `looks` and `waiting` with others sounding, too; of segments filled before.

        See `accompanist.followers.bayes.beside`.
        """
        if self._beside is None:
            self._beside = (np.zeros_like(self.looks), np.zeros_like(self.waiting))
        mix(self._pictures, self.waiting, others, first, last, shift, *self._beside)
        return self._beside

    @staticmethod
    def _make_charge(bank: FilterBank) -> Float32Array:
        """How much [shape=(ages, bands + 1)] of the new picture is there at each age."""
        rows = []
        for age in AGES_S:
            z = age / bank.rise_s
            bands = 1 - (1 + z) * np.exp(-z)
            silence = 0.0 if age <= 0 else 0.5 if age <= 0.03 else 1.0
            row = np.append(bands, silence) if age < 1 else np.ones(len(bank) + 1)
            rows.append(row * (1 - _RELEASE_GAIN * np.exp(-age / _RELEASE_S)))
        return np.array(rows, dtype=np.float32)


def coarse_templates(segments: Segments, templates: Float32Array) -> Float32Array:
    """Log steady pictures [shape=(unique, bands)] for a look at the whole score at once."""
    out = np.empty((len(segments.unique), templates.shape[1] + 1), dtype=np.float32)
    for i, segment in enumerate(segments.unique):
        _picture(
            segment, templates, segments.pointer, segments.pitch_index, segments.weight,
            segments.chord, segments.rest, out[i],
        )  # fmt: skip
    return np.log(out[:, :-1])
