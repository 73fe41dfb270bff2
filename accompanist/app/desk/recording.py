"""The recording that plays: how loud it and its own soloist are, and the process that plays it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from accompanist.app.desk.store import Sender, Store
from accompanist.app.processes.links import PieceLoaded
from accompanist.app.processes.recording_links import LoadRecording, MixRecording
from accompanist.app.recording_player.link import Unload

__all__ = ["GAIN", "SOLO", "RecordingDesk"]

SOLO, GAIN = "recording/solo", "recording/gain"
_MOST_CHANGES = 5_000
"""A fader that is moved sends twenty a second."""


class RecordingDesk:
    """Keeps ``recording/…`` and tells the process. Not thread-safe.

    Parameters
    ----------
    store : Store
    player : Sender
        The process that plays recordings.
    solo_set : bool
        Whether the settings say how much of the soloist is heard; else it is none of them where
        there is a recording without them, and all where there is not.
    wanted_stretcher : callable
        Gives how a recording is to be made faster and slower, as the settings have it.
    now : callable
        Monotonic seconds.

    Attributes
    ----------
    stretcher : str or None
        That of the recording which was loaded last; None is the usual one.
    """

    def __init__(
        self,
        store: Store,
        player: Sender,
        *,
        solo_set: bool,
        wanted_stretcher: Callable[[], str | None] = lambda: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._player = player
        self._solo_set = solo_set
        self._wanted_stretcher = wanted_stretcher
        self.stretcher: str | None = None
        self._part_db = self._pan = 0.0
        self._mute = self._sounds = False
        self._piece = ""
        self._now = now
        self._changes: deque[tuple[float, str, float]] = deque(maxlen=_MOST_CHANGES)

    def load(self, loaded: PieceLoaded) -> None:
        """Begin with another piece, a recording or not."""
        fresh, self._piece = loaded.piece_id != self._piece, loaded.piece_id
        source = loaded.recording
        self._sounds = source is not None
        if source is None:
            self._player.send(Unload())
            return
        if fresh and not self._solo_set:
            self._store.update(SOLO, 1.0 if source.accompaniment is None else 0.0)
        self.send_all()
        self.stretcher = self._wanted_stretcher()
        self._player.send(LoadRecording(source, loaded.score, self.stretcher))

    def unload(self) -> None:
        """Be without a piece."""
        self._piece, self._sounds = "", False
        self._player.send(Unload())

    def send_all(self) -> None:
        """Tell the process what is set."""
        self._mix("solo", self._store.number(SOLO))
        self._send_gain()

    def keep_solo(self) -> None:
        """Leave the soloist as a human has set it, whatever is loaded."""
        self._solo_set = True
        self.send_all()

    def strip(self, *, mute: bool, gain_db: float, pan: float) -> None:
        """Take what the part of the recording is set to at the mixing desk."""
        self._part_db, self._pan, self._mute = gain_db, pan, mute
        self._mix("mute", float(mute))
        self._mix("pan", pan)
        self._send_gain()

    def levels(self) -> dict[str, float]:
        """Give what the recording is set to, for the sound of a take; nothing without one."""
        if not self._sounds:
            return {}
        return {
            "solo": self._store.number(SOLO),
            "gain": self._store.number(GAIN) + self._part_db,
            "pan": self._pan,
            "mute": float(self._mute),
        }

    def changes(self) -> tuple[tuple[float, str, float], ...]:
        """Give what was set and when, monotonic seconds, since the piece was loaded."""
        return tuple(self._changes) if self._sounds else ()

    def _mix(self, control: str, value: float) -> None:
        self._player.send(MixRecording(control, value))
        self._changes.append((self._now(), control, value))

    def _send_gain(self) -> None:
        self._mix("gain", self._store.number(GAIN) + self._part_db)
