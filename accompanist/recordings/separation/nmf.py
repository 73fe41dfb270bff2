"""The soloist out by a factorisation that the recording X shares with what shows the solo, U.

X and U, U brought to X's time, are factorised side by side into the same bases. A basis that is
active in U is the soloist's: the accompaniment is what is left of X's activations after ``α`` times
U's are taken off, the mask of the solo the share of the rest. After the note "Karaoke on your
favorite recording" (HAMR at ISMIR 2014); the factorisation is in `nmf_model`.

Bases are learned from frames spread evenly over the whole, at most so many that it stays bounded;
with them the activations are found block after block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from accompanist.recordings.separation.methods import Progress, SeparationSettings
from accompanist.recordings.separation.nmf_model import (
    Bases,
    Priors,
    infer_activations,
    learn_bases,
)
from accompanist.recordings.separation.nmf_pair import AlignedSolo, aligned_solos
from accompanist.recordings.separation.solo_pitch import HOP_S, WINDOW_S, magnitudes
from accompanist.recordings.separation.stft import (
    Block,
    Frames,
    crossfaded,
    plan_blocks,
    resynthesise,
)
from accompanist.recordings.sound import Sound

__all__ = ["NmfMethod", "method"]

FloatArray = npt.NDArray[np.float32]

_QUIETEST = np.float32(1e-4)
"""Added to every count: none is nothing."""
_LISTENING = 0.25
"""Share of the work."""


@dataclass(frozen=True, slots=True)
class NmfMethod:
    """Poisson–Gamma factorisation of recording and solo side by side.

    Attributes
    ----------
    alpha : float
        The note's α; times ``SeparationSettings.alpha``.
    rounds, block_rounds : int
        Of the inference, for the bases and, the bases known, for the activations.
    loudest : float
        What a loud partial counts. The model takes magnitudes for counts; the more they are the
        less the priors weigh.
    most_frames : int
        That bases are learned from.
    tolerance_s : float
        How far the alignment may be off: a basis that is active in U by so much earlier or later
        is the soloist's too.
    """

    name: str = "nmf"
    needs_solo: bool = True
    priors: Priors = field(default_factory=Priors)
    alpha: float = 10.0
    rounds: int = 40
    block_rounds: int = 12
    loudest: float = 1000.0
    most_frames: int = 2000
    tolerance_s: float = 0.05
    top_hz: float = 11_000.0

    def solo(
        self,
        mixture: Sound,
        solos: Sequence[Sound],
        settings: SeparationSettings,
        progress: Progress,
    ) -> Iterator[FloatArray]:
        """Give the solo within the mixture; see `Method.solo`."""
        frames = Frames.lasting(mixture.rate, WINDOW_S, HOP_S)
        masks = crossfaded(self._masks(mixture, solos, frames, settings, progress))
        return resynthesise(mixture, frames, masks)

    def _masks(
        self,
        mixture: Sound,
        solos: Sequence[Sound],
        frames: Frames,
        settings: SeparationSettings,
        progress: Progress,
    ) -> Iterator[tuple[Block, FloatArray]]:
        duration_s = mixture.length / mixture.rate
        count = frames.count(mixture.length)
        blocks = plan_blocks(
            count,
            _frames_in(settings.block_s, mixture, frames),
            _frames_in(settings.overlap_s, mixture, frames),
        )
        total = sum(block.end - block.first for block in blocks)
        taken = min(count, self.most_frames)
        learning = taken * self.rounds * 2 / (taken * self.rounds * 2 + total * self.block_rounds)
        listening_s = 0.0

        def listened(seconds: float) -> None:  # frames are a little longer than the sound
            nonlocal listening_s
            part_s = min(_LISTENING * seconds, _LISTENING * duration_s - listening_s)
            listening_s += part_s
            progress(part_s)

        shown = aligned_solos(mixture, solos, frames, self.top_hz, listened)
        left_s = duration_s - listening_s
        chosen = np.unique(np.linspace(0, count - 1, taken).round().astype(np.int64))
        heard, levels = _chosen(mixture, shown, frames, chosen, self.top_hz)
        scale = np.float32(self.loudest / max(float(np.quantile(heard[0].max(axis=0), 0.8)), 1e-9))
        gains = [scale, *(scale * level for level in levels)]
        bases = learn_bases(
            np.concatenate([m * g for m, g in zip(heard, gains, strict=True)], axis=1) + _QUIETEST,
            self.priors,
            self.rounds,
            settings.seed,
            lambda: progress(left_s * learning / self.rounds),
        )
        del heard
        around = round(self.tolerance_s * mixture.rate / frames.hop)
        for block in blocks:
            both = _magnitudes_of(mixture, shown, frames, block, self.top_hz)
            found = [
                infer_activations(m * g + _QUIETEST, bases, self.block_rounds)
                for m, g in zip(both, gains, strict=True)
            ]
            strength = self.alpha * settings.alpha
            yield block, _solo_mask(bases, found[0], _together(found[1:], around), strength)
            progress(left_s * (1.0 - learning) * (block.end - block.first) / total)


def method() -> NmfMethod:
    """Make the method at the settings that served best."""
    return NmfMethod()


def _frames_in(seconds: float, mixture: Sound, frames: Frames) -> int:
    return max(1, round(seconds * mixture.rate / frames.hop))


def _magnitudes_of(
    mixture: Sound, shown: Sequence[AlignedSolo], frames: Frames, block: Block, top_hz: float
) -> list[FloatArray]:
    """Give the mixture's and each aligned solo's magnitudes [each shape=(bins, frames)]."""
    here = magnitudes(mixture, frames, block.first, block.end - block.first, top_hz).T
    at = np.arange(block.first, block.end)
    return [here, *(solo.magnitudes(at, len(here)) for solo in shown)]


def _chosen(
    mixture: Sound,
    shown: Sequence[AlignedSolo],
    frames: Frames,
    chosen: npt.NDArray[np.int64],
    top_hz: float,
) -> tuple[list[FloatArray], list[np.float32]]:
    """Give magnitudes of some frames, and what brings each solo to the mixture's level."""
    pieces: list[list[FloatArray]] = []
    for block in plan_blocks(frames.count(mixture.length), 1800, 0):
        inside = chosen[(chosen >= block.first) & (chosen < block.end)]
        if not len(inside):
            continue
        here = magnitudes(mixture, frames, block.first, block.end - block.first, top_hz)
        here = here[inside - block.first].T
        pieces.append([here, *(solo.magnitudes(inside, len(here)) for solo in shown)])
    heard = [np.concatenate(parts, axis=1) for parts in zip(*pieces, strict=True)]
    loud = np.sqrt([np.mean(m[:, m.any(axis=0)] ** 2) if m.any() else 1.0 for m in heard])
    return heard, [np.float32(loud[0] / one) for one in loud[1:]]


def _together(solos: Sequence[FloatArray], around: int) -> FloatArray:
    """Join what several solos say: the most that any says, a little earlier or later too."""
    from scipy.ndimage import maximum_filter1d

    most = np.maximum.reduce(list(solos))
    return np.asarray(maximum_filter1d(most, 2 * around + 1, axis=1), dtype=np.float32)


def _solo_mask(bases: Bases, tutti: FloatArray, solo: FloatArray, strength: float) -> FloatArray:
    """Give the share of the bases' sound that is the soloist's [shape=(bins, frames)]."""
    taken = np.minimum(tutti, np.float32(strength) * solo)
    whole = bases.mean @ tutti
    return np.asarray((bases.mean @ taken) / np.maximum(whole, 1e-9), dtype=np.float32)
