"""From the settings to the desk and to the processes, one table for start and re-reading."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from accompanist.app.desk.protocol import Value, Values
from accompanist.app.desk.store import Store
from accompanist.app.osc.table import TABLE, Kind
from accompanist.app.passages import PassageWords
from accompanist.app.processes.links import EngineSettings, InputSettings, OutputSettings, SetClock
from accompanist.app.processes.recording_links import RECORDING_PORTS, RecordingOutput

if TYPE_CHECKING:
    from accompanist.app.config.settings import Config

__all__ = [
    "DESK_KEYS",
    "INPUT_KEYS",
    "LOAD_KEYS",
    "OUTPUT_KEYS",
    "RECORDING_KEYS",
    "clock_of",
    "config_value",
    "engine_settings_of",
    "first_values",
    "input_of",
    "outputs_of",
    "recording_output_of",
]

_Change: TypeAlias = Callable[[Any], Value]


def _same(value: Any) -> Value:
    assert isinstance(value, int | float | str)
    return value


def _switch(value: Any) -> Value:
    return int(bool(value))


def _number(value: Any) -> Value:
    return float(value or 0.0)


def _text(value: Any) -> Value:
    return str(value or "")


DESK_KEYS: dict[str, tuple[str, _Change]] = {
    "follow.mode": ("follow/mode", _same),
    "follow.level": ("follow/level", _number),
    "follow.dynamics": ("follow/dynamics", _number),
    "follow.lost_policy": ("follow/lostpolicy", _same),
    "follow.min_qpm": ("tempo/min", _number),
    "follow.max_qpm": ("tempo/max", _number),
    "countin.bars": ("countin/bars", _same),
    "countin.click": ("countin/click", _switch),
    "countin.mode": ("countin/mode", _same),
    "tuning.a4": ("tuning/a4", _number),
    "tuning.transpose": ("tuning/transpose", _same),
    "tuning.auto": ("tuning/auto", _switch),
    "input.gain_db": ("input/gain", _number),
    "input.gate_db": ("input/gate", _number),
    "input.device": ("input/device", _text),
    "input.latency_ms": ("latency/in", _number),
    "output.latency_ms": ("latency/out", _number),
    "output.lead_ms": ("latency/lead", _number),
    "clock.enabled": ("clock/enable", _switch),
    "clock.continuous": ("clock/continuous", _switch),
    "clock.offset_ms": ("clock/offset", _number),
    "clock.mtc": ("mtc/enable", _switch),
    "clock.link": ("link/mode", _same),
    "recording.solo_level": ("recording/solo", _number),
    "recording.gain_db": ("recording/gain", _number),
}
"""Setting → address of the desk; whatever stands here can change while the daemon runs."""

INPUT_KEYS = frozenset({"input.bleed", "input.channel", "input.midi_in", "input.from_file"})
"""Settings that open the input anew."""
OUTPUT_KEYS = frozenset(
    {
        "output.to",
        "output.backend",
        "output.port",
        "output.port_per_part",
        "output.soundfont",
        "output.driver",
        "output.connect",
    }
)
"""Settings that open the outputs anew."""
RECORDING_KEYS = frozenset({"recording.driver", "recording.device", "recording.connect"})
"""Settings that open the output of a recording anew."""
LOAD_KEYS = frozenset(
    {
        "follow.policy",
        "follow.follower",
        "follow.rehearse",
        "passages",
        "piece.solo",
        "piece.load",
        "piece.arm",
        "recording.stretcher",
        "takes.folder",
    }
)
"""Settings that count from the next piece or take on."""


def config_value(config: Config, key: str) -> Any:
    """Look up ``section.key``."""
    value: Any = config
    for name in key.split("."):
        value = getattr(value, name)
    return value


def first_values(config: Config) -> dict[str, Values]:
    """Give every address of the table its value at the start."""
    values = {
        entry.path: entry.default
        for entry in TABLE
        if entry.kind in (Kind.STATE, Kind.READING) and not entry.per_part
    }
    for key, (address, change) in DESK_KEYS.items():
        values[address] = (change(config_value(config, key)),)
    values["position/page"] = values["position/bar"] = (1,)
    values["position/beat"] = (1.0,)
    values["position"] = (1, 0.0, 1.0)
    values["input/level"] = (-120.0,)
    return values


def input_of(config: Config, store: Store) -> InputSettings:
    """Where to listen, as the settings and the desk have it."""
    latency_ms = config.input.latency_ms
    return InputSettings(
        device=store.word("input/device") or None,
        channel=config.input.channel,
        midi_in=config.input.midi_in,
        gain_db=store.number("input/gain"),
        gate_db=store.number("input/gate"),
        from_file=config.input.from_file,
        latency_s=None if latency_ms is None else latency_ms / 1000.0,
    )


def outputs_of(config: Config, store: Store) -> OutputSettings:
    """Where to play, as the settings and the desk have it."""
    return OutputSettings(
        midi="midi" in config.output.to,
        synth="synth" in config.output.to,
        backend=config.output.backend,
        port=config.output.port,
        port_per_part=config.output.port_per_part,
        clock=store.on("clock/enable") or store.on("mtc/enable"),
        client_name=config.output.client_name,
        soundfont=config.output.soundfont,
        driver=config.output.driver,
        tapped=config.input.bleed == "sound",
        connect=config.output.connect,
    )


def recording_output_of(config: Config) -> RecordingOutput:
    """Where a recording sounds, as the settings have it."""
    inputs = config.recording.connect
    return RecordingOutput(
        driver=None if config.recording.driver == "auto" else config.recording.driver,
        device=config.recording.device,
        client_name=f"{config.output.client_name} recording",
        connect=tuple(zip(RECORDING_PORTS, inputs, strict=False)) if inputs else None,
    )


def clock_of(store: Store) -> SetClock:
    """How clock and MTC are sent."""
    return SetClock(
        enabled=store.on("clock/enable"),
        continuous=store.on("clock/continuous"),
        offset_s=store.number("clock/offset") / 1000.0,
        mtc=store.on("mtc/enable"),
    )


def engine_settings_of(config: Config, store: Store, latency_s: float) -> EngineSettings:
    """How a piece that is loaded now is to be followed, with the delay all in all."""
    a4_hz = store.number("tuning/a4")
    return EngineSettings(
        follower=config.follow.follower,
        policy=config.follow.policy,
        solo=config.piece.solo,
        countin_bars=None,
        latency_out_s=latency_s,
        a4_hz=None if math.isclose(a4_hz, 440.0) else a4_hz,
        transpose=int(store.number("tuning/transpose")),
        bleed=config.input.bleed != "off",
        rehearse=config.follow.rehearse,
        passages=tuple(
            PassageWords(p.from_bar, p.to_bar, p.level, p.mode, p.piece) for p in config.passages
        ),
    )
