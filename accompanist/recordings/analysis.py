"""What can be found out about a recording as music: loudness, onsets, beats, bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from accompanist.errors import BadInputError
from accompanist.recordings.beats import find_beats
from accompanist.recordings.beats_bars import find_bars
from accompanist.recordings.loudness import LOUDNESS_HOP_S, SILENT_LUFS, Loudness, LoudnessMeter
from accompanist.recordings.onsets import NoveltyMeter, pick_onsets
from accompanist.recordings.sound import Sound

__all__ = ["ANALYSIS_VERSION", "LEAST_S", "RecordingAnalysis", "analyse"]

ANALYSIS_VERSION = 2
"""Grows with every change of what is found out, or of how."""

LEAST_S = 2.0
"""Shorter recordings are refused."""
_BLOCK_S = 1.5
_PAUSE_S, _LEAST_MOVEMENT_S = 2.0, 60.0
_SILENCE_BELOW_LU = 35.0
"""Beginning and end are silent where they are so much softer than the whole."""


@dataclass(frozen=True, slots=True)
class RecordingAnalysis:
    """What was found in a recording.

    Attributes
    ----------
    duration_s : float
    rate, channels : int
    loudness_lufs : float
        Integrated loudness (BS.1770).
    peak : float
        Largest absolute sample.
    heard_s : tuple of float
        From where to where there is music; silence lies before and behind.
    onsets_s : tuple of float
        Where sounds begin, ascending, a few a second at most.
    beats_s : tuple of float
        An estimate of the beats, strictly increasing.
    bars_s : tuple of float
        Those of the beats that begin a bar: an estimate too.
    beats_a_bar : int
        3 or 4.
    qpm : float
        Median tempo, beats a minute.
    pulse : float
        How clear the beats are, 0…1; see `accompanist.recordings.beats.Beats`.
    pulse_found : bool
        Else the beats are an even grid.
    momentary_lufs : tuple of float
        Loudness every second, to show.
    movements_s : tuple of float
        Where movements begin, if silence clearly parts the recording into several; else empty.
    """

    duration_s: float
    rate: int
    channels: int
    loudness_lufs: float
    peak: float
    heard_s: tuple[float, float]
    onsets_s: tuple[float, ...]
    beats_s: tuple[float, ...]
    bars_s: tuple[float, ...]
    beats_a_bar: int
    qpm: float
    pulse: float
    pulse_found: bool
    momentary_lufs: tuple[float, ...]
    movements_s: tuple[float, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """Give values that JSON can hold; `from_plain` undoes it."""
        return {"version": ANALYSIS_VERSION, **asdict(self)}

    @classmethod
    def from_plain(cls, plain: Any) -> RecordingAnalysis:
        """Build it from what `to_plain` made; ValueError where that is another version."""
        try:
            if plain["version"] != ANALYSIS_VERSION:
                raise ValueError(f"analysis {plain['version']!r}, expected {ANALYSIS_VERSION}")
            values: dict[str, Any] = {field.name: plain[field.name] for field in fields(cls)}
        except (KeyError, TypeError) as error:
            raise ValueError(f"not an analysis: {error!r}") from error
        for name, value in values.items():
            values[name] = tuple(value) if isinstance(value, list) else value
        return cls(**values)


def analyse(sound: Sound, progress: Callable[[float], None] | None = None) -> RecordingAnalysis:
    """Listen to a whole recording, block by block: an hour takes some 100 MB.

    Parameters
    ----------
    sound : Sound
        Read once, from its beginning to its end.
    progress : callable, optional
        Told the seconds of the recording done since it was last told; may raise to give up.

    Raises
    ------
    BadInputError
        The recording is shorter than `LEAST_S`, or nothing is to be heard in it.
    """
    rate, duration_s = sound.rate, sound.length / sound.rate
    if duration_s < LEAST_S:
        raise BadInputError(
            f"the recording lasts {duration_s:.1f} s only; at least {LEAST_S:.0f} s are needed"
        )
    meter, novelty_meter = LoudnessMeter(rate, sound.channels), NoveltyMeter(rate)
    peak, block_frames = 0.0, max(round(_BLOCK_S * rate), 1)
    for start in range(0, sound.length, block_frames):
        block = sound.read(start, min(block_frames, sound.length - start))
        peak = max(peak, float(np.abs(block).max()))
        meter.feed(block)
        novelty_meter.feed(block.mean(axis=1))
        if progress is not None:
            progress(len(block) / rate)
    loudness, novelty = meter.result(), novelty_meter.result()
    if loudness.integrated_lufs <= SILENT_LUFS:
        raise BadInputError("nothing can be heard in the recording: it is silent")
    first_s, last_s = _heard(loudness, duration_s)
    onsets = pick_onsets(novelty.flux, novelty.hop_s)
    onsets = onsets[(onsets >= max(first_s - 0.2, 0.0)) & (onsets < min(last_s, duration_s))]
    beats = find_beats(novelty.flux, novelty.hop_s, first_s, last_s)
    times_s = beats.times_s[(beats.times_s >= 0.0) & (beats.times_s < duration_s)]
    bars = find_bars(novelty, times_s)
    between = np.diff(times_s)
    return RecordingAnalysis(
        duration_s=duration_s,
        rate=rate,
        channels=sound.channels,
        loudness_lufs=round(loudness.integrated_lufs, 2),
        peak=round(peak, 5),
        heard_s=(round(float(first_s), 3), round(float(last_s), 3)),
        onsets_s=tuple(np.round(onsets, 4).tolist()),
        beats_s=tuple(np.round(times_s, 5).tolist()),
        bars_s=tuple(np.round(times_s[bars.downbeats], 5).tolist()),
        beats_a_bar=bars.beats_a_bar,
        qpm=round(60.0 / float(np.median(between)), 2) if len(between) else 120.0,
        pulse=round(beats.pulse, 3),
        pulse_found=beats.found,
        momentary_lufs=tuple(np.round(_a_second(loudness).astype(float), 1).tolist()),
        movements_s=_movements(loudness, duration_s),
    )


def _heard(loudness: Loudness, duration_s: float) -> tuple[float, float]:
    """From where to where the recording is not silent."""
    least = max(loudness.integrated_lufs - _SILENCE_BELOW_LU, SILENT_LUFS)
    loud = np.flatnonzero(loudness.momentary_lufs > least)
    if not len(loud):
        return 0.0, duration_s
    # A window counts from its beginning: what is heard stands near the end of the first one.
    window_s = 4 * LOUDNESS_HOP_S
    first_s = loud[0] * LOUDNESS_HOP_S + (window_s - LOUDNESS_HOP_S if loud[0] else 0.0)
    return first_s, min(loud[-1] * LOUDNESS_HOP_S + LOUDNESS_HOP_S, duration_s)


def _movements(loudness: Loudness, duration_s: float) -> tuple[float, ...]:
    """Where movements begin: behind silences, with at least a minute of music in each."""
    least = max(loudness.integrated_lufs - _SILENCE_BELOW_LU, SILENT_LUFS)
    loud_s = np.flatnonzero(loudness.momentary_lufs > least) * LOUDNESS_HOP_S
    if not len(loud_s):
        return ()
    behind = np.flatnonzero(np.diff(loud_s) > _PAUSE_S) + 1
    starts: list[float] = []
    for first, last in zip([0, *behind], [*behind - 1, len(loud_s) - 1], strict=True):
        if loud_s[last] - loud_s[first] >= _LEAST_MOVEMENT_S:
            # A window counts from its beginning: what is heard stands near its end.
            starts.append(round(float(min(loud_s[first] + 3 * LOUDNESS_HOP_S, duration_s)), 2))
    return tuple(starts) if len(starts) > 1 else ()


def _a_second(loudness: Loudness) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return loudness.momentary_lufs[:: round(1.0 / LOUDNESS_HOP_S)]
