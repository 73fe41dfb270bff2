"""What an ear would object to: takes accompanied, mixed, and listened to by machine.

    python tests/benchmarks/listening.py MANIFEST.csv [--takes 10] [--stop 0.6] [--where]

Takes of the manifest (spread over it; those that have an ensemble) are run as ``render`` runs
them. Counted are pitches struck twice, notes cut short, gaps and crushed notes in running figures,
notes that hang on at the end, clicks, silence and levels of the mix. Then each take is stopped on
the way, the player falling silent, and it is told what the ensemble does behind that.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.app.evaluating.manifest import ManifestTake, read_manifest
from accompanist.app.evaluating.material import open_material
from accompanist.app.offline import OfflineSettings, Take, run_take
from accompanist.app.warm import warm_up
from accompanist.session import mono
from accompanist.takes.figures_listening import (
    Line,
    Objection,
    clicks,
    cut_notes,
    doubled_notes,
    figure_gaps,
    hanging_notes,
    pushed_notes,
    silent_share,
    sounded_notes,
    struck_after,
)
from accompanist.takes.mix import balance, loudness_db
from accompanist.takes.tables import read_truth
from bridges.audio_files import read_audio
from bridges.fluidsynth import OfflineSynth
from bridges.soundfonts import find_soundfont

_SILENCE_S = 8.0
_FADE_S = 0.15
_INTO_S = 0.25
_KINDS = ("doubled", "cut", "gaps", "pushed", "hanging", "clicks")


@dataclass(slots=True)
class Heard:
    """What was objected to in a take."""

    name: str
    notes: int = 0
    steps: int = 0
    objections: dict[str, list[Objection]] = field(default_factory=dict)
    silent: float = 0.0
    below_db: float = 0.0
    peak_db: float = 0.0
    after: list[Objection] = field(default_factory=list)
    sounding_s: float = 0.0


def line_of(take: ManifestTake) -> Line:
    quarter, time_s = read_truth(take.truth)
    rising = np.concatenate(([True], np.diff(quarter) > 0))
    return Line(quarter[rising], time_s[rising])


def listen(row: ManifestTake, stop: float) -> Heard:
    """Run a take whole and cut short."""
    opened = open_material(row.score, row.solo or None, None)
    audio = read_audio(row.audio)
    samples, rate = mono(audio.samples), audio.rate
    line, (_, times) = line_of(row), read_truth(row.truth)
    settings = OfflineSettings(opened.follower)
    whole = run_take(opened.score, opened.solo, samples, rate, settings)
    heard = Heard(row.id)
    notes = sounded_notes(whole.record.messages, whole.plan)
    stopped_s = len(samples) / rate
    gaps, heard.steps = figure_gaps(notes, line)
    heard.notes = len(notes)
    heard.objections = {
        "doubled": doubled_notes(notes, line),
        "cut": cut_notes(notes, line),
        "gaps": gaps,
        "pushed": pushed_notes(notes, line),
        "hanging": hanging_notes(notes, line, min(stopped_s, float(times[-1]) + 1.0)),
    }
    sound, mix = mixed(whole, samples, rate)
    heard.objections["clicks"] = clicks(sound, rate)
    heard.silent = silent_share(sound, rate, notes)
    heard.below_db = loudness_db(sound, rate) - loudness_db(mix - sound[: len(mix)], rate)
    heard.peak_db = 20.0 * float(np.log10(max(np.abs(mix).max(), 1e-9)))
    at_s = float(times[int(stop * len(times))]) + _INTO_S
    cut = stopped(samples, rate, at_s)
    short = run_take(opened.score, opened.solo, cut, rate, settings)
    after = sounded_notes(short.record.messages, short.plan)
    heard.after = struck_after(after, at_s)
    heard.sounding_s = max((n.off_s for n in after), default=at_s) - at_s
    return heard


def mixed(
    take: Take, samples: npt.NDArray[np.float32], rate: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Give accompaniment and mix as ``render`` writes them."""
    last_s = take.record.messages[-1].time_s if take.record.messages else 0.0
    with OfflineSynth(find_soundfont(None), rate) as synth:
        rendered = synth.render(take.record.messages, max(take.duration_s, last_s) + 2.0)
    return balance(samples, rendered, rate)


def stopped(samples: npt.NDArray[np.float32], rate: int, at_s: float) -> npt.NDArray[np.float32]:
    """Let the player fall silent for good."""
    kept = samples[: round((at_s + _FADE_S) * rate)].copy()
    fade = min(round(_FADE_S * rate), len(kept))
    kept[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    noise = np.random.default_rng(0).normal(0.0, 1e-4, round(_SILENCE_S * rate))
    return np.concatenate((kept, noise.astype(np.float32)))


def row_of(heard: Heard) -> str:
    cells = [heard.name, str(heard.notes), str(heard.steps)]
    cells += [str(len(heard.objections[kind])) for kind in _KINDS]
    cells += [f"{100 * heard.silent:.1f}", f"{heard.below_db:.1f}", f"{heard.peak_db:.1f}"]
    latest = max((o.amount_s for o in heard.after), default=0.0)
    cells += [str(len(heard.after)), f"{latest:.1f}", f"{heard.sounding_s:.1f}"]
    return f"| {' | '.join(cells)} |"


HEADER = (
    "| take | notes | figure steps | doubled | cut | gaps > 150 ms | pushed | hanging | clicks "
    "| silent % | ensemble dB | peak dB | struck after a stop | latest s | sounds on s |\n"
    "|" + " --- |" * 15 + "\n"
)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--takes", type=int, default=10)
    parser.add_argument("--stop", type=float, default=0.6, help="share of the onsets before it")
    parser.add_argument("--where", action="store_true", help="name the places")
    options = parser.parse_args(arguments)
    out = sys.stdout
    rows = []
    for row in read_manifest(options.manifest):
        opened = open_material(row.score, row.solo or None, None)
        if any(p.notes and p.number != opened.solo.number for p in opened.score.parts):
            rows.append(row)
    warm_up()
    every = max(len(rows) // options.takes, 1)
    out.write(HEADER)
    for row in rows[::every][: options.takes]:
        heard = listen(row, options.stop)
        out.write(row_of(heard) + "\n")
        if options.where:
            for kind in _KINDS:
                for o in heard.objections[kind]:
                    out.write(
                        f"    {kind}: quarter {o.quarter:.2f} at {o.time_s:.2f} s, "
                        f"{1000 * o.amount_s:.0f} ms, pitch {o.pitch}\n"
                    )
        out.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
