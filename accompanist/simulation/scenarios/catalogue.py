"""All scenarios by name."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from accompanist.errors import UsageError
from accompanist.simulation.bleed import Known
from accompanist.simulation.scenarios.acoustics import (
    at_rate,
    clipped,
    direct_current,
    left_only,
    level,
    noisy,
    reverberant,
    tuned,
    written,
)
from accompanist.simulation.scenarios.astray import another_piece, astray, silence
from accompanist.simulation.scenarios.company import bleed, bleed_beforehand
from accompanist.simulation.scenarios.interruptions import (
    babble,
    cough,
    noise_before,
    over,
    page,
    pause,
    talk_before,
    tuning_up,
)
from accompanist.simulation.scenarios.jumps import (
    go_back,
    repeat_bars,
    self_corrections,
    skip_forward,
    start_anywhere,
    two_jumps,
)
from accompanist.simulation.scenarios.material import Maker, ScenarioTake, Source, untouched
from accompanist.simulation.scenarios.mistakes import Mistake, mistakes

__all__ = ["CLEAN", "Scenario", "chosen_scenarios", "scenario_named", "scenarios"]

CLEAN = "clean"
"""The take as it is."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named way to make takes.

    Attributes
    ----------
    name : str
    kind : str
        ``clean``, ``jump``, ``start``, ``mistake``, ``interruption``, ``sound``, ``tempo``,
        ``bleed``, ``elsewhere``.
    about : str
        What happens, in a few words.
    maker : Maker
    dice : str
        Scenarios with the same dice draw the same numbers, so that they can be compared; by
        default each has its own.
    """

    name: str
    kind: str
    about: str
    maker: Maker
    dice: str = ""

    def make(self, source: Source, seed: int = 0) -> ScenarioTake:
        """Make the take; the same source and seed give the same take.

        Raises
        ------
        ImpossibleError
            This source does not allow it.
        """
        generator = np.random.default_rng([seed, zlib.crc32((self.dice or self.name).encode())])
        return self.maker(source, generator)


def scenarios() -> tuple[Scenario, ...]:
    """Everything there is, the clean take first."""
    all_kinds = tuple(Mistake)
    return (
        Scenario(CLEAN, "clean", "the take as it is", lambda source, _: untouched(source)),
        Scenario(
            "skip-forward", "jump", "12 s are left out (two fifths of a shorter take)", skip_forward
        ),
        Scenario("go-back", "jump", "8 to 12 s are played once more", go_back),
        Scenario("repeat-bars", "jump", "two bars are played once more", repeat_bars),
        Scenario("two-jumps", "jump", "forward, and later back", two_jumps),
        Scenario("self-corrections", "jump", "some notes are taken again", self_corrections),
        Scenario(
            "start-anywhere",
            "start",
            "begins in the middle, nobody says where",
            start_anywhere(told=False),
            dice="start",
        ),
        Scenario(
            "start-anywhere-told",
            "start",
            "begins in the middle, as told",
            start_anywhere(told=True),
            dice="start",
        ),
        Scenario("mistakes-10", "mistake", "10 % of the notes go wrong", mistakes(all_kinds, 0.1)),
        Scenario("mistakes-20", "mistake", "20 % of the notes go wrong", mistakes(all_kinds, 0.2)),
        *(
            Scenario(f"{kind}-10", "mistake", f"10 % of the notes: {words}", mistakes([kind], 0.1))
            for kind, words in (
                (Mistake.MISSED, "not played"),
                (Mistake.WRONG, "one or two semitones off"),
                (Mistake.OCTAVE, "an octave off"),
                (Mistake.EXTRA, "another note put in behind"),
                (Mistake.REPEATED, "struck twice"),
            )
        ),
        Scenario("pause-5s", "interruption", "rests for 5 s", pause(5.0)),
        Scenario("pause-30s", "interruption", "rests for 30 s", pause(30.0)),
        Scenario("noise-before-6s", "interruption", "6 s of noise first", noise_before(6.0)),
        Scenario("tuning-before", "interruption", "tunes up first", tuning_up),
        Scenario("talking-before", "interruption", "talk first", talk_before),
        Scenario(
            "talking",
            "interruption",
            "talk over the music, −6 dB",
            over(babble, every_s=15.0, seconds=3.0, level_db=-6.0),
        ),
        Scenario(
            "coughs",
            "interruption",
            "coughs as loud as the music",
            over(cough, every_s=8.0, seconds=0.5, level_db=0.0),
        ),
        Scenario(
            "page-turn",
            "interruption",
            "pages are turned, −6 dB",
            over(page, every_s=12.0, seconds=0.7, level_db=-6.0),
        ),
        Scenario("snr-10db", "sound", "pink noise 10 dB under the music", noisy("pink", 10.0)),
        Scenario("hum", "sound", "mains hum 15 dB under the music", noisy("hum", 15.0)),
        Scenario("reverb-1.5s", "sound", "a room with RT60 1.5 s", reverberant(1.5)),
        Scenario("clipping", "sound", "overdriven by 18 dB", clipped),
        Scenario("level-40db", "sound", "40 dB softer", level(-40.0)),
        Scenario("one-channel-dead", "sound", "one of two channels is silent", left_only),
        Scenario("dc-offset", "sound", "a constant added", direct_current),
        *(
            Scenario(f"rate-{rate // 1000}k", "sound", f"recorded at {rate} Hz", at_rate(rate))
            for rate in (8_000, 16_000, 48_000, 96_000)
        ),
        *(
            Scenario(f"a4-{hz}", "sound", f"A = {hz} Hz where it was 440", tuned(hz))
            for hz in (392, 415, 430, 452, 466)
        ),
        Scenario("written-half", "tempo", "the mark says half the tempo", written(0.5)),
        Scenario("written-double", "tempo", "the mark says twice the tempo", written(2.0)),
        *(
            Scenario(
                f"bleed{level}db{suffix}",
                "bleed",
                f"the ensemble in the microphone, {how}",
                bleed(float(level), known),
                dice="bleed",
            )
            for level in ("-0", "+6")
            for known, suffix, how in (
                (Known.NOTES, "", "its notes known"),
                (Known.SOUND, "-sound", "its sound known"),
                (Known.NOTHING, "-unknown", "nothing of it known"),
            )
        ),
        *(
            Scenario(
                f"bleed{level}db-before",
                "bleed",
                "the other parts in the recording, whatever is played",
                bleed_beforehand(float(level)),
                dice="bleed",
            )
            for level in ("-0", "+6")
        ),
        Scenario("another-piece", "elsewhere", "another piece is played", another_piece),
        Scenario("astray", "elsewhere", "12 s of another piece in the middle", astray),
        Scenario("silence", "elsewhere", "nobody plays", silence),
    )


def scenario_named(name: str) -> Scenario:
    """Find a scenario.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    for scenario in scenarios():
        if scenario.name == name:
            return scenario
    names = ", ".join(s.name for s in scenarios())
    raise UsageError(f"there is no scenario {name!r}; there is {names}")


def chosen_scenarios(wanted: str) -> tuple[Scenario, ...]:
    """Scenarios of names with commas between, of a kind, or all; the clean take always first.

    Raises
    ------
    UsageError
        There is none of a name.
    """
    every = scenarios()
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    chosen = {CLEAN}
    for name in names:
        of_kind = {s.name for s in every if name in ("all", s.kind)}
        chosen |= of_kind or {scenario_named(name).name}
    return tuple(s for s in every if s.name in chosen)
