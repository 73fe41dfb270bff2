"""The whole chain on sound with a human's rubato: melody in, accompaniment out.

    python tests/benchmarks/chain.py DATA [--pieces Chopin,Mozart] [--takes 4] [--rehearsal 0,3]

DATA holds ``timing/vienna/PIECE/{score.mid,pNN.csv}``. The melody (part 1) of each performance is
rendered with FluidSynth at its true times, followed, and the rest accompanied. Beside it stand the
same takes with exact ears, so that it can be seen what the ears cost. Unless ``--pedal`` is given
each note of the melody ends where the next begins, as a singer's or a player's of one voice does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.app.evaluating.timing import timing_takes
from accompanist.app.measuring import errors_of
from accompanist.app.offline import OfflineSettings, run_take
from accompanist.app.simulating import read_timing, render_simulation
from accompanist.app.warm import warm_up
from accompanist.conducting.conductor import Conductor
from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.conducting.settings import ConductorSettings
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.model import Score
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo
from accompanist.simulation.exact_ears import HOP_S, EarSettings, estimates
from accompanist.simulation.performance import SimulatedTake, simulate_take
from accompanist.simulation.replaying import TimedTake, asynchronies_s, play_along
from accompanist.simulation.settings import PlayerSettings, RoomSettings
from accompanist.takes.figures import TakeErrors
from accompanist.takes.figures_prediction import spread_ms
from bridges.soundfonts import find_soundfont
from score_library.load import load_score

FloatArray = npt.NDArray[np.float64]
_RATE = 44_100
_CHORD_S = 0.06


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What became of a take."""

    name: str
    rehearsed: int
    errors: TakeErrors
    exact_s: FloatArray
    """Coincident notes with exact ears."""
    exact_between_s: FloatArray


def simulated(
    score: Score, path: Path, program: int, pedal: bool
) -> tuple[SimulatedTake, npt.NDArray[np.float32]]:
    """Play the melody at its times, with the pedal or each note until the next begins."""
    player, room = PlayerSettings(), RoomSettings()
    timing = read_timing(path, 1)
    if not pedal:
        starts = np.append(np.unique(timing.onset_s), np.inf)
        following = starts[np.searchsorted(starts, timing.onset_s + _CHORD_S)]
        timing = replace(timing, offset_s=np.minimum(timing.offset_s, following))
    part = replace(score.parts[0], program=program)
    take = simulate_take(score, part, player, 0, timing)
    sound = render_simulation(
        score, take, player, room, seed=0, soundfont=find_soundfont(None), sample_rate=_RATE
    )
    return take, sound


def play(
    score: Score,
    take: SimulatedTake,
    sound: npt.NDArray[np.float32],
    earlier: Sequence[Performance],
    name: str,
    seed: int,
    follower: str,
) -> Played:
    """Run the chain, and the conductor alone with exact ears."""
    settings = OfflineSettings(follower=follower, performances=tuple(earlier))
    made = run_take(score, score.parts[0], sound, _RATE, settings)
    errors = errors_of(made, take.truth_quarter, take.truth_time_s)
    line, tempo = solo_line(score.parts[0]), written_tempo(score)
    plan = accompaniment_plan(score, 1, tempo)
    times = np.full(len(line), np.nan)
    for quarter, time_s in zip(take.truth_quarter, take.truth_time_s, strict=True):
        times[int(np.argmin(np.abs(line.onsets_quarter - quarter)))] = time_s
    timed = TimedTake(name, "", "", score, line, tempo, times, tuple(plan.onsets_quarter), {})
    conductor = Conductor(
        score, line, tempo, ConductorSettings(), plan.onsets_quarter, performances=earlier
    )
    heard = estimates(
        [float(q) for q in line.onsets_quarter], times, tempo.first_rate, EarSettings(), seed
    )
    together, between, _ = asynchronies_s(timed, play_along(timed, conductor, heard, HOP_S))
    return Played(name, len(earlier), errors, together, between)


def text(label: str, played: Sequence[Played]) -> str:
    """Set figures of takes in a row."""
    late = np.concatenate([p.errors.asynchrony_s for p in played])
    between = np.concatenate([p.errors.between_s for p in played])
    delay = np.concatenate([p.errors.delay_s for p in played])
    told = delay[np.isfinite(delay)] * 1000.0
    cells = [label, str(len(played))]
    for errors in (
        late[np.isfinite(late)],
        between[np.isfinite(between)],
        np.concatenate([p.exact_s for p in played]),
        np.concatenate([p.exact_between_s for p in played]),
    ):
        f = spread_ms(errors)
        cells.append(
            f"{f['mean_abs_ms']:.0f} · {f['median_abs_ms']:.0f} · {100 * f['within_50']:.0f} · "
            f"{100 * f['within_100']:.0f}"
            if f
            else "–"
        )
    cells.append(f"{int(np.isinf(late).sum())} + {int(np.isinf(between).sum())}")
    cells.append(
        f"{np.median(told):.0f} · {np.quantile(told, 0.9):.0f} · {np.quantile(told, 0.95):.0f}"
    )
    cells.append(f"{100 * np.mean(~np.isfinite(delay)):.1f}")
    return f"| {' | '.join(cells)} |"


HEADER = (
    "| | takes | together, ms: mean · median · % ≤ 50 · ≤ 100 | between | exact ears: together "
    "| between | unplayed | report delay, ms: median · p90 · p95 | missed % |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--pieces", default="Chopin,Mozart", help="how their folders begin")
    parser.add_argument("--takes", type=int, default=4)
    parser.add_argument("--rehearsal", default="0,3")
    parser.add_argument("--follower", default="bayes")
    parser.add_argument("--program", type=int, default=0, help="General MIDI, from 0")
    parser.add_argument("--pedal", action="store_true", help="let the melody ring as it did")
    parser.add_argument("--each", action="store_true", help="a row a take, too")
    options = parser.parse_args(arguments)
    warm_up(options.follower)
    out = sys.stdout
    out.write(HEADER)
    for start in options.pieces.split(","):
        (folder,) = (options.data / "timing" / "vienna").glob(f"{start}*")
        score = load_score(folder / "score.mid")
        paths = sorted(folder.glob("p*.csv"))
        every = [take.performance() for take in timing_takes(folder)]
        chosen = paths[:: max(len(paths) // options.takes, 1)][: options.takes]
        sounds = {path: simulated(score, path, options.program, options.pedal) for path in chosen}
        for count in (int(n) for n in options.rehearsal.split(",")):
            played = []
            for path in chosen:
                index = paths.index(path)
                others = [p for i, p in enumerate(every) if i != index]
                order = np.random.default_rng(index).permutation(len(others))[:count]
                earlier = [others[i] for i in order]
                take, sound = sounds[path]
                one = play(score, take, sound, earlier, path.stem, index, options.follower)
                played.append(one)
                if options.each:
                    out.write(text(f"{path.stem}", [one]) + "\n")
                    out.flush()
            out.write(text(f"{folder.name}, {count} takes", played) + "\n")
            out.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
