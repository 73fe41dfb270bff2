"""What the ensemble is told: one small value that replaces the one before it."""

from __future__ import annotations

from dataclasses import dataclass

from accompanist.conducting.timeline import Timeline

__all__ = ["Cue"]


@dataclass(frozen=True, slots=True)
class Cue:
    """How the ensemble goes on from ``time_s``.

    Jumps and silences are counted and not told as they happen: whoever reads only every other
    cue still sees that there was one, and where it led.
    """

    time_s: float
    """Take time at which it was said."""
    timeline: Timeline
    """Quarter ↔ take time of *sending* (the latency of the output already taken off)."""
    state: str
    """One of idle, armed, countin, following, holding, waiting, vamping, lost, paused, ended."""
    jumps: int = 0
    """How often the position has jumped since the piece was loaded."""
    plays_from: float = 0.0
    """Where the last jump led: what lies before it is not played."""
    playing: bool = False
    """Whether long notes that lie across that place sound on through the last jump."""
    silences: int = 0
    """How often everything that sounded was to be let go."""
    fade: float = 1.0
    """Share of full loudness, 0–1: less only while the ensemble fades out, the soloist lost."""
    lean_db: float = 0.0
    """So much louder than written, to be with the soloist (`accompanist.conducting.dynamics`)."""
