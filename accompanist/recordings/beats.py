"""The pulse of a recording: beats whose tempo may change, by dynamic programming.

The best row of beats is sought over (time of a beat, interval before it), as in the beat trackers
by dynamic programming of Ellis (JNMR 2007) with the interval kept as a state (Krebs et al.,
ISMIR 2015): a beat is good where sounds begin and where its interval is a period of the flux
around it; what it earns is weighted by its interval, so that many beats do not earn more than few.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.recordings.beats_steady import steadied

__all__ = ["EVEN_QPM", "Beats", "find_beats"]

FloatArray = npt.NDArray[np.float64]
Frames = npt.NDArray[np.float32]

EVEN_QPM = 120.0
"""Where no pulse is found, beats stand evenly."""
LEAST_PULSE = 0.13

_LEAST_FLUX = 0.015
"""Where it is hardly ever more than that, nothing begins: a drone, a swell."""
_SHORTEST_S, _LONGEST_S = 0.32, 1.2
_USUAL_S, _USUAL_OCTAVES = 0.6, 0.7
_FRAME_S = 0.01
_LOUD_WITHIN_S = 3.0
_SOFT_SHARE = 0.1
_BLUR_S = 0.015
_MEAN_WITHIN_S = 1.5
_PERIOD_WINDOW_S, _PERIOD_HOP_S, _PERIODS = 8.0, 0.5, 3

_FLUX_WEIGHT, _PERIOD_WEIGHT, _USUAL_WEIGHT = 1.0, 1.0, 0.3
_CHANGE = 0.12
"""Change of an interval (natural logarithm) that costs half a point."""
_MOST_CHANGE = 1.4


@dataclass(frozen=True, slots=True, eq=False)
class Beats:
    """Beats of a recording.

    Attributes
    ----------
    times_s : ndarray [shape=(n,)]
        Strictly increasing; from the first to the last one near which something is heard.
    pulse : float
        How clearly the recording has this pulse: up to 0.13 for onsets at random, 0.15 to 0.6
        for music.
    found : bool
        Whether they were found; else they are an even grid.
    """

    times_s: FloatArray
    pulse: float
    found: bool


def find_beats(flux: Frames, hop_s: float, first_s: float, last_s: float) -> Beats:
    """Find the beats between two instants.

    Parameters
    ----------
    flux : ndarray [shape=(frames,)]
        See `accompanist.recordings.onsets.Novelty`; about 10 ms a frame.
    hop_s : float
        From frame to frame.
    first_s, last_s : float
        Where something is first and last heard.
    """
    first, last = max(int(first_s / hop_s) - 5, 0), min(int(last_s / hop_s) + 5, len(flux))
    heard = flux[first:last]
    even = np.arange(first_s, max(last_s, first_s + 1e-3), 60.0 / EVEN_QPM)
    if len(heard) * hop_s < 2.0 or float(np.percentile(heard, 99)) < _LEAST_FLUX:
        return Beats(even, 0.0, found=False)
    strength = _strength(heard, hop_s)
    intervals = np.arange(round(_SHORTEST_S / hop_s), round(_LONGEST_S / hop_s) + 1)
    periods = _periodicity(strength, hop_s, intervals)
    frames, path = _best_row(strength, periods, hop_s, intervals)
    if len(frames) < 4:
        return Beats(even, 0.0, found=False)
    pulse = _pulse(periods, hop_s, frames, path)
    if pulse < LEAST_PULSE:
        return Beats(even, pulse, found=False)
    at, weights = _placed(strength, frames)
    return Beats(steadied((at + first) * hop_s, weights), pulse, found=True)


def _strength(flux: Frames, hop_s: float) -> Frames:
    """Flux relative to what is loud around it, its mean taken off: about −0.2…1."""
    from scipy.ndimage import gaussian_filter1d, maximum_filter1d, uniform_filter1d

    wide = 2 * round(_LOUD_WITHIN_S / hop_s) + 1
    loud = uniform_filter1d(maximum_filter1d(flux, wide), wide)
    least = _SOFT_SHARE * float(np.percentile(flux, 99))
    relative = np.minimum(flux / np.maximum(loud, max(least, 1e-9)), 1.0)
    smooth = gaussian_filter1d(relative, _BLUR_S / hop_s)
    mean = uniform_filter1d(smooth, 2 * round(_MEAN_WITHIN_S / hop_s) + 1, mode="nearest")
    return np.asarray((smooth - mean) / max(float(smooth.max()), 1e-9), dtype=np.float32)


def _periodicity(strength: Frames, hop_s: float, intervals: npt.NDArray[np.intp]) -> Frames:
    """How well each interval fits as a period [shape=(windows, intervals)], at most about 1.

    The mean of the autocorrelation at the interval and its multiples, in windows that begin half
    a window before the recording and stand `_PERIOD_HOP_S` apart.
    """
    from scipy.fft import irfft, rfft

    size, step = round(_PERIOD_WINDOW_S / hop_s), round(_PERIOD_HOP_S / hop_s)
    padded = np.pad(strength, (size // 2, size // 2 + step))
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)[::step]
    taper = np.hanning(size).astype(np.float32)
    fft = 1 << (2 * size - 1).bit_length()
    shape = irfft(np.square(np.abs(rfft(taper, fft))))[:size]
    fits = np.empty((len(windows), len(intervals)), dtype=np.float32)
    for begin in range(0, len(windows), 64):  # bounded memory
        spectrum = rfft(windows[begin : begin + 64] * taper, fft, axis=1)
        same = irfft(np.square(np.abs(spectrum)), axis=1)[:, :size]
        same = same / np.maximum(same[:, :1], 1e-6) * (shape[0] / np.maximum(shape, 1e-3))
        near = np.maximum(same, np.maximum(np.roll(same, 1, axis=1), np.roll(same, -1, axis=1)))
        multiples = [near[:, k * intervals] for k in range(1, _PERIODS + 1)]
        fits[begin : begin + 64] = np.mean(multiples, axis=0)
    return fits


def _best_row(
    strength: Frames, periods: Frames, hop_s: float, intervals: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Frames of the best row of beats, and which interval ends at each."""
    from accompanist.recordings.beats_search import best_row

    seconds = intervals * hop_s
    octaves = np.log2(seconds / _USUAL_S) / _USUAL_OCTAVES
    usual = -0.5 * _USUAL_WEIGHT * np.square(octaves)
    change = np.log(seconds[:, None] / seconds[None, :]) / _CHANGE
    frames, states = best_row(
        (_FLUX_WEIGHT * strength).astype(np.float32),
        (_PERIOD_WEIGHT * periods).astype(np.float32),
        _window_of(np.arange(len(strength)), hop_s, len(periods)),
        usual.astype(np.float32),
        int(intervals[0]),
        seconds.astype(np.float32),
        (0.5 * _USUAL_S * np.square(change)).astype(np.float32),
        _MOST_CHANGE,
    )
    return np.asarray(frames), np.asarray(states)


def _window_of(frames: npt.NDArray[np.int64], hop_s: float, windows: int) -> npt.NDArray[np.int64]:
    """Which of the windows of `_periodicity` has its middle nearest."""
    return np.minimum((frames * hop_s / _PERIOD_HOP_S + 0.5).astype(np.int64), windows - 1)


def _pulse(
    periods: Frames, hop_s: float, frames: npt.NDArray[np.int64], path: npt.NDArray[np.int64]
) -> float:
    """Mean fit of the intervals that were chosen."""
    return float(periods[_window_of(frames, hop_s, len(periods)), path].mean())


def _placed(strength: Frames, frames: npt.NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Beats between frames at the peaks they stand on, and how well each is heard."""
    padded = np.pad(strength, 1).astype(np.float64)
    before, at, behind = padded[frames], padded[frames + 1], padded[frames + 2]
    bend = 2.0 * at - before - behind
    is_peak = (at >= before) & (at >= behind) & (bend > 1e-9)
    beside = np.where(is_peak, (behind - before) / (2.0 * np.maximum(bend, 1e-9)), 0.0)
    return frames + np.clip(beside, -0.5, 0.5), np.clip(at, 0.0, 1.0)
