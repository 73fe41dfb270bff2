"""``accompanist session``: a session for a DAW, an instrument track a part, wired to our ports."""

from __future__ import annotations

import json
from pathlib import Path

import click

__all__ = ["command"]

_EPILOG = """\b
Examples:
  accompanist session la-folia --host ardour --out folia
  accompanist session sonata.mxl --solo Flute --host reaper --out sonata-reaper
"""
_USUAL_RATE_HZ = 48_000


@click.command(name="session", epilog=_EPILOG)
@click.argument("piece")
@click.option("--host", required=True, type=click.Choice(["ardour", "reaper"]), help="Which DAW.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder for the session."
)
@click.option("--solo", metavar="PART", help="Solo part, by number or name.")
@click.option(
    "--instrument",
    metavar="URI",
    help="Ardour: LV2 synthesiser of every track; else a General MIDI one if it is installed, "
    "else one that comes with Ardour, with a sound font if there is one.",
)
@click.option("--port-per-part", is_flag=True, help="Ardour: a port a part (set it likewise).")
@click.option(
    "--rate",
    type=click.IntRange(8_000, 192_000),
    help="Ardour: sample rate in Hz; else that of the JACK server that runs, else 48000.",
)
@click.option("--force", is_flag=True, help="Overwrite a session that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def command(
    piece: str,
    host: str,
    out: Path,
    solo: str | None,
    instrument: str | None,
    port_per_part: bool,
    rate: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Make a session with an instrument track for each part, tempo map, metres and markers.

    Open it, start `accompanist daemon`, and the ensemble sounds through the instruments of the DAW.
    """
    from accompanist.app.hosts.sessions import host_session
    from accompanist.app.pieces import check_has_notes, open_any
    from accompanist.errors import UsageError
    from accompanist.score.choose import choose_solo

    if host != "ardour" and (instrument or port_per_part or rate):
        raise UsageError("--instrument, --port-per-part and --rate are for --host ardour")
    opened = open_any(piece)
    check_has_notes(opened, "for instruments to play")
    choice = choose_solo(opened.score, solo)
    session = host_session(opened.score, choice.part.number, port_per_part=port_per_part)
    if not session.tracks:
        raise UsageError(f"{opened.title} has no part but the solo: there is nothing to play")
    if host == "ardour":
        from accompanist.app.hosts.ardour_session import find_instrument, write_ardour_session

        chosen = find_instrument(instrument, len(session.tracks))
        rate_hz = rate or _running_rate_hz() or _USUAL_RATE_HZ
        written = [write_ardour_session(session, out, chosen, rate_hz, force=force)]
        font = f" with {chosen.soundfont.name}" if chosen.soundfont is not None else ""
        how = f"played by {chosen.name}{font}, {rate_hz} Hz"
    else:
        from accompanist.app.hosts.reaper_session import write_reaper_session

        written = write_reaper_session(session, out, force=force)
        how = "for instruments of your choice"
    if as_json:
        tracks = [
            {"name": t.name, "parts": t.parts, "channel": t.channel, "port": t.port}
            for t in session.tracks
        ]
        files = [str(path) for path in written]
        facts = {"host": host, "files": files, "solo": session.soloist, "tracks": tracks}
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    reason = f"the soloist is {choice.part.name} ({choice.reason})"
    click.echo(f"{opened.title}: {reason}; {len(session.tracks)} tracks {how}")
    for track in session.tracks:
        click.echo(f"  channel {track.channel:2}  {track.name}")
    click.echo("written: " + ", ".join(str(path) for path in written))
    if host == "ardour" and not port_per_part:
        inputs = ", ".join(f'"ardour:{track.name}/midi_in 1"' for track in session.tracks)
        click.echo("For a daemon that is started after Ardour, add to its settings, [output]:")
        click.echo(f"  connect = [{inputs}]")


def _running_rate_hz() -> int | None:
    """Ask the JACK server that runs, if one does, for its sample rate."""
    try:
        import jack
    except (ImportError, OSError):
        return None
    from bridges.quiet import quiet_stderr

    try:
        with quiet_stderr():
            client = jack.Client("accompanist session", no_start_server=True)
            try:
                return int(client.samplerate)
            finally:
                client.close()
    except jack.JackError:
        return None
