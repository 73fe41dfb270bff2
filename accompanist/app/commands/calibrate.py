"""``accompanist calibrate``: measure the way out of the computer and back into it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from accompanist.app.machine.calibrate import Found
    from accompanist.app.machine.latencies import RoundTrip

__all__ = ["command"]

_EPILOG = """\b
Examples:
  accompanist calibrate                          the system's input and output
  accompanist calibrate --input USB --output USB
  accompanist calibrate --show                   what has been measured before
  accompanist calibrate --forget

\b
How to cable it: an output of the interface into the input that you play into, its gain low; or
the microphone in front of the loudspeaker (an earpiece on the microphone). A noise sounds five
times, for six seconds in all.
"""


@click.command(name="calibrate", epilog=_EPILOG)
@click.option("--input", "input_name", metavar="DEV", help="Audio input, by number or name.")
@click.option("--output", "output_name", metavar="DEV", help="Audio output, by number or name.")
@click.option(
    "--channel", type=click.IntRange(1, 64), default=1, show_default=True, help="Of the input."
)
@click.option(
    "--block",
    type=click.IntRange(0, 8192),
    default=0,
    show_default=True,
    help="Samples a block; 0 leaves it to the driver, any other may add a block of delay.",
)
@click.option(
    "--repetitions", type=click.IntRange(3, 50), default=5, show_default=True, help="How often."
)
@click.option(
    "--level",
    type=click.FloatRange(-60, 0),
    default=-12.0,
    show_default=True,
    metavar="DB",
    help="Peak of the noise below full scale.",
)
@click.option("--no-keep", is_flag=True, help="Measure only.")
@click.option("--show", is_flag=True, help="Show what is kept; measure nothing.")
@click.option("--forget", is_flag=True, help="Forget what is kept; measure nothing.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def command(
    input_name: str | None,
    output_name: str | None,
    channel: int,
    block: int,
    repetitions: int,
    level: float,
    no_keep: bool,
    show: bool,
    forget: bool,
    as_json: bool,
) -> None:
    """Measure round-trip latency by loop-back, and keep it for these devices.

    Notes are sent earlier by it, so that they sound together with you. Needs the output connected
    with the input, by a cable or through the air.
    """
    from accompanist.app.machine.latencies import forget_latencies, keep_latency, kept_latencies
    from accompanist.errors import UsageError

    if show and forget:
        raise UsageError("--show and --forget are at odds; choose one")
    if forget:
        count = forget_latencies()
        click.echo(json.dumps({"forgotten": count}) if as_json else f"{count} forgotten")
        return
    if show:
        kept = kept_latencies()
        if as_json:
            listed = [asdict(trip) for trip in kept]
            click.echo(json.dumps({"round_trips": listed}, indent=2, ensure_ascii=False))
            return
        for trip in kept:
            click.echo(f"{_told(trip)}  [{trip.measured}]")
        if not kept:
            click.echo("nothing measured yet; accompanist calibrate does it")
        return

    from accompanist.app.machine.calibrate import measure_round_trip
    from accompanist.app.progress import progress_bar

    done = 0.0
    with progress_bar("Listening", total=1.0) as advance:

        def told(share: float) -> None:
            nonlocal done
            advance(share - done)
            done = share

        trip, found = measure_round_trip(
            input_name,
            output_name,
            channel=channel,
            block_samples=block,
            repetitions=repetitions,
            level=10.0 ** (level / 20.0),
            progress=told,
        )
    file = None if no_keep else keep_latency(trip)
    if as_json:
        facts = {
            "round_trip": asdict(trip),
            "found": asdict(found),
            "kept": None if file is None else str(file),
        }
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    click.echo(_told(trip))
    click.echo(_heard(found))
    if file is not None:
        click.echo(f"kept in {file}; play and the daemon use it with these devices")


def _told(trip: RoundTrip) -> str:
    blocks = f"blocks of {trip.block_samples}" if trip.block_samples else "the driver's blocks"
    samples = trip.round_trip_s * trip.sample_rate
    return (
        f"{trip.output} → {trip.input}: {1000.0 * trip.round_trip_s:.2f} ms "
        f"({samples:.1f} samples at {trip.sample_rate} Hz, {blocks})"
    )


def _heard(found: Found) -> str:
    text = (
        f"heard {found.heard} of {found.repetitions} times, spread "
        f"{1000.0 * found.spread_s:.3f} ms, {found.clear_db:.0f} dB above the noise"
    )
    return text + ("; the input clips, turn it down" if found.clipped else "")
