"""Short-time spectra of sounds read a block at a time, and sounds made of masks on them.

Frame t stands around sample t · hop; it sees half a window to either side, zeros beyond the ends.
All channels are kept, the phase is the mixture's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from accompanist.recordings.sound import Sound

__all__ = ["Block", "Frames", "crossfaded", "plan_blocks", "resynthesise", "spectra"]

FloatArray = npt.NDArray[np.float32]
ComplexArray = npt.NDArray[np.complex64]

_PIECE = 256
"""Frames that are turned back into sound at once."""


@dataclass(frozen=True, slots=True)
class Frames:
    """How a sound is cut into frames: samples of a (periodic Hann) window and from one to the next.

    The hop divides the window, at most a quarter of it.
    """

    window: int
    hop: int

    def __post_init__(self) -> None:
        if self.window % self.hop or self.window < 4 * self.hop:
            raise ValueError("the hop must be a quarter, fifth, … of the window")

    @classmethod
    def lasting(cls, rate: int, window_s: float, hop_s: float) -> Frames:
        """Give windows and hops of about that length whose transforms are fast."""
        from scipy.fft import next_fast_len

        hop = int(next_fast_len(max(1, round(hop_s * rate)), real=True))
        return cls(window=max(4, round(window_s / hop_s)) * hop, hop=hop)

    @property
    def bins(self) -> int:
        """Number of frequencies, zero and half the rate included."""
        return self.window // 2 + 1

    def count(self, length: int) -> int:
        """Give the number of frames that see a sound of so many samples whole."""
        return -(-length // self.hop) + 1

    def shape(self) -> FloatArray:
        """Window, periodic Hann [shape=(window,)]."""
        phase = np.arange(self.window) * (2.0 * np.pi / self.window)
        return np.asarray(0.5 - 0.5 * np.cos(phase), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Block:
    """Frames that are worked on together: from ``first`` to before ``end``."""

    first: int
    end: int


def plan_blocks(count: int, length: int, overlap: int) -> list[Block]:
    """Cut frames into blocks of nearly equal lengths that overlap their neighbours.

    >>> plan_blocks(10, 6, 2)
    [Block(first=0, end=6), Block(first=4, end=10)]
    >>> plan_blocks(3, 6, 2)
    [Block(first=0, end=3)]
    """
    number = max(1, -(-(count - overlap) // (length - overlap)))
    edges = np.linspace(0, count - overlap, number + 1).round().astype(int)
    if number == 1:
        return [Block(0, count)]
    return [Block(int(a), int(b) + overlap) for a, b in pairwise(edges)]


def spectra(sound: Sound, frames: Frames, first: int, count: int) -> ComplexArray:
    """Give spectra of the frames from ``first`` on [shape=(channels, bins, count)]."""
    import scipy.fft

    half = frames.window // 2
    start = first * frames.hop - half
    samples = sound.read(start, (count - 1) * frames.hop + frames.window).T
    cut = np.lib.stride_tricks.sliding_window_view(samples, frames.window, axis=1)
    framed = cut[:, :: frames.hop] * frames.shape()
    found = scipy.fft.rfft(framed, axis=2)
    return np.ascontiguousarray(found.transpose(0, 2, 1).astype(np.complex64, copy=False))


def crossfaded(masks: Iterable[tuple[Block, FloatArray]]) -> Iterator[FloatArray]:
    """Join masks of overlapping blocks to consecutive ones without a seam.

    Parameters
    ----------
    masks : iterable of (Block, ndarray [shape=(…, bins, block's frames)])
        In order; each begins within or right at the end of the one before, and ends after it.

    Yields
    ------
    ndarray [shape=(…, bins, n)]
        Each frame once, from the first block's first to the last one's last.
    """
    held: FloatArray | None = None
    held_from = 0
    for block, mask in masks:
        if held is not None:
            before = block.first - held_from
            if before > 0:
                yield held[..., :before]
            kept = held[..., before:]
            common = kept.shape[-1]
            rise = (np.arange(common, dtype=np.float32) + 1.0) / np.float32(common + 1)
            mask = mask.copy()
            mask[..., :common] = kept * (1.0 - rise) + mask[..., :common] * rise
        held, held_from = mask, block.first
    if held is not None:
        yield held


def resynthesise(
    mixture: Sound, frames: Frames, masks: Iterable[FloatArray]
) -> Iterator[FloatArray]:
    """Make the sound that masks leave of a mixture, exactly as long as it.

    Parameters
    ----------
    masks : iterable of ndarray [shape=(bins, n) or (channels, bins, n)]
        For consecutive frames, `Frames.count` of them in all. Fewer bins than the frames have leave
        nothing of the rest.

    Yields
    ------
    ndarray [shape=(n, channels)]
        Consecutive blocks.
    """
    import scipy.fft

    window = frames.shape()
    power = window**2
    half, hop = frames.window // 2, frames.hop
    tail = np.zeros((mixture.channels, frames.window - hop), dtype=np.float32)
    weight = np.zeros(frames.window - hop, dtype=np.float32)
    frame, given = 0, 0
    total = frames.count(mixture.length)
    for mask in _pieces(masks):
        count = mask.shape[-1]
        spectrum = spectra(mixture, frames, frame, count)
        bins = mask.shape[-2]
        spectrum[:, :bins] *= mask
        spectrum[:, bins:] = 0.0
        pieces = scipy.fft.irfft(spectrum, frames.window, axis=1) * window[:, None]
        out = np.zeros((mixture.channels, count * hop + len(weight)), dtype=np.float32)
        weights = np.zeros(count * hop + len(weight), dtype=np.float32)
        out[:, : len(weight)] = tail
        weights[: len(weight)] = weight
        for at in range(count):
            out[:, at * hop : at * hop + frames.window] += pieces[:, :, at]
            weights[at * hop : at * hop + frames.window] += power
        frame += count
        # Samples before the next frame's window are done, at the end all of them.
        done = count * hop if frame < total else out.shape[1]
        ready = out[:, :done] / np.maximum(weights[:done], 1e-3)
        tail, weight = out[:, done:], weights[done:]
        at_sample = (frame - count) * hop - half
        skip = max(0, given - at_sample)
        ready = ready[:, skip : max(skip, mixture.length - at_sample)]
        given += ready.shape[1]
        if ready.shape[1]:
            yield np.ascontiguousarray(ready.T)


def _pieces(masks: Iterable[FloatArray]) -> Iterator[FloatArray]:
    """Cut masks so that the spectra under one are not large."""
    for mask in masks:
        for start in range(0, mask.shape[-1], _PIECE):
            yield mask[..., start : start + _PIECE]
