"""What the desk has others do: leave, read the settings again, keep and export takes, calibrate."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accompanist.app.desk.protocol import DeskError
from accompanist.app.desk.settings import (
    DESK_KEYS,
    INPUT_KEYS,
    LOAD_KEYS,
    OUTPUT_KEYS,
    RECORDING_KEYS,
    config_value,
)
from accompanist.app.machine.latencies import measure_in_child
from accompanist.app.processes.links import KeepTake, PieceLoaded
from accompanist.errors import AccompanistError

if TYPE_CHECKING:
    from accompanist.app.config.settings import Config
    from accompanist.app.control.input import ControlInput
    from accompanist.app.desk.control import ControlDesk
    from accompanist.app.desk.events import DeskEvents
    from accompanist.app.desk.wiring import Wiring

__all__ = ["DaemonHelpers"]

_log = logging.getLogger(__name__)

_NAME = re.compile(r"[\w][\w .()-]{0,99}")
_EXPORT_S = 300.0


class DaemonHelpers:
    """`accompanist.app.desk.control.Helpers` in the daemon's loop.

    Attributes
    ----------
    desk : ControlDesk
        Set once it is there: the two know one another.
    control : ControlInput or None
        The pedals.
    hosts : callable
        Tells where each host stood during the take.
    link : callable or None
        Sets the mode of Ableton Link.
    """

    def __init__(self, leave: Callable[[], None], reread: Callable[[], Config]) -> None:
        self._leave = leave
        self._reread = reread
        self._tasks: set[asyncio.Task[None]] = set()
        self.desk: ControlDesk | None = None
        self.control: ControlInput | None = None
        self.link: Callable[[str], None] | None = None
        self.hosts: Callable[[], dict[str, list[dict[str, float]]]] = dict
        self.on_reload: list[Callable[[], None]] = []

    @property
    def _wiring(self) -> Wiring:
        assert self.desk is not None
        return self.desk.wiring

    async def close(self) -> None:
        """End what still runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def leave(self) -> None:
        """End the daemon."""
        self._leave()

    def arm_when_loaded(self, events: DeskEvents) -> None:
        """Arm once the first piece is loaded and the input is there."""

        def arm(event: PieceLoaded) -> None:
            events.on_loaded.remove(arm)
            self._run(self._arm_soon(), "arm")

        events.on_loaded.append(arm)

    # ---- settings --------------------------------------------------------------------------------

    def reload(self) -> None:
        """Read the settings again; take over what is safe, name what wants a restart."""
        from accompanist.app.config.file import differences

        wiring = self._wiring
        try:
            new = self._reread()
        except AccompanistError as error:
            wiring.store.complain("reload", 422, f"settings left as they are: {error}")
            return
        changed = differences(wiring.config, new)
        for opens, section in (
            (INPUT_KEYS, "input"),
            (OUTPUT_KEYS, "output"),
            (RECORDING_KEYS, "recording"),
        ):
            mine = [key for key in changed if key in opens]
            if mine:
                try:
                    wiring.at_rest(f"{', '.join(mine)} can be changed")
                except DeskError as error:
                    wiring.store.refuse("reload", error)
                    kept = getattr(wiring.config, section)
                    new = new.model_copy(update={section: kept})
        changed = differences(wiring.config, new)
        wiring.config = new
        self._take_over(changed, new)

    def _take_over(self, changed: tuple[str, ...], new: Config) -> None:
        wiring = self._wiring
        assert self.desk is not None
        later = []
        for key in changed:
            if key in DESK_KEYS:
                address, change = DESK_KEYS[key]
                value = config_value(new, key)
                try:
                    self.desk.set(address, (change(value),))
                except DeskError as error:
                    wiring.store.refuse(address, error)
                if value is None:
                    wiring.latency_set(address, by_hand=False)
            elif key not in INPUT_KEYS | OUTPUT_KEYS | RECORDING_KEYS | LOAD_KEYS:
                later.append(key)
        if INPUT_KEYS & set(changed):
            wiring.open_input()
        if (OUTPUT_KEYS | RECORDING_KEYS | {"input.bleed"}) & set(changed):
            wiring.open_outputs()
        taken = len(changed) - len(later)
        _log.info("settings read again: %d changed, %d taken over", len(changed), taken)
        if later:
            text = f"{', '.join(later)}: counts from the next start of the daemon on"
            wiring.store.complain("reload", 409, text)

    # ---- takes -----------------------------------------------------------------------------------

    def keep_take(self, name: str) -> None:
        """Have what has been played kept as a take folder.

        Raises
        ------
        DeskError
            Nothing has been loaded, or the name cannot be one.
        """
        loaded = self._wiring.facts.loaded
        if loaded is None:
            raise DeskError(409, "there is no take: no piece is loaded")
        if name and not _NAME.fullmatch(name):
            raise DeskError(422, f"{name!r} cannot be the name of a take: letters, digits, .-_()")
        folder = self._wiring.config.takes.folder
        out = folder / (name or f"{loaded.piece_id}-{datetime.now():%Y%m%d-%H%M%S}")
        if out.exists():
            raise DeskError(409, f"{out}: is there already; choose another name")
        font = self._wiring.config.output.soundfont
        wiring = self._wiring
        recorded = wiring.recording
        levels, changes = recorded.levels(), recorded.changes()
        wiring.engine.send(
            KeepTake(
                out,
                font,
                hosts=self.hosts(),
                desk=levels,
                changes=changes,
                stretcher=recorded.stretcher,
                rehearse=wiring.config.follow.rehearse and loaded.recording is None,
            )
        )

    def export_take(self, wanted: str, folder: str) -> None:
        """Write the take that was kept last in a DAW's format.

        Raises
        ------
        DeskError
            409: none has been kept.
        """
        take = self._wiring.facts.last_take
        if not take:
            raise DeskError(409, "no take has been kept yet; take/save keeps one")
        self._run(self._export(take, wanted, folder), "take/export")

    async def _export(self, take: str, wanted: str, folder: str) -> None:
        command = [sys.executable, "-m", "accompanist", "export", take, "--format", wanted]
        if folder:
            command += ["--out", str(_made(Path(folder)))]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, errors = await asyncio.wait_for(process.communicate(), _EXPORT_S)
        except BaseException:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            lines = errors.decode("utf-8", "replace").strip().splitlines()
            reason = lines[-1].removeprefix("accompanist: ") if lines else "it failed"
            raise DeskError(409, reason)
        _log.info("exported: %s", " ".join(out.decode("utf-8", "replace").split()))

    # ---- the rest --------------------------------------------------------------------------------

    def calibrate(self) -> None:
        """Measure the round trip, and use it."""
        self._run(self._calibrate(), "latency/calibrate")

    async def _calibrate(self) -> None:
        wiring = self._wiring
        trip = await measure_in_child(wiring.store.word("input/device") or None)
        for key, latency_s in (("latency/in", trip.in_s), ("latency/out", trip.out_s)):
            wiring.latency_set(key, by_hand=False)
            wiring.latency_found(key, latency_s)
        _log.info("round trip %.1f ms", 1000.0 * trip.round_trip_s)

    def set_link(self, mode: str) -> None:
        """Ableton Link: off, follow or lead.

        Raises
        ------
        DeskError
            503: there is no Link on this machine.
        """
        if self.link is not None:
            self.link(mode)
        elif mode != "off":
            raise DeskError(503, "there is no Ableton Link here")

    def learn(self, action: str) -> None:
        """Bind the next pedal or key to an action.

        Raises
        ------
        DeskError
            There is no control input, or no such action.
        """
        if self.control is None:
            raise DeskError(409, "the control input is switched off: control.enable = true")
        try:
            self.control.learn(action)
        except ValueError as error:
            raise DeskError(422, str(error)) from error

    def forget(self) -> None:
        """Bind the pedals as they were made."""
        if self.control is not None:
            self.control.forget()

    def _run(self, work: Coroutine[Any, Any, None], key: str) -> None:
        task = asyncio.get_running_loop().create_task(self._guarded(work, key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None], key: str) -> None:
        try:
            await work
        except DeskError as error:
            self._wiring.store.refuse(key, error)
        except AccompanistError as error:
            self._wiring.store.complain(key, 503, str(error))
        except TimeoutError:
            self._wiring.store.complain(key, 503, f"{key} took too long and was given up")
        except Exception:
            _log.exception("%s failed", key)

    async def _arm_soon(self) -> None:
        """Arm as soon as the input is there, too."""
        assert self.desk is not None
        while self._wiring.facts.input is None:
            await asyncio.sleep(0.1)
        self.desk.do("arm", ())


def _made(folder: Path) -> Path:
    """Make a folder, if it is not there: what is exported gets a name of its own in it."""
    try:
        folder = folder.expanduser()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DeskError(422, f"{folder}: cannot be written to ({reason})") from error
    return folder
