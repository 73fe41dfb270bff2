"""What the desk knows of the processes behind it, and how it tells that in one piece."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from accompanist.app.desk.store import Store
from accompanist.app.processes.links import (
    InputOpened,
    LoadPiece,
    OutputInfo,
    OutputsOpened,
    PieceLoaded,
)

__all__ = ["Facts", "status"]


@dataclass(slots=True)
class Facts:
    """What is known besides what has an address."""

    input: InputOpened | None = None
    input_fault: str = ""
    outputs: OutputsOpened | None = None
    recording_output: OutputInfo | None = None
    """Where a recording sounds."""
    loaded: PieceLoaded | None = None
    request: LoadPiece | None = None
    """The piece that was asked for last …"""
    loaded_request: LoadPiece | None = None
    """… and the one that has been loaded."""
    loading: bool = False
    engine_gone: str = ""
    """Why there is no engine at the moment."""
    last_take: str = ""
    more: dict[str, Any] = field(default_factory=dict)
    """Figures of the last look: xruns, compute, memory."""


def status(facts: Facts, store: Store) -> dict[str, Any]:
    """Give everything that a human or a script wants to know at a glance."""
    outputs, loaded = facts.outputs, facts.loaded
    return {
        "state": store.word("state"),
        "piece": None if loaded is None else loaded.piece_id,
        "title": None if loaded is None else loaded.title,
        "bar": store["position/bar"][0],
        "beat": store["position/beat"][0],
        "quarter": store["position/quarter"][0],
        "qpm": store["tempo/now"][0],
        "confidence": store["follow/confidence"][0],
        "input": None if facts.input is None else facts.input.name,
        "input_fault": facts.input_fault,
        "level_db": store["input/level"][0],
        "outputs": [] if outputs is None else [o.name for o in outputs.outputs],
        "recording_output": (
            None if facts.recording_output is None else facts.recording_output.name
        ),
        "realtime": outputs is not None and outputs.realtime,
        "why_not_realtime": "" if outputs is None else outputs.why_not,
        "latency_ms": {name: store[f"latency/{name}"][0] for name in ("in", "out", "lead")},
        "last_take": facts.last_take,
        **facts.more,
    }
