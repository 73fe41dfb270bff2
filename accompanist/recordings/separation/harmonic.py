"""The soloist taken out by a line that shows the solo: the project's own method.

The line's pitch is tracked and aligned with the recording; where it is, a model of partials hears
the solo and a model of harmonic columns the rest (`harmonic_model`). The solo's timbre is learnt
from the recording itself, so the line may have any sound. The steps for a whole recording:

1. pitch of every line, the recording's salience, their alignment;
2. a first fit with wide tolerance, by which the lines are aligned again;
3. a fit that learns timbres and finds the exact pitch in what it has heard as solo;
4. the last fit, in one or two sizes of window, the longer with half a say below 1 kHz.

Each of 2–4 goes through the recording block by block; blocks share timbres and tuning.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from accompanist.errors import BadInputError
from accompanist.recordings.separation.harmonic_model import (
    BlockModel,
    Fitting,
    fit_block,
    scaled,
)
from accompanist.recordings.separation.harmonic_salience import whiten
from accompanist.recordings.separation.harmonic_slots import (
    Run,
    Tuning,
    Votes,
    exact_pitches,
    runs_in,
    slots_of,
)
from accompanist.recordings.separation.harmonic_timbre import (
    Columns,
    Envelopes,
    harmonic_columns,
)
from accompanist.recordings.separation.methods import Progress, SeparationSettings
from accompanist.recordings.separation.solo_alignment import (
    SoloAlignment,
    align_line,
    listen,
    realign_line,
)
from accompanist.recordings.separation.solo_pitch import (
    HOP_S,
    WINDOW_S,
    bins_below,
    magnitudes,
    track_pitch,
)
from accompanist.recordings.separation.stft import (
    Block,
    Frames,
    crossfaded,
    plan_blocks,
    resynthesise,
)
from accompanist.recordings.sound import Sound

__all__ = ["HarmonicMethod", "fast", "full_quality"]

FloatArray = npt.NDArray[np.float32]

_TOP_HZ = 11000.0
_PITCH_TOP_HZ = 7500.0
_MASK_POWER = 1.2
_CROSSOVER_HZ = 1000.0
_WIDE_S, _TOLERANCE_S = 0.5, 0.1
_SILENT = 1e-6

_FIRST = Fitting(iterations=25, crowding=2.0, freedom=0.0)
_SHARES = {"line": 0.05, "listen": 0.05, "first": 0.15, "learn": 0.3, "last": 0.45}


def full_quality() -> HarmonicMethod:
    """Two sizes of window, their results joined."""
    return HarmonicMethod("harmonic", sizes=(1, 2))


def fast() -> HarmonicMethod:
    """One size of window."""
    return HarmonicMethod("harmonic-fast", sizes=(1,))


@dataclass(frozen=True)
class HarmonicMethod:
    """See the module.

    Attributes
    ----------
    name : str
    sizes : tuple of int
        Windows of the last fit, in multiples of 93 ms.
    fitting : Fitting
    """

    name: str
    sizes: tuple[int, ...]
    fitting: Fitting = field(default_factory=Fitting)

    @property
    def needs_solo(self) -> bool:
        return True

    def solo(
        self,
        mixture: Sound,
        solos: Sequence[Sound],
        settings: SeparationSettings,
        progress: Progress,
    ) -> Iterator[FloatArray]:
        """Give the solo within the mixture; see `Method.solo`."""
        work = _Work(mixture, settings, self.fitting, progress)
        if work.is_silent():
            yield from work.nothing()
            return
        alignments = work.align(solos)
        runs = work.learn(alignments)
        yield from work.last(runs, self.sizes)


class _Work:
    """One recording being worked on."""

    def __init__(
        self,
        mixture: Sound,
        settings: SeparationSettings,
        fitting: Fitting,
        progress: Progress,
    ) -> None:
        self._mixture = mixture
        self._settings = settings
        self._fitting = replace(fitting, seed=settings.seed)
        self._progress = progress
        self._frames = Frames.lasting(mixture.rate, WINDOW_S, HOP_S)
        hop_s = self._frames.hop / mixture.rate
        self._hop_s = hop_s
        self._count = self._frames.count(mixture.length)
        self._duration_s = mixture.length / mixture.rate
        overlap = round(settings.overlap_s / hop_s)
        self._blocks = plan_blocks(self._count, round(settings.block_s / hop_s), overlap)
        self._tuning = Tuning()
        self._envelopes = Envelopes(fitting.partials, fitting.templates)
        self._columns: dict[int, Columns] = {}
        self._votes = Votes((), 0, 0)

    def _told(self, share: str, part: float) -> None:
        """Tell of a part of one of the steps."""
        self._progress(_SHARES[share] * part * self._duration_s)

    def is_silent(self) -> bool:
        step = self._mixture.rate * 10
        return all(
            float(np.abs(self._mixture.read(start, step)).max()) < _SILENT
            for start in range(0, self._mixture.length, step)
        )

    def nothing(self) -> Iterator[FloatArray]:
        step = self._mixture.rate * 10
        for start in range(0, self._mixture.length, step):
            count = min(step, self._mixture.length - start)
            self._progress(count / self._mixture.rate)
            yield np.zeros((count, self._mixture.channels), dtype=np.float32)

    def align(self, solos: Sequence[Sound]) -> list[SoloAlignment]:
        """Find every line in the recording, twice."""
        lengths_s = [solo.length / solo.rate for solo in solos]
        shares = [length_s / max(sum(lengths_s), 1e-9) for length_s in lengths_s]
        tracks = [
            track_pitch(solo, lambda part, share=share: self._told("line", part * share))  # type: ignore[misc]
            for solo, share in zip(solos, shares, strict=True)
        ]
        listened = listen(self._mixture, self._frames, lambda part: self._told("listen", part))
        alignments = []
        for number, track in enumerate(tracks, 1):
            try:
                alignments.append(align_line(listened, track))
            except BadInputError as error:
                where = f" (sound {number} of {len(tracks)})" if len(tracks) > 1 else ""
                raise BadInputError(f"{error}{where}") from error
        del listened
        strength = self._first(alignments)
        wide = _WIDE_S / self._hop_s
        return [realign_line(one, strength, wide) for one in alignments]

    def _first(self, alignments: Sequence[SoloAlignment]) -> npt.NDArray[np.float16]:
        """Fit with wide tolerance: how strong each semitone is as solo [shape=(128, frames)]."""
        fitting = replace(
            _FIRST, partials=self._fitting.partials, templates=self._fitting.templates
        )
        self._votes = Votes(alignments, self._count, round(_WIDE_S / self._hop_s))
        envelopes = copy.deepcopy(self._envelopes)
        columns: dict[int, Columns] = {}
        strength = np.zeros((128, self._count), dtype=np.float16)  # an hour of it is large
        for number, block in enumerate(self._blocks):
            runs = self._tracked(runs_in(self._votes, block.first, block.end), block)
            model = self._fit(runs, block, number, 1, envelopes, columns, fitting)
            if model is not None:
                slots = slots_of(runs, self._votes, block.first)
                strength[slots.pitch, block.first + slots.frame] = model.strength
            self._told("first", 1 / len(self._blocks))
        for pitch in np.flatnonzero(strength.any(axis=1)):
            row = strength[pitch].astype(np.float32)
            strength[pitch] = np.sqrt(np.minimum(row / np.quantile(row[row > 0.0], 0.75), 1.0))
        return strength

    def learn(self, alignments: Sequence[SoloAlignment]) -> list[list[Run]]:
        """Learn timbres; give each block's runs with the pitch heard in its solo."""
        self._votes = Votes(alignments, self._count, round(_TOLERANCE_S / self._hop_s))
        found = []
        for number, block in enumerate(self._blocks):
            runs = self._tracked(runs_in(self._votes, block.first, block.end), block)
            model = self._fit(runs, block, number, 1, self._envelopes, self._columns, self._fitting)
            if model is not None:
                runs = self._tracked(runs, block, model)
            found.append(runs)
            self._told("learn", 1 / len(self._blocks))
        return found

    def last(self, runs: Sequence[list[Run]], sizes: Sequence[int]) -> Iterator[FloatArray]:
        """Fit for good and give the solo."""
        envelopes = {size: copy.deepcopy(self._envelopes) for size in sizes}

        def masks() -> Iterator[tuple[FloatArray, ...]]:
            for number, block in enumerate(self._blocks):
                made = []
                for size in sizes:
                    model = self._fit(
                        runs[number],
                        block,
                        number,
                        size,
                        envelopes[size],
                        self._columns,
                        self._fitting,
                    )
                    made.append(self._mask(model, block, size))
                    self._told("last", 1 / len(self._blocks) / len(sizes))
                yield tuple(made)

        parts = _handed_out(masks(), len(sizes))
        streams = [
            self._stream(size, len(sizes), part) for size, part in zip(sizes, parts, strict=True)
        ]
        yield from _added(streams)

    def _stream(self, size: int, count: int, masks: Iterator[FloatArray]) -> Iterator[FloatArray]:
        """Give what one size of window adds to the solo."""
        frames = Frames(self._frames.window * size, self._frames.hop)
        hz = np.arange(frames.bins) * (self._mixture.rate / frames.window)
        # Partials glide by so many Hz as they are high: the short window is the better there.
        longer = 0.5 / (1.0 + (hz / _CROSSOVER_HZ) ** 3)
        weight = {1: 1.0 - longer, 2: longer}[size] if count > 1 else np.ones_like(hz)
        weight = weight.astype(np.float32)[:, None]
        shares = (mask * weight[: len(mask)] for mask in masks)
        pairs = zip(self._blocks, shares, strict=True)
        return resynthesise(self._mixture, frames, crossfaded(pairs))

    def _mask(self, model: BlockModel | None, block: Block, size: int) -> FloatArray:
        """Give the share of the solo [shape=(bins, frames)]."""
        if model is None or not self._settings.alpha:
            frames = Frames(self._frames.window * size, self._frames.hop)
            bins = bins_below(_TOP_HZ, frames, self._mixture.rate)
            return np.zeros((bins, block.end - block.first), dtype=np.float32)
        solo = self._settings.alpha * model.solo
        rest = (model.orchestra + 1e-9) / np.maximum(solo, 1e-9)
        return np.ascontiguousarray((1.0 / (1.0 + rest**_MASK_POWER)).T, dtype=np.float32)

    def _tracked(
        self, runs: Sequence[Run], block: Block, model: BlockModel | None = None
    ) -> list[Run]:
        """Find exact pitches, in what a model has heard as solo if there is one."""
        if not runs:
            return []
        long = Frames(self._frames.window * 2, self._frames.hop)
        bin_hz = self._mixture.rate / long.window
        count = block.end - block.first
        white = whiten(magnitudes(self._mixture, long, block.first, count, _PITCH_TOP_HZ), bin_hz)
        if model is not None:
            share = model.solo / (model.solo + model.orchestra + 1e-6)
            low = np.arange(white.shape[1]) // 2
            inside = low + 1 < share.shape[1]
            low = low[inside]
            white[:, inside] *= 0.15 + np.maximum(share[:, low], share[:, low + 1])
            white[:, ~inside] *= 0.15
        tuning = self._tuning
        found = exact_pitches(runs, white, block.first, bin_hz, tuning.value)
        if model is None and tuning.open:
            tuning.learn(found)
            found = exact_pitches(runs, white, block.first, bin_hz, tuning.value)
        return found

    def _fit(
        self,
        runs: Sequence[Run],
        block: Block,
        number: int,
        size: int,
        envelopes: Envelopes,
        columns: dict[int, Columns],
        fitting: Fitting,
    ) -> BlockModel | None:
        """Fit a block; None where nothing of the solo can be."""
        if not runs:
            return None
        frames = Frames(self._frames.window * size, self._frames.hop)
        bin_hz = self._mixture.rate / frames.window
        spectrum = scaled(
            magnitudes(self._mixture, frames, block.first, block.end - block.first, _TOP_HZ)
        )
        if spectrum is None:
            return None
        if size not in columns:
            rng = np.random.default_rng([fitting.seed, 7])
            start = harmonic_columns(spectrum.shape[1], bin_hz, self._tuning.value, rng)
            columns[size] = Columns(start)
        slots = slots_of(runs, self._votes, block.first)
        hops = frames.window / frames.hop
        return fit_block(spectrum, bin_hz, hops, slots, number, envelopes, columns[size], fitting)


def _handed_out(source: Iterator[tuple[FloatArray, ...]], count: int) -> list[Iterator[FloatArray]]:
    """Give each item of tuples an iterator of its own, keeping nothing once all have had it."""
    queues: list[deque[FloatArray]] = [deque() for _ in range(count)]

    def one(queue: deque[FloatArray]) -> Iterator[FloatArray]:
        while True:
            if not queue:
                made = next(source, None)
                if made is None:
                    return
                for each, item in zip(queues, made, strict=True):
                    each.append(item)
            yield queue.popleft()

    return [one(queue) for queue in queues]


def _added(streams: Sequence[Iterator[FloatArray]]) -> Iterator[FloatArray]:
    """Add sounds that come in blocks of different lengths."""
    held: list[FloatArray] = [next(stream) for stream in streams]
    while True:
        ready = min(len(block) for block in held)
        if ready:
            yield np.sum([block[:ready] for block in held], axis=0, dtype=np.float32)
        held = [block[ready:] for block in held]
        for at, stream in enumerate(streams):
            if not len(held[at]):
                more = next(stream, None)
                if more is None:
                    return
                held[at] = more
