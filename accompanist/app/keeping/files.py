"""Everything that belongs into a take folder, for offline and live takes alike."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist import __version__
from accompanist.app.offline import OfflineSettings, Take
from accompanist.app.rehearsing.takes import line_key
from accompanist.score.outer import OuterAxis
from accompanist.score.solo import solo_line
from accompanist.takes.folder import write_json, write_tables
from accompanist.takes.picture import Truth

__all__ = ["figures_of", "read_truth_file", "write_sound", "write_take"]

FloatArray = npt.NDArray[np.float32]

_TAIL_S = 2.0
"""The room rings on for so long after the last note."""
_PACKAGES = ("numpy", "scipy", "numba", "soundfile", "pyfluidsynth", "mido", "music21")


def write_take(
    folder: Path,
    take: Take,
    settings: OfflineSettings,
    *,
    piece: Mapping[str, object],
    input_facts: Mapping[str, object],
    truth: Truth | None = None,
    soundfont: Path | None = None,
    seed: int | None = None,
    xruns: int = 0,
    hosts: Mapping[str, object] | None = None,
    subtitle: str = "",
) -> dict[str, object]:
    """Write tables, MIDI file, picture and ``take.json``; the sound is `write_sound`'s.

    Returns
    -------
    dict
        What stands in ``take.json``.
    """
    from accompanist.takes.continuous import beats_passed
    from accompanist.takes.midi_file import write_midi
    from accompanist.takes.picture import draw_picture

    axis = OuterAxis(take.score)
    write_tables(folder, take.record, axis)
    record = take.record
    recorded = take.score.recording_s is not None
    beats = beats_passed(record.times_s, record.played_quarters) if recorded else ()
    write_midi(folder / "accompaniment.mid", take.score, record.messages, take.duration_s, beats)
    figures = None
    if truth is not None:
        figures = figures_of(take, truth, settings.conductor.latency_out_s)
    title = str(piece.get("title") or take.score.title)
    draw_picture(
        folder / "picture.svg",
        take.score,
        take.record,
        title=title,
        subtitle=subtitle,
        truth=truth,
        caption=_caption(figures or {}),
    )
    reached = float(axis.outer(record.quarters[-1])) if len(record) else None
    solo_end = max((n.end_quarter for n in take.solo.notes), default=0.0)
    facts: dict[str, object] = {
        "accompanist": __version__,
        "piece": dict(piece),
        "solo": {"part": take.solo.number, "name": take.solo.name},
        "solo_line": line_key(solo_line(take.solo)),
        "input": dict(input_facts),
        "settings": {
            "follower": settings.follower,
            "block": settings.block,
            "seed": seed,
            "soundfont": None if soundfont is None else str(soundfont),
            "conductor": asdict(settings.conductor),
        },
        "versions": _versions(),
        "latencies": {
            "report_s": take.latency_s,
            "output_s": settings.conductor.latency_out_s,
        },
        "duration_s": take.duration_s,
        "hop_s": take.compute.hop_s,
        "hops": len(record),
        "compute_ms": take.compute.compute_ms,
        "real_time_factor": take.compute.times_real_time,
        "xruns": xruns,
        "notes_played": len(record.struck),
        "position_unit": axis.unit,
        "reached_quarter": reached,
        "solo_end_quarter": float(axis.outer(solo_end)),
        "end_quarter": float(axis.outer(take.score.end_quarter)),
        "final_state": take.final_state or (record.states[-1] if len(record) else None),
    }
    if hosts:
        facts["hosts"] = dict(hosts)
    if figures is not None:
        facts["figures"] = figures
    write_json(folder, facts)
    return facts


def write_sound(folder: Path, take: Take, audio: FloatArray, rate: int, soundfont: Path) -> None:
    """Render the accompaniment and mix it with the soloist, both at the take's own rate.

    Raises
    ------
    DeviceError
        FluidSynth or the sound font cannot be used.
    """
    from accompanist.takes.mix import balance
    from bridges.audio_files import write_wav
    from bridges.fluidsynth import OfflineSynth

    last_s = take.record.messages[-1].time_s if take.record.messages else 0.0
    with OfflineSynth(soundfont, rate) as synth:
        rendered = synth.render(take.record.messages, max(take.duration_s, last_s) + _TAIL_S)
    ensemble, mix = balance(audio, rendered, rate)
    write_wav(folder / "accompaniment.wav", ensemble, rate)
    write_wav(folder / "mix.wav", mix, rate)


def read_truth_file(path: Path) -> Truth:
    """Read ``quarter,time`` rows."""
    from accompanist.takes.tables import read_truth

    return Truth(*read_truth(path))


def figures_of(take: Take, truth: Truth, output_latency_s: float = 0.0) -> dict[str, float]:
    """Figures of interface page 3 for one take.

    Raises
    ------
    BadInputError
        The truth does not fit a take.
    """
    from accompanist.app.measuring import errors_of
    from accompanist.takes.pooling import summarise

    return summarise([errors_of(take, truth.quarters, truth.times_s, output_latency_s)])


def _caption(figures: Mapping[str, float]) -> str:
    if "asynchrony_median_ms" not in figures:
        return ""
    return (
        f"together with the soloist: median {figures['asynchrony_median_ms']:.0f} ms apart, "
        f"{100 * figures['asynchrony_within_100']:.0f} % within 100 ms"
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "system": platform.platform(terse=True)}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
