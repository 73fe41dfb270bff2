"""Measured latencies are kept, found again, and never in the way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from accompanist.app.machine.latencies import (
    RoundTrip,
    forget_latencies,
    keep_latency,
    kept_latencies,
    known_latency,
)
from accompanist.errors import AccompanistError

TRIP = RoundTrip(
    input="USB in",
    output="USB out",
    sample_rate=48_000,
    block_samples=256,
    round_trip_s=0.0125,
    spread_s=0.00001,
    in_s=0.005,
    out_s=0.0075,
    measured="2020-01-02T03:04:05+00:00",
)


def test_what_is_kept_is_found_by_devices_and_rate(tmp_path: Path) -> None:
    file = tmp_path / "new" / "latency.json"
    assert known_latency(path=file) is None
    assert keep_latency(TRIP, file) == file
    other = replace(TRIP, input="Built-in", measured="2021-01-01T00:00:00+00:00")
    keep_latency(other, file)
    assert known_latency("USB in", path=file) == TRIP
    assert known_latency("USB in", "USB out", sample_rate=48_000, path=file) == TRIP
    assert known_latency(path=file) == other  # the newest
    assert known_latency("USB in", sample_rate=44_100, path=file) is None
    assert known_latency("USB in", "HDMI", path=file) is None


def test_a_new_measurement_of_the_same_takes_the_place_of_the_old(tmp_path: Path) -> None:
    file = tmp_path / "latency.json"
    keep_latency(TRIP, file)
    again = replace(TRIP, round_trip_s=0.02, measured="2022-01-01T00:00:00+00:00")
    keep_latency(again, file)
    assert kept_latencies(file) == (again,)
    assert list(tmp_path.iterdir()) == [file]  # nothing left beside it
    assert forget_latencies(file) == 1
    assert forget_latencies(file) == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        '{"round_trips": 3}',
        '{"round_trips": [1, null, {"input": "x"}]}',
        b"\xff\xfe".decode("latin-1"),
    ],
)
def test_a_broken_file_is_an_empty_one(tmp_path: Path, text: str) -> None:
    file = tmp_path / "latency.json"
    file.write_text(text, "latin-1")
    assert known_latency(path=file) is None
    keep_latency(TRIP, file)
    assert kept_latencies(file) == (TRIP,)


@pytest.mark.parametrize(
    ("field", "value"),
    [("round_trip_s", 1e9), ("in_s", -0.1), ("out_s", "NaN"), ("sample_rate", "fast")],
)
def test_nonsense_in_the_file_is_not_believed(tmp_path: Path, field: str, value: object) -> None:
    file = tmp_path / "latency.json"
    keep_latency(TRIP, file)
    kept = json.loads(file.read_text())
    kept["round_trips"][0][field] = value
    file.write_text(json.dumps(kept))
    assert kept_latencies(file) == ()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AccompanistError, match="cannot be written"):
        keep_latency(TRIP, tmp_path / "file" / "latency.json")
