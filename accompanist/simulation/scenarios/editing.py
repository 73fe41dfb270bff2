"""Cutting and joining recordings so that the truth stays true to the sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.simulation.noise import coloured
from accompanist.simulation.scenarios.material import Samples, ScenarioTake, Source

__all__ = ["Passage", "Rest", "assembled", "cut_s", "laid_over", "room_tone", "silence_level"]

FloatArray = npt.NDArray[np.float64]

_LEAD_S = 0.02
"""A cut is made so long before an onset: some attacks begin before they count as begun."""
_LEAD_SHARE = 0.4
"""… but no further back than this share of the interval before."""
_FADE_S = 0.012
_RELEASE_S = 0.08
_FRAME_S = 0.05
_QUIET_SHARE = 0.05
_QUIETEST = 1e-5
_TONE_UNDER_PEAK_DB = -50.0
"""Who plays without a rest leaves no quiet moment to measure; a room is not louder than this."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What the soloist plays from one onset to (not with) another, by their numbers."""

    first: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Rest:
    """Something else that is heard for a while, as a sound [shape=(n,)]."""

    sound: Samples


def cut_s(source: Source, onset: int) -> float:
    """Time at which to cut before an onset: 0 before the first, the end behind the last."""
    times = source.truth_time_s
    if onset <= 0:
        return 0.0
    if onset >= len(times):
        return source.duration_s
    gap = float(times[onset] - times[onset - 1])
    return max(float(times[onset]) - min(_LEAD_S, _LEAD_SHARE * gap), 0.0)


def silence_level(source: Source) -> float:
    """RMS of the quietest twentieth of the take."""
    frame = max(round(_FRAME_S * source.rate), 1)
    count = len(source.samples) // frame
    if not count:
        return _QUIETEST
    frames = source.samples[: count * frame].reshape(count, frame)
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    return max(float(np.sqrt(np.quantile(power, _QUIET_SHARE))), _QUIETEST)


def room_tone(source: Source, seconds: float, generator: np.random.Generator) -> Samples:
    """Give what is heard where nobody plays: pink noise as loud as the quietest of the take."""
    from scipy.fft import next_fast_len

    count = round(seconds * source.rate)
    most = 10 ** (_TONE_UNDER_PEAK_DB / 20) * float(np.abs(source.samples).max(initial=0.0))
    level = max(min(silence_level(source), most), _QUIETEST)
    noise = coloured(next_fast_len(max(count, 2)), 1.0, generator)[:count]
    return (level * noise).astype(np.float32)


def assembled(source: Source, pieces: Sequence[Passage | Rest]) -> ScenarioTake:
    """Join passages and rests, one after the other, each cross-faded into the next.

    A passage keeps the moments of its onsets against its own beginning to the sample. A new leg
    begins where a passage does not begin with the onset that comes next.

    Raises
    ------
    ValueError
        A passage without onsets.
    """
    rate, fade = source.rate, max(round(_FADE_S * source.rate), 1)
    spans = [_span(source, piece) for piece in pieces]
    for i in [i for i, piece in enumerate(pieces) if isinstance(piece, Passage)][1:]:
        # Who comes back to the very beginning does not wait once more for the first note.
        spans[i] = (max(spans[i][0], round(_soonest_s(source) * rate)), spans[i][1])
    total = sum(end - first for first, end in spans)
    out = np.zeros(total, dtype=np.float32)
    quarters: list[FloatArray] = []
    times: list[FloatArray] = []
    origins: list[npt.NDArray[np.intp]] = []
    legs: list[npt.NDArray[np.intp]] = []
    at, leg, expected = 0, -1, -1
    for i, (piece, (first, end)) in enumerate(zip(pieces, spans, strict=True)):
        last = i + 1 == len(pieces)
        release = fade
        if not last and isinstance(piece, Passage) and isinstance(pieces[i + 1], Rest):
            release = max(round(_RELEASE_S * rate), fade)
        sound = source.samples if isinstance(piece, Passage) else piece.sound
        _add(out, at, sound, first, end, fade_in=fade if i else 0, fade_out=0 if last else release)
        if isinstance(piece, Passage):
            chosen = np.arange(piece.first, piece.end)
            if not len(chosen):
                raise ValueError("a passage without onsets")
            leg += piece.first != expected
            expected = piece.end
            quarters.append(source.truth_quarter[chosen])
            times.append(source.truth_time_s[chosen] + (at - first) / rate)
            origins.append(chosen)
            legs.append(np.full(len(chosen), leg))
        at += end - first
    return ScenarioTake(
        samples=out,
        rate=rate,
        truth_quarter=np.concatenate(quarters),
        truth_time_s=np.concatenate(times),
        origin=np.concatenate(origins).astype(np.intp),
        leg=np.concatenate(legs).astype(np.intp),
        score=source.score,
    )


def laid_over(samples: Samples, sound: Samples, start: int, gain: float = 1.0) -> None:
    """Add a sound to samples in place from ``start`` on; what does not fit is left out."""
    count = min(len(sound), len(samples) - start)
    if count > 0:
        samples[start : start + count] += np.float32(gain) * sound[:count]


def _soonest_s(source: Source) -> float:
    return max(float(source.truth_time_s[0]) - _LEAD_S, 0.0)


def _span(source: Source, piece: Passage | Rest) -> tuple[int, int]:
    if isinstance(piece, Rest):
        return 0, len(piece.sound)
    first, end = cut_s(source, piece.first), cut_s(source, piece.end)
    return round(first * source.rate), round(end * source.rate)


def _add(
    out: Samples, at: int, sound: Samples, first: int, end: int, *, fade_in: int, fade_out: int
) -> None:
    """Add ``sound[first:end]`` and, fading, what comes behind it, as far as there is any."""
    tail = max(min(fade_out, len(sound) - end, len(out) - at - (end - first)), 0)
    piece = sound[first : end + tail].copy()
    if tail:
        piece[-tail:] *= np.linspace(1.0, 0.0, tail, dtype=np.float32)
    fade_in = min(fade_in, len(piece))
    if fade_in:
        piece[:fade_in] *= np.linspace(0.0, 1.0, fade_in, dtype=np.float32)
    out[at : at + len(piece)] += piece
