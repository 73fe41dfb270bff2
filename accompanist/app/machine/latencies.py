"""Round-trip latencies measured by ``accompanist calibrate``, kept for the devices they are of.

A JSON file in the user's state folder. No numpy here: the daemon asks too.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from platformdirs import user_state_path

from accompanist.errors import AccompanistError, DeviceError

__all__ = [
    "RoundTrip",
    "forget_latencies",
    "keep_latency",
    "kept_latencies",
    "known_latency",
    "latency_file",
    "measure_in_child",
]

_log = logging.getLogger(__name__)

LONGEST_S = 2.0
"""What stands in the file beyond this is not believed."""


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """The way out of the computer and back into it.

    ``in_s`` and ``out_s`` share ``round_trip_s`` between input and output as the driver's own
    figures do, halves where it has none. For playing together only their sum matters.
    """

    input: str
    output: str
    sample_rate: int
    block_samples: int
    round_trip_s: float
    spread_s: float
    """Largest less smallest over the repetitions."""
    in_s: float
    out_s: float
    measured: str
    """Date and time, ISO 8601."""

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What it is kept for."""
        return self.input, self.output, self.sample_rate, self.block_samples


def latency_file() -> Path:
    """Where the measurements are kept."""
    return user_state_path("accompanist", appauthor=False) / "latency.json"


def kept_latencies(path: Path | None = None) -> tuple[RoundTrip, ...]:
    """All measurements that are kept, the newest last; a file that is not one of ours has none."""
    try:
        kept = json.loads((path or latency_file()).read_text("utf-8"))
    except (OSError, ValueError):
        return ()
    rows = kept.get("round_trips", []) if isinstance(kept, dict) else []
    if not isinstance(rows, list):
        return ()
    found = [trip for row in rows if (trip := _trip_of(row)) is not None]
    return tuple(sorted(found, key=lambda trip: trip.measured))


def known_latency(
    input_name: str | None = None,
    output_name: str | None = None,
    *,
    sample_rate: int | None = None,
    path: Path | None = None,
) -> RoundTrip | None:
    """Find the newest measurement for these devices; None matches any. Never raises.

    Parameters
    ----------
    input_name, output_name : str, optional
        As PortAudio calls them.
    sample_rate : int, optional
        In Hz.
    path : Path, optional
        Another file than the user's.
    """
    for trip in reversed(kept_latencies(path)):
        if input_name not in (None, trip.input) or output_name not in (None, trip.output):
            continue
        if sample_rate in (None, trip.sample_rate):
            return trip
    return None


def keep_latency(trip: RoundTrip, path: Path | None = None) -> Path:
    """Keep a measurement in place of an earlier one of the same devices, rate and block.

    Raises
    ------
    AccompanistError
        The file cannot be written.
    """
    target = path or latency_file()
    others = [kept for kept in kept_latencies(target) if kept.key != trip.key]
    _write(target, [*others, trip])
    return target


def forget_latencies(path: Path | None = None) -> int:
    """Forget every measurement; gives how many there were.

    Raises
    ------
    AccompanistError
        The file cannot be removed.
    """
    target = path or latency_file()
    count = len(kept_latencies(target))
    try:
        target.unlink(missing_ok=True)
    except OSError as error:
        raise AccompanistError(f"{target}: cannot be removed ({error.strerror})") from error
    return count


async def measure_in_child(
    input_name: str | None = None,
    output_name: str | None = None,
    *,
    timeout_s: float = 60.0,
) -> RoundTrip:
    """Measure in a process of its own, as ``accompanist calibrate`` does, and keep the result.

    The devices have to be free. Cancelling ends the process.

    Raises
    ------
    DeviceError
        There is no such device, or no signal came back.
    AccompanistError
        It failed otherwise, or took too long.
    """
    command = [sys.executable, "-m", "accompanist", "calibrate", "--json"]
    for option, name in (("--input", input_name), ("--output", output_name)):
        if name is not None:
            command += [option, name]
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, complained = await asyncio.wait_for(child.communicate(), timeout_s)
    except TimeoutError:
        raise AccompanistError(f"the calibration did not end within {timeout_s:g} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode == 0:
        try:
            trip = _trip_of(json.loads(said)["round_trip"])
        except (ValueError, KeyError, TypeError):
            trip = None
        if trip is not None:
            return trip
    words = complained.decode("utf-8", "replace").strip().split("\n")[-1]
    text = words.removeprefix("accompanist: ") or "the calibration failed without a word"
    if child.returncode == DeviceError.exit_code:
        raise DeviceError(text)
    raise AccompanistError(text)


def _trip_of(row: object) -> RoundTrip | None:
    """Read one measurement; None where it is not one."""
    if not isinstance(row, dict) or not {field.name for field in fields(RoundTrip)} <= set(row):
        return None
    try:
        trip = RoundTrip(
            input=str(row["input"]),
            output=str(row["output"]),
            sample_rate=int(row["sample_rate"]),
            block_samples=int(row["block_samples"]),
            round_trip_s=float(row["round_trip_s"]),
            spread_s=float(row["spread_s"]),
            in_s=float(row["in_s"]),
            out_s=float(row["out_s"]),
            measured=str(row["measured"]),
        )
    except (TypeError, ValueError):
        return None
    times_s = (trip.round_trip_s, trip.spread_s, trip.in_s, trip.out_s)
    believed = all(math.isfinite(time_s) and 0.0 <= time_s <= LONGEST_S for time_s in times_s)
    return trip if believed else None


def _write(path: Path, trips: Iterable[RoundTrip]) -> None:
    """Write the file whole or not at all."""
    text = json.dumps({"round_trips": [asdict(trip) for trip in trips]}, indent=2) + "\n"
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, "utf-8")
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        raise AccompanistError(f"{path}: cannot be written ({error.strerror})") from error
