"""The files of an evaluation."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from accompanist.app.evaluating.evaluation import LeftOut, TakeResult
from accompanist.app.evaluating.report import Pool, as_json, as_markdown
from accompanist.app.evaluating.scenario_figures import believed
from accompanist.app.evaluating.scenario_report import as_scenario_json, as_scenario_markdown
from accompanist.errors import AccompanistError

__all__ = ["write_evaluation", "write_figures", "write_scenarios", "write_tables"]

_HEADERS = {
    "trace": ("time", "quarter"),
    "onsets": ("reported", "quarter"),
    "sent": ("time", "quarter"),
}


def write_evaluation(folder: Path, results: Sequence[TakeResult], pooled: Sequence[Pool]) -> None:
    """Write ``figures.json``, ``figures.md`` and ``FOLLOWER/ID/{trace,onsets,sent}.csv``.

    Raises
    ------
    AccompanistError
        The folder cannot be written to.
    """
    with _told(folder):
        for result in results:
            _write_tables(folder / result.follower, result)
        _write(folder / "figures.md", as_markdown(results, pooled))
        _write(folder / "figures.json", json.dumps(as_json(results, pooled), indent=2) + "\n")


def write_figures(folder: Path, plain: dict[str, Any], markdown: str) -> None:
    """Write ``figures.json`` and ``figures.md``.

    Raises
    ------
    AccompanistError
        The folder cannot be written to.
    """
    with _told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "figures.md", markdown + "\n")
        _write(folder / "figures.json", json.dumps(plain, indent=2) + "\n")


def write_tables(folder: Path, result: TakeResult) -> None:
    """Write ``FOLLOWER/SCENARIO/ID/{trace,onsets,sent}.csv``.

    Raises
    ------
    AccompanistError
        The folder cannot be written to.
    """
    with _told(folder):
        _write_tables(folder / result.follower / result.scenario, result)


def write_scenarios(
    folder: Path, results: Sequence[TakeResult], left_out: Sequence[LeftOut]
) -> None:
    """Write ``figures.json``, ``figures.md`` and ``reliability.svg`` of scenarios.

    Raises
    ------
    AccompanistError
        The folder cannot be written to.
    """
    with _told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "figures.md", as_scenario_markdown(results, left_out))
        text = json.dumps(as_scenario_json(results, left_out), indent=2)
        _write(folder / "figures.json", text + "\n")
        _draw(folder / "reliability.svg", results)


def _draw(path: Path, results: Sequence[TakeResult]) -> None:
    from accompanist.takes.reliability_picture import draw_reliability

    by_follower = {
        follower: believed([r for r in results if r.follower == follower])
        for follower in dict.fromkeys(r.follower for r in results)
    }
    beside = path.with_name(f".{os.getpid()}.part{path.suffix}")
    try:
        draw_reliability(beside, by_follower)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Say in our own words what a system's error is about."""
    try:
        yield
    except OSError as error:
        raise AccompanistError(
            f"{folder}: cannot be written ({error.strerror}); choose another folder with --out"
        ) from error


def _write_tables(folder: Path, result: TakeResult) -> None:
    inner = folder / _file_name(result.take.id)
    inner.mkdir(parents=True, exist_ok=True)
    for name, table in result.tables.items():
        _write(inner / f"{name}.csv", _csv_text(_HEADERS[name], table))


def _file_name(take_id: str) -> str:
    """Make a file name of an id: one level, not hidden, not too long for a file system."""
    plain = "".join(c if c.isalnum() or c in "-_. " else "_" for c in take_id)
    return plain.lstrip(".").encode()[:200].decode(errors="ignore") or "_"


def _csv_text(header: Sequence[str], table: npt.NDArray[np.float64]) -> str:
    rows = [",".join(f"{value:.5f}" for value in row) for row in table.tolist()]
    return "\n".join([",".join(header), *rows, ""])


def _write(path: Path, text: str) -> None:
    """Write beside, then rename."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(text, encoding="utf-8", newline="")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
