"""``accompanist render``: accompany a recorded soloist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from accompanist.app.commands.options import level_option, passages_option, stretcher_option

__all__ = ["command", "summary_lines"]

_NEARLY = 8.0
"""Quarters (or seconds of a recording) that may be missing at the end."""
_EPILOG = """\b
Examples:
  accompanist render londonderry-air my-take.wav --out my-take
  accompanist render quartet.musicxml violin.wav --solo "Violin I" --out quartet-take
  accompanist render concerto.flac my-violin.wav --out concerto-take
  accompanist render score.mid take.flac --no-audio --truth truth.csv --json --out take
  accompanist render sonata.mxl today.wav --rehearsal monday --rehearsal tuesday --out today
"""


@click.command(name="render", epilog=_EPILOG)
@click.argument("piece")
@click.argument("take_file", metavar="TAKE.wav", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the take.")
@click.option("--solo", metavar="PART", help="Solo part, by number or name.")
@click.option("--follower", metavar="NAME", help="Which follower listens.")
@click.option(
    "--policy",
    type=click.Choice(["auto", "predict", "hold"]),
    default="auto",
    show_default=True,
    help="When to play what falls together with a note of the soloist: at the predicted time, "
    "when it is heard, or whichever the uncertainty asks for.",
)
@click.option(
    "--dynamics",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="How much the ensemble gets louder and softer with the soloist: 0 not at all, 1 as much.",
)
@click.option(
    "--mode",
    type=click.Choice(["follow", "wait", "fixed"]),
    default="follow",
    show_default=True,
    help="Who leads: follow goes with the soloist, wait never goes past a note that it has not "
    "heard, fixed keeps its own tempo.",
)
@level_option
@passages_option
@click.option(
    "--block",
    type=click.IntRange(1, 1 << 20),
    default=4096,
    show_default=True,
    help="Samples fed at a time; the result does not depend on it.",
)
@click.option(
    "--introduction",
    is_flag=True,
    help="The take begins with the ensemble's introduction: play it from the first sample on. "
    "Else the ensemble begins with the soloist.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Kept in take.json.")
@click.option(
    "--soundfont", type=click.Path(path_type=Path), help="General MIDI sound font (.sf2, .sf3)."
)
@click.option("--no-audio", is_flag=True, help="Leave the sound out: tables, MIDI, picture only.")
@click.option(
    "--truth",
    "truth_file",
    type=click.Path(path_type=Path),
    help="True onsets (quarter,time rows): adds the figures.",
)
@click.option(
    "--bleed-db",
    type=click.FloatRange(-60.0, 20.0),
    help="For trying: a loudspeaker plays the accompaniment into the microphone, so much louder "
    "than the soloist.",
)
@stretcher_option
@click.option(
    "--rehearsal",
    "rehearsals",
    metavar="TAKEDIR",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Expect what this earlier take of the soloist's was like; may be given several times.",
)
@click.option(
    "--rehearsed",
    is_flag=True,
    help="Expect what the takes were like that have been learned from (see rehearse).",
)
@click.option("--json", "as_json", is_flag=True, help="Print take.json.")
def command(
    piece: str,
    take_file: Path,
    out: Path,
    solo: str | None,
    follower: str | None,
    policy: str,
    dynamics: float,
    mode: str,
    level: float,
    passages_text: str,
    block: int,
    introduction: bool,
    seed: int,
    soundfont: Path | None,
    no_audio: bool,
    truth_file: Path | None,
    bleed_db: float | None,
    stretcher: str | None,
    rehearsals: tuple[Path, ...],
    rehearsed: bool,
    as_json: bool,
) -> None:
    """Accompany the soloist of a recording, offline, through the very code that runs live.

    PIECE is a piece of the library, a score, or a recording: then that plays, in the soloist's
    time. Writes a take folder: what was heard, what was played, the MIDI file with the performed
    tempo, the mix, and a picture.
    """
    import json
    from dataclasses import replace

    from accompanist.app.threads import use_one_thread

    use_one_thread()

    from bridges.audio_files import read_audio
    from bridges.fluidsynth import find_soundfont

    def tell(line: str) -> None:
        click.echo(line, err=True)

    audio = read_audio(take_file)

    from accompanist.app.keeping.files import read_truth_file
    from accompanist.app.pieces import check_stretched, open_any
    from accompanist.app.rehearsing.for_render import rehearsal_for
    from accompanist.app.rendering import (
        Job,
        announce_solo,
        check_length,
        offline_settings,
        render,
    )
    from accompanist.score.choose import choose_solo
    from accompanist.takes.folder import check_place

    check_length(audio, str(take_file))
    check_place(out, take_file)
    truth = None if truth_file is None else read_truth_file(truth_file)
    opened = open_any(piece, tell)
    recorded = opened.recording is not None
    if stretcher is not None:
        check_stretched(opened)
    font = None if no_audio or recorded else find_soundfont(soundfont)
    part = choose_solo(opened.score, solo).part
    settings = offline_settings(
        opened, part, follower, policy, block, dynamics=dynamics, mode=mode, level=level
    )
    rehearsal = rehearsal_for(opened, part, rehearsals, rehearsed=rehearsed, tell=tell)
    settings = replace(settings, performances=rehearsal.performances)
    if passages_text:
        from accompanist.app.passages import find_passages, parse_passages

        found = find_passages(opened.score, parse_passages(passages_text))
        settings = replace(settings, conductor=replace(settings.conductor, passages=found))
    if bleed_db is not None:
        from accompanist.simulation.bleed import Bleed, Known

        settings = replace(settings, bleed=Bleed(bleed_db, known=Known.SOUND))
    if introduction:
        begun = replace(settings.conductor, start="countin", start_at_s=0.0, countin_bars=0.0)
        settings = replace(settings, conductor=begun)
    for warning in audio.warnings:
        tell(warning)
    announce_solo(opened, solo, tell, introduced=introduction)
    job = Job(
        piece=opened,
        solo=part,
        audio=audio,
        source=str(take_file),
        settings=settings,
        soundfont=font,
        truth=truth,
        seed=seed,
        input_facts={"rehearsal": rehearsal.facts()},
        recording_sounds=not no_audio,
        stretcher=stretcher,
        tell=tell,
    )
    done = render(job, out)
    if as_json:
        click.echo(json.dumps(done.facts, indent=2, ensure_ascii=False))
        return
    for line in summary_lines(done.facts):
        click.echo(line)
    click.echo(f"written to {out}: {', '.join(done.files)}")


def summary_lines(facts: dict[str, Any]) -> list[str]:
    """Say in a few lines how a take went, from what stands in its ``take.json``."""
    compute = facts["compute_ms"]
    recorded = facts["position_unit"] == "seconds" and not facts["notes_played"]
    played = "" if recorded else f", {facts['notes_played']} notes played"
    lines = [
        f"{facts['duration_s']:.1f} s followed{played}; "
        f"{compute['mean']:.2f} ms a hop (99 %: {compute['p99']:.2f} ms), "
        f"{facts['real_time_factor']:.0f} times real time"
    ]
    reached, end = facts["reached_quarter"] or 0.0, facts["solo_end_quarter"]
    if facts["final_state"] == "armed":
        lines.append(
            "the soloist was never heard: the recording is silent, very soft or of something else"
        )
    elif reached < end - _NEARLY:
        unit = "second" if facts["position_unit"] == "seconds" else "quarter"
        lines.append(
            f"the soloist was followed to {unit} {reached:.0f} of {end:.0f}; "
            "the take ends there, or is of something else"
        )
    figures = facts.get("figures")
    return lines + (_figure_lines(figures) if figures else [])


def _figure_lines(figures: dict[str, float | None]) -> list[str]:
    lines = [
        f"position at the true onsets: median {_ms(figures, 'position_median_ms')} off, "
        f"{_percent(figures, 'position_within_100')} within 100 ms, "
        f"{_percent(figures, 'missed')} of the onsets missed"
        + ("; LOST at the end" if figures.get("lost") else "")
    ]
    if "asynchrony_within_100" in figures:
        lines.append(
            f"ensemble with the soloist: median {_ms(figures, 'asynchrony_median_ms')} apart, "
            f"{_percent(figures, 'asynchrony_within_50')} within 50 ms, "
            f"{_percent(figures, 'asynchrony_within_100')} within 100 ms"
        )
    return lines


def _ms(figures: dict[str, float | None], name: str) -> str:
    value = figures.get(name)
    return "∞ ms" if value is None else f"{value:.0f} ms"


def _percent(figures: dict[str, float | None], name: str) -> str:
    return f"{100 * (figures.get(name) or 0.0):.0f} %"
