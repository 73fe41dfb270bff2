"""A take of a manifest as the source of scenarios: its sound, its company, and another piece."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.app.evaluating.manifest import ManifestTake
from accompanist.app.evaluating.material import Material
from accompanist.errors import DeviceError
from accompanist.score.model import Score
from accompanist.simulation.performance import SimulatedTake
from accompanist.simulation.route import Leg
from accompanist.simulation.scenarios.material import ImpossibleError, Samples, Source
from accompanist.simulation.sound import accompaniment_messages

__all__ = ["other_takes", "source_of"]

Array = npt.NDArray[np.float64]

_RINGS_S = 2.0


def other_takes(takes: Sequence[ManifestTake]) -> dict[str, Path]:
    """Find for each take, by its id, the sound of the next one with another score.

    Each take may have a score file of its own: the same one under another name is the same piece.
    """
    found: dict[str, Path] = {}
    pieces = {take.score: take.score.read_bytes() for take in takes}
    for i, take in enumerate(takes):
        around = [*takes[i + 1 :], *takes[:i]]
        other = next((t for t in around if pieces[t.score] != pieces[take.score]), None)
        if other is not None:
            found[take.id] = other.audio
    return found


def source_of(
    opened: Material,
    samples: Samples,
    rate: int,
    truth_quarter: Array,
    truth_time_s: Array,
    other: Path | None = None,
    at_most_s: float | None = None,
) -> Source:
    """Make a source of a take.

    Parameters
    ----------
    opened : Material
    samples : ndarray [shape=(n,), dtype=float32]
    rate : int
    truth_quarter, truth_time_s : ndarray [shape=(m,)]
    other : Path, optional
        The sound of another piece.
    at_most_s : float, optional
        Only so much of the take, from its beginning on.
    """
    sound = samples
    if at_most_s is not None and len(sound) > at_most_s * rate:
        sound = sound[: round(at_most_s * rate)]
        kept = truth_time_s <= at_most_s - 0.05
        if kept.sum() >= 2:
            truth_quarter, truth_time_s = truth_quarter[kept], truth_time_s[kept]
    duration_s = len(sound) / rate

    def company(score: Score, quarter: Array, time_s: Array) -> Samples:
        return _together(score, opened, quarter, time_s, duration_s, rate)

    def another() -> tuple[Samples, int]:
        from bridges.audio_files import read_audio

        if other is None:
            raise ImpossibleError("there is no other piece in the manifest")
        audio = read_audio(other)
        return audio.samples.mean(axis=1, dtype=np.float32), audio.rate

    return Source(
        samples=np.ascontiguousarray(sound, dtype=np.float32),
        rate=rate,
        truth_quarter=truth_quarter,
        truth_time_s=truth_time_s,
        score=opened.score,
        solo=opened.solo,
        company=company,
        another=None if other is None else another,
    )


def _together(
    score: Score, opened: Material, quarter: Array, time_s: Array, duration_s: float, rate: int
) -> Samples:
    """Let the other parts play exactly with the soloist, by FluidSynth [shape=(n,)]."""
    from bridges.fluidsynth import OfflineSynth, find_soundfont

    order = np.unique(quarter, return_index=True)[1]
    played = SimulatedTake(
        part=opened.solo,
        notes=(),
        truth_quarter=quarter,
        truth_time_s=time_s,
        route=(Leg(0.0, score.end_quarter),),
        leg_quarter=(quarter[order],),
        leg_time_s=(time_s[order],),
        end_s=duration_s,
    )
    try:
        with OfflineSynth(find_soundfont(), rate) as synth:
            stereo = synth.render(accompaniment_messages(score, played), duration_s + _RINGS_S)
    except DeviceError as error:
        raise ImpossibleError(f"the other parts cannot be played: {error}") from error
    return np.asarray(stereo.mean(axis=1), dtype=np.float32)
