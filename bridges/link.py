"""Ableton Link: tempo and phase shared with every program in the local network.

The library is GPL and therefore an extra (``pip install 'accompanist[link]'``). Link knows beats
and no bars of ours: a beat is a quarter, and only the place within a quantum (a bar) is shared.
Every peer may set the tempo at any time; who comes late takes over what there is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any

from accompanist.errors import DeviceError

__all__ = ["FASTEST_QPM", "SLOWEST_QPM", "LinkMode", "LinkReading", "LinkSession"]

SLOWEST_QPM, FASTEST_QPM = 20.0, 999.0
_ENABLE_AFTER_S = 0.5
"""A peer that joins earlier than this may push its own tempo on the session."""
_BETWEEN_CHANGES_S = 0.2
_SAME_TEMPO = 0.003
"""A tempo is left alone that is no more than this share off."""
_WRONG_QUARTER = 0.4
"""Off by more, the session is moved; by less, it is drawn near by tempo."""
_CATCH_UP_QUARTERS = 4.0
_CATCH_UP_SHARE = 0.03
_MICRO = 1e6


class LinkMode(StrEnum):
    """Who leads (OSC ``/acc/link/mode``)."""

    OFF = "off"
    FOLLOW = "follow"
    """The session's tempo is told to us; we never touch it."""
    LEAD = "lead"
    """We set the session's tempo and phase."""


@dataclass(frozen=True, slots=True)
class LinkReading:
    """The session at a moment."""

    time_s: float
    qpm: float
    beat: float
    """Grows without end; its origin is the session's."""
    phase: float
    """Quarters since the last bar line of the session, below the quantum."""
    peers: int
    """Others in the session."""


class LinkSession:
    """Our place in a Link session. Not thread-safe; nothing here waits.

    Parameters
    ----------
    mode : LinkMode or str
    qpm : float
        Tempo to offer if nobody else is there.
    quantum : float
        Quarters in a bar.
    clock : callable
        Monotonic seconds; all times here are in it.

    Raises
    ------
    ValueError
        An unknown mode.

    Notes
    -----
    `open` joins half a second later, with one of the calls then made to `read` or `lead`: these
    are to be made some 25 times a second anyway. No change goes out sooner than 0.2 s after the
    last one.
    """

    def __init__(
        self,
        mode: LinkMode | str = LinkMode.OFF,
        *,
        qpm: float = 120.0,
        quantum: float = 4.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._mode = LinkMode(mode)
        self._qpm = _within(qpm)
        self._quantum = quantum
        self._clock = clock
        self._link: Any = None
        self._opened_s = 0.0
        self._changed_s = float("-inf")
        self._led = False
        self._met = False

    @property
    def mode(self) -> LinkMode:
        return self._mode

    @property
    def joined(self) -> bool:
        """Whether we are in the session (alone, perhaps)."""
        return self._link is not None and bool(self._link.enabled)

    def set_mode(self, mode: LinkMode | str) -> None:
        """Change who leads; ``off`` leaves the session.

        Raises
        ------
        ValueError
            An unknown mode.
        DeviceError
            The library is not installed.
        """
        self._mode, self._led = LinkMode(mode), False
        if self._mode is LinkMode.OFF:
            self.close()
        else:
            self.open()

    def set_quantum(self, quantum: float) -> None:
        """Say how many quarters a bar has from now on."""
        self._quantum = quantum

    def open(self) -> None:
        """Make ready to join, unless the mode is ``off``.

        Raises
        ------
        DeviceError
            The library is not installed.
        """
        if self._link is None and self._mode is not LinkMode.OFF:
            self._link = _library().Link(self._qpm)
            self._opened_s = self._clock()

    def close(self) -> None:
        """Leave the session."""
        if self._link is not None:
            self._link.enabled = False
            self._link = None

    def __enter__(self) -> LinkSession:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def read(self) -> LinkReading | None:
        """Give tempo and phase of the session now; None before we are in it."""
        if not self._join():
            return None
        now_s = self._clock()
        state, at = self._link.captureAppSessionState(), self._micros(now_s)
        return LinkReading(
            time_s=now_s,
            qpm=float(state.tempo()),
            beat=float(state.beatAtTime(at, self._quantum)),
            phase=float(state.phaseAtTime(at, self._quantum)),
            peers=int(self._link.numPeers()),
        )

    def lead(self, time_s: float, quarter: float, qpm: float, *, bar_quarter: float = 0.0) -> bool:
        """Draw the session to us; nothing happens in any mode but ``lead``.

        Parameters
        ----------
        time_s : float
            A moment, at best one soon to come.
        quarter : float
            Where we are then.
        qpm : float
            Our tempo; beyond 20–999 the nearest of them is sent.
        bar_quarter : float
            Any bar line of ours, to be a bar line of the session.

        Returns
        -------
        bool
            Whether the session was changed.
        """
        if self._mode is not LinkMode.LEAD or not self._join():
            return False
        now_s = self._clock()
        if now_s - self._changed_s < _BETWEEN_CHANGES_S:
            return False
        met, before = self._link.numPeers() > 0, self._met
        self._met = met
        if met and not before:  # their beats are ours now, wherever these are
            self._led = False
        state, at = self._link.captureAppSessionState(), self._micros(time_s)
        ours = (quarter - bar_quarter) % self._quantum
        behind = (ours - state.phaseAtTime(at, self._quantum)) % self._quantum
        behind = behind - self._quantum if behind > self._quantum / 2.0 else behind
        moved = not self._led or abs(behind) > _WRONG_QUARTER
        share = 0.0 if moved else behind / _CATCH_UP_QUARTERS
        share = min(max(share, -_CATCH_UP_SHARE), _CATCH_UP_SHARE)
        wanted_qpm = _within(qpm * (1.0 + share))
        if not moved and abs(wanted_qpm / state.tempo() - 1.0) <= _SAME_TEMPO:
            return False
        state.setTempo(wanted_qpm, at)
        if moved:
            state.forceBeatAtTime(ours, at, self._quantum)
        self._link.commitAppSessionState(state)
        self._changed_s, self._led = now_s, True
        return True

    def _join(self) -> bool:
        """Join once it is time; say whether we are in."""
        if self._link is None:
            return False
        if not self._link.enabled:
            if self._clock() - self._opened_s < _ENABLE_AFTER_S:
                return False
            self._link.enabled = True
        return True

    def _micros(self, time_s: float) -> int:
        """Turn one of our moments into Link's clock, which may be another one and drift."""
        ahead_s = time_s - self._clock()
        return int(self._link.clock().micros()) + round(ahead_s * _MICRO)


def _within(qpm: float) -> float:
    return min(max(qpm, SLOWEST_QPM), FASTEST_QPM)


def _library() -> Any:
    try:
        import link
    except ImportError as error:
        raise DeviceError(
            "Ableton Link wants a library that is not installed: "
            "pip install 'accompanist[link]' (it is GPL, therefore not always there)"
        ) from error
    if not hasattr(link, "Link"):
        raise DeviceError(
            "Ableton Link: another package called 'link' is installed; remove it, then "
            "pip install 'accompanist[link]'"
        )
    return link
