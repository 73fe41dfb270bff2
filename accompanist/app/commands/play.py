"""``accompanist play``: live, in the foreground."""

from __future__ import annotations

from pathlib import Path

import click

from accompanist.app.commands.options import level_option, passages_option, stretcher_option

__all__ = ["command"]

_EPILOG = """\b
Examples:
  accompanist play londonderry-air                   with the default microphone
  accompanist play londonderry-air --tap             any key plays the next note
  accompanist play sonata.mxl --solo Flute --input "USB" --start 17
  accompanist play concerto.flac --solo-level 0.3    a recording, its own soloist in the background
  accompanist play quartet.mid --midi-in "Keystation" --count-in 1
  accompanist play londonderry-air --mode wait       practise: it waits for every note
  accompanist play londonderry-air --mode conduct    any key is a beat
  accompanist play londonderry-air --to midi         into a DAW connected to our MIDI port
  accompanist play --compare busch.flac heifetz.flac      the same music by one and the other
  accompanist play sonata.mxl --compare a.wav b.wav c.wav    … with bar numbers

\b
Keys: space start/stop, g goto bar, l loop bars, t tempo lock, c cue, m mute, q leave. With --tap
and --mode conduct they need Shift, Enter starts and stops, Escape leaves. In a recording + and -
bring its own soloist forward and back, and places may be m:ss. With --compare: 1–9 and Tab switch
recordings, space stops and goes on, left and right go 5 s back and on, q leaves.
'accompanist devices' lists inputs and MIDI ports.
"""


@click.command(name="play", epilog=_EPILOG)
@click.argument("words", metavar="PIECE", nargs=-1, required=True)
@click.option(
    "--compare",
    is_flag=True,
    help="Play two to nine recordings of a piece, named in place of PIECE or behind it, and switch "
    "between them at the same musical place. With --out FILE.wav they are written taking turns.",
)
@click.option(
    "--switch-every",
    type=click.FloatRange(0.5, 3600.0),
    metavar="SECONDS",
    help="Let the recordings of --compare take turns.  [default: 8 with --out]",
)
@click.option("--solo", metavar="PART", help="Solo part, by number or name.")
@click.option("--input", "input_name", metavar="DEV", help="Audio input, by number or name.")
@click.option(
    "--channel",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Channel of the input that you are on.",
)
@click.option("--midi-in", metavar="PORT", help="Play a MIDI keyboard instead: number or name.")
@click.option("--tap", is_flag=True, help="No instrument: any key plays the next solo note.")
@click.option(
    "--from-file",
    metavar="WAV",
    type=click.Path(path_type=Path),
    help="Let a recording come in as though it were the microphone.",
)
@click.option("--follower", metavar="NAME", help="Which follower listens.")
@click.option(
    "--policy",
    type=click.Choice(["auto", "predict", "hold"]),
    default="auto",
    show_default=True,
    help="When to play what falls together with a note of yours: at the predicted time, when it "
    "is heard, or whichever the uncertainty asks for.",
)
@click.option(
    "--dynamics",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="How much the ensemble gets louder and softer with you: 0 not at all, 1 as much.",
)
@click.option(
    "--mode",
    type=click.Choice(["follow", "wait", "fixed", "conduct"]),
    default="follow",
    show_default=True,
    help="Who leads: follow goes with you; wait, to practise, never goes past a note of yours that "
    "it has not heard; fixed keeps its own tempo; conduct: any key of the computer is a beat.",
)
@level_option
@passages_option
@click.option("--start", metavar="BAR", help="Begin at this bar; in a recording also at m:ss.")
@click.option(
    "--count-in",
    type=click.FloatRange(0, 8),
    metavar="BARS",
    help="Count so many bars, then begin.  [default: 1 where the ensemble begins]",
)
@click.option(
    "--to",
    "to_words",
    metavar="midi,synth",
    help="Where the ensemble plays: the MIDI port 'accompanist parts', the synthesiser, or both.  "
    "[default: both, where there is MIDI]",
)
@click.option(
    "--midi-port", metavar="PORT", help="Play to this existing MIDI output: number or name."
)
@click.option(
    "--soundfont", type=click.Path(path_type=Path), help="General MIDI sound font (.sf2, .sf3)."
)
@click.option("--driver", metavar="NAME", help="Audio driver: jack, alsa, … (FluidSynth's names).")
@click.option("--silent", is_flag=True, help="Follow without sound; the take has it afterwards.")
@click.option(
    "--output", "output_name", metavar="DEV", help="Audio output of a recording: number or name."
)
@click.option(
    "--solo-level",
    type=click.FloatRange(0.0, 1.0),
    metavar="LEVEL",
    help="How much of a recording's own soloist is heard, 0 to 1.  [default: 0 where they have "
    "been taken out, else 1]",
)
@stretcher_option
@click.option("--heard", type=click.Path(path_type=Path), hidden=True)
@click.option(
    "--latency",
    type=click.FloatRange(0, 500),
    default=0.0,
    metavar="MS",
    help="Further delay of your loudspeakers (Bluetooth: try 150); notes are sent earlier by it.",
)
@click.option(
    "--headphones", is_flag=True, help="You wear headphones: your microphone hears you alone."
)
@click.option(
    "--loudspeakers",
    is_flag=True,
    help="The ensemble is loud in the room: the very sound of the synthesiser is listened past.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the take.  [default: takes/PIECE-DATE-TIME]",
)
@click.option("--no-take", is_flag=True, help="Keep nothing.")
@click.option(
    "--no-rehearse",
    is_flag=True,
    help="Expect nothing of you from earlier takes, and do not learn from this one.",
)
@click.pass_context
def command(
    ctx: click.Context,
    words: tuple[str, ...],
    compare: bool,
    switch_every: float | None,
    solo: str | None,
    input_name: str | None,
    channel: int,
    midi_in: str | None,
    tap: bool,
    from_file: Path | None,
    follower: str | None,
    policy: str,
    mode: str,
    level: float,
    passages_text: str,
    dynamics: float,
    start: str | None,
    count_in: float | None,
    to_words: str | None,
    midi_port: str | None,
    soundfont: Path | None,
    driver: str | None,
    silent: bool,
    output_name: str | None,
    solo_level: float | None,
    stretcher: str | None,
    heard: Path | None,
    latency: float,
    headphones: bool,
    loudspeakers: bool,
    out: Path | None,
    no_take: bool,
    no_rehearse: bool,
) -> None:
    """Accompany you live.

    PIECE is the id of a piece in the library, the path of a score, or that of a recording, which
    then is the orchestra. You play the solo into the microphone (or a MIDI keyboard, or tap it);
    the ensemble follows you. The first note that you play begins the piece; where the ensemble
    begins, it counts in and plays the introduction. What was played is kept as a take folder.
    """
    import os

    # One thread for linear algebra: the matrices are small, and more would wait for one another.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

    from accompanist.errors import UsageError

    if compare:
        from accompanist.app.comparing.run import CompareSettings
        from accompanist.app.comparing.run import compare as compare_recordings

        _refuse_others(ctx)
        compare_recordings(CompareSettings(words, start, output_name, silent, out, switch_every))
        return
    if len(words) > 1:
        raise UsageError(
            f"one PIECE at a time, not {len(words)}; several recordings of one are for --compare"
        )
    if switch_every is not None:
        raise UsageError("--switch-every goes with --compare")

    from accompanist.app.passages import parse_passages
    from accompanist.app.playing.settings import PlaySettings
    from accompanist.app.playing.take import play_take

    chosen = [
        option
        for option, given in (
            ("--input", input_name is not None),
            ("--midi-in", midi_in is not None),
            ("--tap", tap),
            ("--from-file", from_file is not None),
            ("--mode conduct", mode == "conduct"),
        )
        if given
    ]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} are at odds: there is one soloist; choose one")
    if mode == "conduct" and count_in is not None:
        raise UsageError("--mode conduct and --count-in are at odds: you beat time; leave one out")
    to = tuple(word.strip() for word in (to_words or "").split(",") if word.strip())
    if wrong := [word for word in to if word not in ("midi", "synth")]:
        raise UsageError(f"--to takes midi, synth or midi,synth, not {wrong[0]!r}")
    if silent and (to or midi_port):
        raise UsageError("--silent and --to or --midi-port are at odds; leave one out")
    if headphones and loudspeakers:
        raise UsageError("--headphones and --loudspeakers are at odds; leave one out")
    play_take(
        PlaySettings(
            piece=words[0],
            solo=solo,
            input_name=input_name,
            channel=channel,
            midi_in=midi_in,
            tap=tap,
            from_file=from_file,
            follower=follower,
            policy=policy,
            mode=mode,
            level=level,
            dynamics=dynamics,
            passages=parse_passages(passages_text),
            start_bar=start,
            count_in_bars=count_in,
            soundfont=soundfont,
            driver=driver,
            silent=silent,
            output_name=output_name,
            solo_level=solo_level,
            stretcher=stretcher,
            heard=heard,
            to=to,
            midi_port=midi_port,
            further_latency_s=latency / 1000.0,
            headphones=headphones,
            loudspeakers=loudspeakers,
            out=out,
            keep=not no_take,
            rehearse=not no_rehearse,
        )
    )


def _refuse_others(ctx: click.Context) -> None:
    """Refuse options that mean nothing to a comparison.

    Raises
    ------
    UsageError
        One was given.
    """
    from accompanist.errors import UsageError

    ours = {"words", "compare", "switch_every", "start", "output_name", "silent", "out"}
    for parameter in ctx.command.params:
        source = ctx.get_parameter_source(parameter.name or "")
        if parameter.name not in ours and source is click.core.ParameterSource.COMMANDLINE:
            raise UsageError(f"{parameter.opts[0]} means nothing with --compare; leave it out")
