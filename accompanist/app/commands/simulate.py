"""``accompanist simulate``: a soloist made to order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from accompanist.errors import UsageError
from accompanist.simulation.settings import (
    NOISE_KINDS,
    PRESETS,
    Jump,
    Pause,
    PlayerSettings,
    RoomSettings,
)

__all__ = ["command", "parse_jump", "parse_pause"]

_EPILOG = """\b
Examples:
  accompanist simulate londonderry-air --out /tmp/soloist --preset student
  accompanist simulate score.mid --solo 1 --timing pianist.csv --out soloist
  accompanist simulate londonderry-air --out soloist --jump 8:1 --pause 5:3 --a4 415 --noise 20
"""

_PLAYER_OPTIONS = (
    "tempo_factor",
    "phrase_arc",
    "accent",
    "final_tempo",
    "drift",
    "habit",
    "player",
    "motor_s",
    "articulation",
    "dynamics",
    "vibrato_cents",
    "wrong",
    "missed",
    "extra",
    "repeated",
    "a4_hz",
    "lead_in_s",
)
_ROOM_OPTIONS = (
    "rt60_s",
    "direct_db",
    "noise_snr_db",
    "noise_kind",
    "bleed_db",
    "bleed_delay_s",
    "peak_db",
)


def parse_pause(text: str) -> Pause:
    """Read ``BAR:SECONDS``.

    >>> parse_pause("5:2.5")
    Pause(bar='5', seconds=2.5)
    """
    bar, _, seconds = text.rpartition(":")
    try:
        return Pause(bar.strip(), float(seconds)) if bar else _refuse_pause(text)
    except ValueError:
        return _refuse_pause(text)


def _refuse_pause(text: str) -> Pause:
    raise UsageError(f"--pause {text}: write BAR:SECONDS, for instance 5:2.5")


def parse_jump(text: str) -> Jump:
    """Read ``FROMBAR:TOBAR``.

    >>> parse_jump("8:1")
    Jump(from_bar='8', to_bar='1')
    """
    from_bar, _, to_bar = text.partition(":")
    if not (from_bar.strip() and to_bar.strip()):
        raise UsageError(f"--jump {text}: write FROMBAR:TOBAR, for instance 8:1")
    return Jump(from_bar.strip(), to_bar.strip())


_Settings = TypeVar("_Settings", PlayerSettings, RoomSettings)


def _changed(base: _Settings, names: tuple[str, ...], given: dict[str, Any]) -> _Settings:
    """Put options that were given on the command line in place of the preset's."""
    return replace(base, **{n: given[n] for n in names if given.get(n) is not None})


@click.command(name="simulate", epilog=_EPILOG)
@click.argument("piece")
@click.option(
    "--out",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for take.wav, truth.csv and performance.csv.",
)
@click.option("--solo", help="Solo part, by number or name.")
@click.option(
    "--preset",
    type=click.Choice(sorted(PRESETS)),
    default="steady",
    show_default=True,
    help="Kind of soloist and room; the options below change it.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same take."
)
@click.option(
    "--timing",
    type=click.Path(path_type=Path),
    help="True timing of a human: quarter,duration,pitch,onset,offset,velocity,part rows.",
)
@click.option(
    "--timing-part", type=int, default=1, show_default=True, help="Part of that file (1: melody)."
)
@click.option(
    "--tempo", "tempo_factor", type=float, help="Played over written tempo (1.2: faster)."
)
@click.option("--arc", "phrase_arc", type=float, help="Tempo arc over a phrase (0.1: 10 %).")
@click.option("--accent", type=float, help="Lengthening of downbeats, as a share.")
@click.option("--ritardando", "final_tempo", type=float, help="Tempo at the very end (0.6: 60 %).")
@click.option("--drift", type=float, help="Slow wandering of the tempo, as a share.")
@click.option(
    "--habit", type=float, help="The player's own way with each place, as a share of the tempo."
)
@click.option("--player", type=int, help="Who plays: the same number, the same habits.")
@click.option("--jitter", "motor_s", type=float, help="Spread of each onset, seconds.")
@click.option("--articulation", type=float, help="Sounding share of each note.")
@click.option("--dynamics", type=float, help="Swell over a phrase, as a share of the velocity.")
@click.option("--vibrato", "vibrato_cents", type=float, help="Depth of the vibrato, cents.")
@click.option("--wrong", type=float, help="Share of notes played wrong.")
@click.option("--missed", type=float, help="Share of notes left out.")
@click.option("--extra", type=float, help="Share of notes with another one put in after it.")
@click.option("--repeated", type=float, help="Share of notes struck twice.")
@click.option("--pause", "pauses", multiple=True, metavar="BAR:SECONDS", help="Wait before a bar.")
@click.option(
    "--jump",
    "jumps",
    multiple=True,
    metavar="FROMBAR:TOBAR",
    help="On reaching a bar go on at another (skip, go back, repeat).",
)
@click.option("--a4", "a4_hz", type=float, help="Tuning: A in Hz.")
@click.option("--cents", type=float, help="Tuning: cents above A = 440 Hz (in place of --a4).")
@click.option("--lead-in", "lead_in_s", type=float, help="Seconds before the first note.")
@click.option("--room", "rt60_s", type=float, help="Reverberation time (60 dB), seconds.")
@click.option("--direct", "direct_db", type=float, help="Direct sound over reverberation, dB.")
@click.option("--noise", "noise_snr_db", type=float, help="Soloist over noise, dB.")
@click.option("--noise-kind", type=click.Choice(NOISE_KINDS), help="Colour of the noise.")
@click.option("--bleed", "bleed_db", type=float, help="Accompaniment in the microphone, dB.")
@click.option("--bleed-delay", "bleed_delay_s", type=float, help="How late it comes, seconds.")
@click.option("--peak", "peak_db", type=float, help="Peak level of the file, dB full scale.")
@click.option("--soundfont", type=click.Path(path_type=Path), help="General MIDI sound font.")
@click.option("--rate", type=click.IntRange(8000, 96000), default=44100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(
    piece: str,
    folder: Path,
    solo: str | None,
    preset: str,
    seed: int,
    timing: Path | None,
    timing_part: int,
    pauses: tuple[str, ...],
    jumps: tuple[str, ...],
    cents: float | None,
    soundfont: Path | None,
    rate: int,
    as_json: bool,
    **given: Any,
) -> None:
    """Play the solo of PIECE as a human would, with mistakes, in a room, and write the truth.

    The truth names the audible onset of each solo note that was played as written; wrong,
    extra and repeated notes stand in performance.csv. Any option left out is the preset's.
    """
    import json

    from accompanist.app.pieces import check_has_notes, open_any
    from accompanist.app.progress import progress_bar
    from accompanist.app.simulating import (
        check_folder,
        read_timing,
        render_simulation,
        write_simulation,
    )
    from accompanist.score.choose import choose_solo
    from accompanist.simulation.performance import simulate_take
    from bridges.fluidsynth import find_soundfont

    if cents is not None:
        if given["a4_hz"] is not None:
            raise UsageError("--a4 and --cents say the same thing: leave one of them out")
        if not -1200.0 <= cents <= 1200.0:
            raise UsageError(f"--cents {cents:g}: it has to lie within -1200 and 1200")
        given["a4_hz"] = 440.0 * 2.0 ** (cents / 1200.0)
    base = PRESETS[preset]
    player = replace(
        _changed(base.player, _PLAYER_OPTIONS, given),
        pauses=tuple(parse_pause(text) for text in pauses),
        jumps=tuple(parse_jump(text) for text in jumps),
    )
    room = _changed(base.room, _ROOM_OPTIONS, given)
    font = find_soundfont(soundfont)
    opened = open_any(piece)
    check_has_notes(opened, "to simulate")
    choice = choose_solo(opened.score, solo)
    human = read_timing(timing, timing_part) if timing is not None else None
    check_folder(folder)
    take = simulate_take(opened.score, choice.part, player, seed, human)
    with progress_bar("Playing"):
        sound = render_simulation(
            opened.score, take, player, room, seed=seed, soundfont=font, sample_rate=rate
        )
    write_simulation(folder, take, sound, rate)
    facts = {
        "folder": str(folder),
        "piece": opened.title,
        "solo": choice.part.number,
        "solo_name": choice.part.name,
        "preset": preset,
        "seed": seed,
        "seconds": round(len(sound) / rate, 3),
        "notes": len(take.notes),
        "truth_onsets": len(take.truth_quarter),
    }
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo(
        f"{opened.title}: part {choice.part.number} ({choice.part.name}; {choice.reason}), "
        f"{facts['seconds']:.1f} s, {facts['notes']} notes, {facts['truth_onsets']} true onsets"
    )
    click.echo(f"written to {folder}: take.wav, truth.csv, performance.csv")
