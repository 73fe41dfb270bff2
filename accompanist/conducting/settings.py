"""How the ensemble is to behave, as one value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from accompanist.conducting.policy import Policy
from accompanist.score.model import Passage

__all__ = ["ConductorSettings", "CountIn", "FollowMode", "LostPolicy", "Start"]


class FollowMode(StrEnum):
    """Who leads (OSC ``/acc/follow/mode``)."""

    FOLLOW = "follow"
    WAIT = "wait"
    """Practice: never past a solo note that has not been heard."""
    FIXED = "fixed"
    """The ensemble keeps its own tempo and listens to nobody."""
    CONDUCT = "conduct"
    """Every tap, pedal or cue is a beat: the ensemble goes from one to the next and waits there."""


class Start(StrEnum):
    """What sets the ensemble going."""

    SOLOIST = "soloist"
    """The soloist's first note; an introduction before it is left out."""
    COUNTIN = "countin"
    """``start()``: after the count-in the ensemble plays from the first measure."""


class CountIn(StrEnum):
    """When ``start()`` counts in (OSC ``/acc/countin/mode``)."""

    AUTO = "auto"
    """Where the ensemble begins alone."""
    ALWAYS = "always"
    NEVER = "never"


class LostPolicy(StrEnum):
    """What to do when the follower has lost the soloist (OSC ``/acc/follow/lostpolicy``)."""

    CONTINUE = "continue"
    """Go on for ``lost_s``, then wait at the next solo note."""
    HOLD = "hold"
    """Wait at the next solo note."""
    FADE = "fade"
    """Go on and fade out in ``lost_s``, then wait in silence."""


@dataclass(frozen=True, slots=True)
class ConductorSettings:
    """Settings of a `accompanist.conducting.conductor.Conductor`; all lengths in seconds."""

    policy: Policy | str = Policy.AUTO
    mode: FollowMode | str = FollowMode.FOLLOW
    lost_policy: LostPolicy | str = LostPolicy.CONTINUE
    start: Start | str = Start.SOLOIST
    start_at_s: float | None = None
    """Take time at which ``start()`` comes by itself (for takes with a known beginning)."""
    countin_bars: float = 1.0
    latency_out_s: float = 0.0
    """From sending a note to its sound; notes are sent this much earlier."""
    lead_s: float = 0.0
    """So much earlier still, on purpose; negative is later, as far as its ears let it."""
    level: float = 10.0
    """How closely to follow, 0–10; see `accompanist.conducting.ears`."""
    reaction_s: float = 0.0
    """What is said takes effect so much later where it is sent (live: a block of sound, and what is
    sent ahead of time); a note that waits for the soloist waits that much longer."""
    report_delay_s: float = 0.030
    """From a solo onset to its report, at first; then it is measured."""
    longest_wait_s: float = 0.6
    """In ``auto``, no note waits longer than this past its time, unless the soloist dwells."""
    lead_wait_s: float = 0.25
    """The same at the end of a solo rest in which the ensemble plays: there it leads."""
    missed_events: int = 2
    """So many solo events may pass unheard before the ensemble waits …"""
    runaway_s: float = 1.75
    """… or so long past the first of them."""
    dwell_s: float = 0.0
    """So long the follower must report a held note before the ensemble believes it."""
    silence_s: float = 2.0
    """Held up for so long while nothing sounds, the ensemble falls silent (state ``waiting``)."""
    stop_s: float = 8.0
    """The same however the soloist may sound."""
    lost_s: float = 4.0
    """So long it goes on at its tempo when the soloist is lost, then it waits."""
    compress_s: float = 0.5
    """When the soloist is ahead by up to this, the notes between are hurried; beyond, skipped."""
    rewind_s: float = 1.5
    """When the soloist is behind by more than this, the ensemble goes back to them."""
    anti_drag: bool = True
    early_cost: float = 1.0
    late_cost: float = 1.0
    gap_cost: float = 0.02
    """In ``auto``: what being early or late beside the soloist costs, and holding up a line of its
    own under way, each for a square millisecond; see `accompanist.conducting.deadlines`."""
    passages: tuple[Passage, ...] = ()
    """Where it follows more or less closely than that; see `accompanist.conducting.passages`."""
    soloist_late_s: float = 0.0
    """So late the soloist is to be expected: the ensemble plays so much ahead of what it hears."""
    dynamics_depth: float = 0.5
    """How much of the soloist's getting louder and softer the ensemble does, 0–1."""

    def __post_init__(self) -> None:
        for name, kind in (
            ("policy", Policy),
            ("mode", FollowMode),
            ("lost_policy", LostPolicy),
            ("start", Start),
        ):
            object.__setattr__(self, name, kind(getattr(self, name)))
        if not (self.early_cost > 0 and self.late_cost > 0 and self.gap_cost >= 0):
            raise ValueError("early_cost and late_cost must be positive, gap_cost not negative")
        if self.latency_out_s < 0 or self.countin_bars < 0 or self.missed_events < 1:
            raise ValueError("latency, count-in and missed events cannot be negative")
        if not 0.0 <= self.level <= 10.0 or not -0.1 <= self.lead_s <= 0.5:
            raise ValueError("level must be within 0 to 10, lead_s within -0.1 to 0.5")
        object.__setattr__(self, "passages", _passages(self.passages))
        if not 0.0 <= self.dynamics_depth <= 1.0:
            raise ValueError("dynamics_depth must be within 0 to 1")

    @property
    def costs(self) -> tuple[float, float, float]:
        """Of being early, of being late, of a gap."""
        return self.early_cost, self.late_cost, self.gap_cost

    @property
    def ahead_s(self) -> float:
        """From sending a note to the moment that it is meant for."""
        return self.latency_out_s + self.lead_s + self.soloist_late_s


def _passages(given: Iterable[Passage | Mapping[str, Any]]) -> tuple[Passage, ...]:
    """Take passages, or what has become of them in a file; each must make sense."""
    passages = tuple(p if isinstance(p, Passage) else Passage(**p) for p in given)
    modes = (None, FollowMode.FOLLOW, FollowMode.WAIT, FollowMode.FIXED)
    for p in passages:
        if not p.start_quarter < p.end_quarter:
            raise ValueError(f"a passage from {p.start_quarter} to {p.end_quarter} is none")
        if p.mode not in modes or not (p.level is None or 0.0 <= p.level <= 10.0):
            raise ValueError("a passage has a level within 0 to 10, or follow, wait or fixed")
    return passages
