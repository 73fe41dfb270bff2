"""Pedals at the desk: the port `accompanist control`, what was learned, and what is done.

It runs in the daemon's loop and is polled there; nothing here waits.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_state_path

from accompanist.app.control.pedals import DEFAULTS, Binding, Pedals, Wish, binding_of
from accompanist.app.desk.protocol import Desk, DeskError
from accompanist.errors import DeviceError

if TYPE_CHECKING:
    from bridges.midi_control import MessageSource

__all__ = ["ControlInput", "ControlSettings", "bindings_file"]

_log = logging.getLogger(__name__)

POLL_S = 0.005
AGAIN_S = 2.0


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """The section ``[control]`` of the settings."""

    enable: bool = True
    input: str = ""
    """An existing MIDI input that is listened to besides our own port."""
    backend: str = "auto"
    """As in `open_control`; ``port`` with an ``input`` opens no port of our own."""
    hold_s: float = 0.6
    debounce_s: float = 0.03
    threshold: int = 64


def bindings_file() -> Path:
    """Where what was learned is kept."""
    return user_state_path("accompanist", appauthor=False) / "control.json"


def _open_source(backend: str, wanted: str) -> MessageSource:
    from bridges.midi_control import open_control

    return open_control(backend, wanted)


class ControlInput:
    """The control port and the pedals on it. Everything is called from one thread.

    Parameters
    ----------
    desk : Desk
        Where the wishes go.
    settings : ControlSettings
        Which ports, and how the pedals are taken.
    problem : callable
        Told ``(code, text)``: a port that is not there, a wish that was refused, each once.
    open_source : callable, optional
        ``open_source(backend, wanted)`` opens a port or raises `DeviceError`.
    now : callable, optional
        Monotonic seconds.
    path : Path, optional
        Where what is learned is kept.
    """

    def __init__(
        self,
        desk: Desk,
        settings: ControlSettings,
        *,
        problem: Callable[[int, str], None],
        open_source: Callable[[str, str], MessageSource] = _open_source,
        now: Callable[[], float] = time.monotonic,
        path: Path | None = None,
    ) -> None:
        self._desk, self._settings, self._problem = desk, settings, problem
        self._open_source, self._now = open_source, now
        self._path = path
        self._pedals = Pedals(
            hold_s=settings.hold_s,
            debounce_s=settings.debounce_s,
            threshold=settings.threshold,
        )
        own = () if settings.backend == "port" and settings.input else ("",)
        self._wanted = (*own, settings.input) if settings.input else own
        self._sources: dict[str, MessageSource] = {}
        self._complained: set[str] = set()
        self._again_s = float("inf")
        self._lost = False
        self._learned_before: tuple[Binding, ...] = ()

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """Which message means what."""
        return self._pedals.bindings

    @property
    def learning(self) -> str:
        """Name of the action that is being learned; empty if none."""
        return self._pedals.learning

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the ports that are open."""
        return tuple(source.name for source in self._sources.values())

    def open(self) -> None:
        """Open the ports and read what was learned; what fails is told and tried again."""
        self._pedals.bind(self._kept())
        self._learned_before = self._pedals.bindings
        if self._settings.enable:
            self._open_missing()

    def poll(self) -> None:
        """Do what the pedals ask for; to be called every few milliseconds."""
        now_s = self._now()
        wishes: list[Wish] = []
        for wanted, source in list(self._sources.items()):
            for message in source.take():
                wishes += self._pedals.heard(message, now_s)
            if not source.alive:
                self._lose(wanted)
                wishes += self._pedals.release()
        wishes += self._pedals.due(now_s)
        for wish in wishes:
            self._grant(wish)
        if self._pedals.bindings != self._learned_before:
            self._learned_before = self._pedals.bindings
            self._keep()
        if now_s >= self._again_s:
            self._open_missing()

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            self.poll()
            await asyncio.sleep(POLL_S if self._sources else 10 * POLL_S)

    def learn(self, action: str) -> None:
        """Bind the next pedal, note or program to an action, and keep it; empty gives up.

        Raises
        ------
        ValueError
            There is no such action; the message names those that there are.
        """
        self._pedals.learn(action)

    def forget(self) -> None:
        """Go back to the pedals as they were before anything was learned."""
        self._pedals.learn("")
        for wish in self._pedals.bind(DEFAULTS):
            self._grant(wish)
        self._learned_before = self._pedals.bindings
        with suppress(OSError):
            (self._path or bindings_file()).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the ports; closing twice does no harm."""
        self._again_s = float("inf")
        while self._sources:
            self._sources.popitem()[1].close()

    def _open_missing(self) -> None:
        self._again_s = float("inf")
        for wanted in self._wanted:
            if wanted in self._sources:
                continue
            backend = (
                "auto" if wanted or self._settings.backend == "port" else (self._settings.backend)
            )
            try:
                self._sources[wanted] = self._open_source(backend, wanted)
            except DeviceError as error:
                self._complain(wanted, 503, str(error))
                self._again_s = self._now() + AGAIN_S
            else:
                self._complained.discard(wanted)
                _log.info("control: %s is open", self._sources[wanted].name)

    def _lose(self, wanted: str) -> None:
        source = self._sources.pop(wanted)
        source.close()
        self._complain(wanted, 503, f"{source.name}: gone; it is opened again when it is back")
        self._again_s = self._now() + AGAIN_S

    def _complain(self, about: str, code: int, text: str) -> None:
        """Tell a trouble once, not every two seconds."""
        if about not in self._complained:
            self._complained.add(about)
            self._problem(code, text)

    def _grant(self, wish: Wish) -> None:
        try:
            if wish.toggles:
                now = self._desk.get(wish.key)
                self._desk.set(wish.key, (0 if now and now[0] else 1,))
            else:
                self._desk.do(wish.key, wish.values)
        except DeskError as error:
            self._problem(error.code, f"pedal: {wish.key}: {error}")

    def _kept(self) -> tuple[Binding, ...]:
        """Read what was learned; a file that is none of ours counts for nothing."""
        try:
            kept = json.loads((self._path or bindings_file()).read_text("utf-8"))
        except (OSError, ValueError):
            return DEFAULTS
        rows = kept.get("bindings") if isinstance(kept, dict) else None
        if not isinstance(rows, list):
            return DEFAULTS
        found = tuple(binding for row in rows if (binding := binding_of(row)) is not None)
        return found or DEFAULTS

    def _keep(self) -> None:
        path = self._path or bindings_file()
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps({"bindings": self._pedals.as_rows()}, indent=2), "utf-8")
            fresh.replace(path)
        except OSError as error:
            self._problem(503, f"{path}: what was learned cannot be kept ({error.strerror})")
