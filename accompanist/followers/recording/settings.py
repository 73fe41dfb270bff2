"""Constants of the follower of recordings, all of them rates a second or lengths."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RecordingSettings"]


@dataclass(frozen=True, slots=True)
class RecordingSettings:
    """Constants of the filter; rates are a second, so they do not depend on the hop.

    Chosen on pairs of recordings; see the benchmark's results.
    """

    tempi_per_octave: int = 12
    widest_octave: float = 1.35
    tempo_spread_octave: float = 0.4
    """Standard deviation of the first tempo about the recording's own."""
    mixing_per_s: float = 0.5
    """What goes over to each neighbouring tempo."""
    enter_hold_per_s: float = 0.1
    leave_hold_per_s: float = 35.0
    """Where somebody plays; a player who is late has not slowed down."""
    silent_enter_per_s: float = 0.5
    silent_leave_per_s: float = 2.0
    leave_wait_per_s: float = 10.0
    wait_likely_per_s: float = -7.5
    """Log-likelihood of a sound for somebody who has not begun; 0 is that of any place whatever."""
    spectrum_per_s: float = 32.0
    """Weight of the spectrum. Small, because what does not fit (accompaniment, timbre) does not
    fit for a whole note on end."""
    most_share: float = 4.0
    """A band of the recording that is this many times as strong as all on the average is there;
    stronger makes no better match. Else places would win where the accompaniment is soft."""
    rise_per_s: float = 150.0
    """Weight of strokes."""
    stroke_penalty: float = 0.5
    """Of strokes in the recording that the soloist did not play …"""
    stroke_mask: float = 0.75
    """… this share of it only where the soloist sounds: others are the accompaniment's."""
    centred: float = 0.5
    """What the soloist shows all the time counts this much less."""
    centred_memory_s: float = 20.0
    floor_per_s: float = 2000.0
    """No place is less likely than the best by more than this."""
    spread_every_s: float = 0.1
    spread_share: float = 1e-4
    spread_s: float = 4.0
    """In silence a little belief spreads about the position: the next phrase may begin near."""
    usual_tempo_memory_s: float = 1.0
    prune: float = 1e-10
    widest_s: float = 16.0
    """Seconds of the recording that the belief may span."""
    quantile: float = 0.7
    wide: tuple[float, float] = (0.3, 0.7)
    wide_lead: float = 0.7
    wide_from_s: float = 0.05
    wide_most_s: float = 0.08
    """Before the next stroke is heard all belief lies before it, and the wider it is the further
    back: so much of the width between two quantiles is made up for, from a width and up to one."""
    delay_s: float = 0.045
    """Delay of the comparison, to which comes the bank's own; it is the same on both sides and
    cancels where the tempi agree."""
    lead_s: float = -0.01
    """A stroke in the recording fits for a moment after it: the belief is this much ahead."""
    start_s: float = 1.0
    """The soloist begins within this of the recording's first sound …"""
    start_share: float = 0.9
    start_near_s: float = 0.06
    """… or, so likely, with it, within so much."""
    locate_s: float = 0.25
    """… or, told to be somewhere, within this of there."""
