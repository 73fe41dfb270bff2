"""Start, stop, pause, locate: what a transport does."""

from __future__ import annotations

from math import isfinite

from accompanist.conducting.settings import CountIn, FollowMode, Start
from accompanist.conducting.stage import COUNTED_SD, COUNTED_SD_S, Stage

__all__ = ["Transport"]

_OPEN = float("inf")


class Transport:
    """Carries out the commands of a transport, between taking in a hop and answering it.

    Attributes
    ----------
    countin : CountIn
        When `start` counts in.
    awaits_soloist : bool
        Once armed, the soloist's first note begins.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        start = stage.settings.start
        self.countin = CountIn.ALWAYS if start == Start.COUNTIN else CountIn.NEVER
        self.awaits_soloist = start == Start.SOLOIST
        self._paused_in = "playing"

    def start(self) -> None:
        """Begin here, after the count-in; from the top once the piece has ended."""
        stage = self._stage
        if stage.phase == "ended":
            stage.stand(0.0)
        if stage.phase in ("armed", "idle", "paused", "ended"):
            self._begin(self._bars_to_count())

    def stop(self) -> None:
        """Fall silent here."""
        self._stage.leave(self._stage.place, "idle")

    def pause(self) -> None:
        """Fall silent here until `resume`."""
        stage = self._stage
        if stage.phase in ("armed", "countin", "playing"):
            self._paused_in = stage.phase
            stage.leave(stage.place, "paused")

    def resume(self) -> None:
        """Go on as it was before the pause."""
        stage = self._stage
        if stage.phase != "paused":
            return
        at = stage.start_quarter
        if self._paused_in == "armed":
            awaited = self.awaits_soloist
            self._wait(at, anywhere=not stage.placed)
            self.awaits_soloist = awaited
        elif stage.conducted:
            stage.begin_at(at)
            stage.phase = "playing"
            stage.stick.stand(at, stage.stick.ratio)
        else:
            stage.follower_at = at
            self._begin(self._bars_to_count() if self._paused_in == "countin" else 0.0)

    def arm(self) -> None:
        """Wait here for the soloist's next note; at the top once the piece has ended.

        While nobody has said where to begin, they may begin anywhere.
        """
        stage = self._stage
        if stage.phase == "ended":
            stage.placed = False
        self._wait(0.0 if stage.phase == "ended" else stage.place, anywhere=not stage.placed)

    def locate(self, quarter: float) -> None:
        """Wait there for the soloist's next note; who hears nobody and plays plays on there."""
        if isfinite(quarter):
            self._stage.placed = True
            self._wait(quarter)

    def _wait(self, quarter: float, *, anywhere: bool = False) -> None:
        stage = self._stage
        plays_on = stage.phase == "playing" and stage.ears.mode is FollowMode.FIXED
        stage.leave(min(max(quarter, 0.0), stage.end_quarter), "armed")
        self.awaits_soloist = True
        stage.follower_at, stage.anywhere = stage.start_quarter, anywhere
        stage.jumped = True
        if plays_on:
            self._begin(0.0)

    def _begin(self, bars: float) -> None:
        stage, at = self._stage, self._stage.start_quarter
        if stage.conducted:
            stage.take_stick(at, stage.now_s)
            return
        soloist = stage.soloist
        ratio = soloist.model.ratio
        entry = stage.beginnings.entry(at, bars, stage.sound_s, ratio)
        soloist.model.set_ratio(ratio, COUNTED_SD)
        soloist.model.begin(entry.quarter, entry.time_s, COUNTED_SD_S)
        before = stage.grid.event_from(entry.quarter) - 1
        soloist.place(before, stage.sound_s, counted=True)
        stage.begin_at(entry.quarter, entry.lead_quarter)
        stage.phase = "countin" if entry.lead_quarter else "playing"
        stage.entry = entry
        stage.settle(anew=True, moving=True)

    def _bars_to_count(self) -> float:
        stage = self._stage
        if self.countin is CountIn.NEVER:
            return 0.0
        at, grid = stage.start_quarter, stage.grid
        event = grid.event_from(at)
        entry = grid.release_quarter[event] if event < len(grid) else _OPEN
        if self.countin is CountIn.AUTO and not grid.notes_between(at, entry):
            return 0.0
        return stage.settings.countin_bars
