"""Work on a recording block after block in memory, the blocks cross-faded where they overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from accompanist.recordings.separation.methods import Progress, SeparationSettings
from accompanist.recordings.separation.stft import (
    Block,
    Frames,
    crossfaded,
    plan_blocks,
    resynthesise,
    spectra,
)
from accompanist.recordings.sound import ArraySound, Sound

__all__ = ["blockwise", "masked", "share"]

FloatArray = npt.NDArray[np.float32]
ComplexArray = npt.NDArray[np.complex64]


def blockwise(
    mixture: Sound,
    settings: SeparationSettings,
    progress: Progress,
    work: Callable[[FloatArray], FloatArray],
) -> Iterator[FloatArray]:
    """Give what ``work`` makes of a recording, consecutive blocks [shape=(n, channels)].

    ``work`` is given blocks and gives as much back.
    """
    blocks = plan_blocks(
        mixture.length,
        max(2, round(settings.block_s * mixture.rate)),
        max(1, round(settings.overlap_s * mixture.rate)),
    )
    total = sum(block.end - block.first for block in blocks)
    duration_s = mixture.length / mixture.rate

    def worked() -> Iterator[tuple[Block, FloatArray]]:
        for block in blocks:
            count = block.end - block.first
            yield block, work(mixture.read(block.first, count)).T
            progress(duration_s * count / total)

    for joined in crossfaded(worked()):
        yield np.ascontiguousarray(joined.T)


def masked(
    samples: FloatArray, rate: int, frames: Frames, mask: Callable[[ComplexArray], FloatArray]
) -> FloatArray:
    """Leave of samples [shape=(n, channels)] what a mask leaves of their spectra.

    ``mask`` is given spectra [shape=(channels, bins, frames)].
    """
    sound = ArraySound(samples, rate)
    found = spectra(sound, frames, 0, frames.count(sound.length))
    return np.concatenate(list(resynthesise(sound, frames, [mask(found)])))


def share(wanted: FloatArray, rest: FloatArray, weight: float) -> FloatArray:
    """Give the share of the wanted in all, by powers; the wanted weighs ``weight``."""
    power = np.float32(weight) * wanted**2
    return np.asarray(power / np.maximum(power + rest**2, 1e-20), dtype=np.float32)
