"""What the conductor says at every hop."""

from __future__ import annotations

from dataclasses import dataclass

from accompanist.conducting.timeline import Timeline

__all__ = ["Direction"]


@dataclass(frozen=True, slots=True)
class Direction:
    """What the ensemble is to do from this hop on."""

    timeline: Timeline
    """Quarter ↔ time of *sending* (the latency of the output already taken off)."""
    state: str
    """One of idle, armed, countin, following, holding, waiting, vamping, lost, paused, ended."""
    jumped: bool
    """The ensemble's position has jumped to ``quarter``: what lies between is not played."""
    quarter: float
    """The ensemble's position now; it goes back only when ``jumped``."""
    plays_from: float
    """Nothing before this position is to sound: ``quarter``, but while it counts in (and so comes
    from before the place where it begins) that place."""
    follower_at: float | None = None
    """Where the follower is to look for the soloist, when a human (or a loop) has moved them."""
    follower_anywhere: bool = False
    """With ``follower_at``: nobody has said where, and the soloist may begin anywhere."""
    fade: float = 1.0
    """Share of full loudness, 0–1: less than 1 only while it fades out, the soloist being lost."""
    lean_db: float = 0.0
    """So much louder than its own marks say the ensemble plays, to be with the soloist."""
