"""What a human may say to the conductor, and what may be asked of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import isfinite

from accompanist.conducting.hand import Hand
from accompanist.conducting.rounds import Rounds
from accompanist.conducting.settings import ConductorSettings, CountIn, FollowMode, LostPolicy
from accompanist.conducting.stage import Stage
from accompanist.conducting.tempo_hand import TempoHand
from accompanist.conducting.transport import Transport
from accompanist.score.model import Passage

__all__ = ["Commands"]

_LOWEST_QPM, _HIGHEST_QPM = 5.0, 1000.0
_LEAST_SCALE, _LARGEST_SCALE = 0.1, 10.0
_MOST_NUDGE = 0.5
_MOST_LATENCY_S = 5.0


class Commands:
    """The human hand: every command takes effect with the next hop.

    A number that cannot be meant raises `ValueError` at once; a command that has no sense at the
    moment (`resume` without a pause) does nothing. What is asked for is what holds at the last
    hop.
    """

    def __init__(
        self, stage: Stage, transport: Transport, rounds: Rounds, tempo: TempoHand, hand: Hand
    ) -> None:
        self._stage = stage
        self._transport = transport
        self._rounds = rounds
        self._tempo = tempo
        self._hand = hand
        self._queue: deque[Callable[[], None]] = deque()

    # ---- transport ------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin now without waiting for the soloist, with a count-in as `countin` has it.

        From where the ensemble stands; from the top once the piece has ended. In ``conduct`` this
        is the first beat.
        """
        self._queue.append(self._transport.start)

    def stop(self) -> None:
        """Stop; `start`, `arm` or `locate` go on from here."""
        self._queue.append(self._transport.stop)

    def pause(self) -> None:
        """Fall silent and keep the place (state ``paused``); nobody is listened to."""
        self._queue.append(self._transport.pause)

    def resume(self) -> None:
        """Go on after `pause`: at once, from the very place, in the tempo it had.

        A count-in that was broken off is counted again, and who was waiting for the soloist waits
        again. (To wait for the soloist's next note instead: `arm`.)
        """
        self._queue.append(self._transport.resume)

    def arm(self) -> None:
        """Wait for the soloist's next note where the ensemble stands; at the top after the end.

        Where nobody has said where (`locate`) and nothing has been played, or the piece has ended
        since, the soloist may begin anywhere.
        """
        self._queue.append(self._transport.arm)

    def locate(self, quarter: float) -> None:
        """Go to ``quarter`` and wait for the soloist there. Behind a loop, that ends."""
        self._queue.append(partial(self._transport.locate, quarter))
        self._queue.append(partial(self._rounds.left_for, quarter))

    def loop(self, first_quarter: float | None, last_quarter: float | None = None) -> None:
        """Go back to the first position whenever the last is reached; ``None`` ends it.

        Where the soloist has no note in between it is a vamp: the ensemble goes round in its own
        tempo (state ``vamping``) until the soloist comes in or `vamp_exit`.
        """
        self._go_round(first_quarter, last_quarter, vamp=False)

    def vamp(self, first_quarter: float, last_quarter: float) -> None:
        """Go round in its own tempo, whatever the soloist does, until `vamp_exit`."""
        self._go_round(first_quarter, last_quarter, vamp=True)

    def vamp_exit(self) -> None:
        """Play on behind the end of the vamp (or loop) when this round is over."""
        self._queue.append(self._rounds.end)

    def countin(self, bars: float | None = None, mode: CountIn | str | None = None) -> None:
        """Say how many bars `start` counts, and when; None leaves it as it is."""
        if bars is not None and not 0.0 <= bars <= 64.0:
            raise ValueError(f"a count-in of {bars} bars cannot be counted")
        self._queue.append(partial(self._do_countin, bars, None if mode is None else CountIn(mode)))

    # ---- the hand -------------------------------------------------------------------------------

    def cue(self) -> None:
        """Go on: the soloist is at the next solo note now. In ``conduct`` a beat."""
        self._queue.append(self._hand.cue)

    def hold(self, on: bool | None = None) -> None:
        """Hold the ensemble where it is (what sounds sounds on) or let it go on from there.

        None turns it over. `cue` lets go as well: on with the next solo note.
        """
        self._queue.append(partial(self._hand.hold, on=None if on is None else bool(on)))

    def resync(self) -> None:
        """Believe the follower: be at once where it says that the soloist is."""
        self._queue.append(self._do_resync)

    def beat(self, time_s: float | None = None) -> None:
        """Give a beat of the stick (in ``conduct``), at this take time; None: now."""
        self._queue.append(partial(self._hand.beat, _time(time_s)))

    # ---- how closely to follow ------------------------------------------------------------------

    def follow(self, mode: FollowMode | str) -> None:
        """Change who leads."""
        self._queue.append(partial(self._hand.mode, FollowMode(mode)))

    def level(self, level: float) -> None:
        """Say how closely to follow: 10 entirely, 0 not at all (its own tempo)."""
        self._queue.append(partial(self._hand.level, _within("level", level, 0.0, 10.0)))

    def lock(self, locked: bool) -> None:
        """Freeze the tempo, or follow again."""
        self._queue.append(partial(self._hand.lock, locked=bool(locked)))

    def lost(self, policy: LostPolicy | str) -> None:
        """Say what to do when the soloist is lost."""
        self._queue.append(partial(self._do_lost, LostPolicy(policy)))

    def dynamics(self, depth: float) -> None:
        """Say how much to get louder and softer with the soloist: 0 not at all, 1 as they do."""
        self._queue.append(partial(self._do_dynamics, _within("dynamics", depth, 0.0, 1.0)))

    # ---- tempo ----------------------------------------------------------------------------------

    def tempo_base(self, qpm: float | None) -> None:
        """Override the tempo mark here, up to the next mark; None: all marks as written again.

        The tempo is that from now on; a soloist who is followed may draw it away again.
        """
        if qpm is not None:
            _within("qpm", qpm, _LOWEST_QPM, _HIGHEST_QPM)
        self._queue.append(partial(self._hand.base, qpm))

    def tempo_scale(self, scale: float) -> None:
        """Multiply all tempo marks; for rests, count-ins and wherever the ensemble leads."""
        _within("scale", scale, _LEAST_SCALE, _LARGEST_SCALE)
        self._queue.append(partial(self._hand.scale, scale))

    def tempo_limits(self, min_qpm: float | None = None, max_qpm: float | None = None) -> None:
        """Believe in no tempo, and lead with none, beyond these; None: no limit.

        The soloist's place is followed all the same: beyond a limit by waiting and making up.
        """
        low, high = min_qpm or 0.0, max_qpm or float("inf")
        if not 0.0 <= low <= high or high <= 0.0:
            raise ValueError(f"the lowest tempo, {low}, must not be over the highest, {high}")
        self._queue.append(partial(self._hand.limits, low, high))

    def tempo_tap(self, time_s: float | None = None) -> None:
        """Tap the foot at this take time (None: now); two taps and more make the base tempo."""
        self._queue.append(partial(self._hand.tap, _time(time_s)))

    def tempo_nudge(self, beat_share: float) -> None:
        """Push the ensemble ahead by this share of a beat, or back (negative), smoothly.

        A tempo of its own stays there; otherwise the soloist's next note puts it right.
        """
        _within("beat_share", beat_share, -_MOST_NUDGE, _MOST_NUDGE)
        self._queue.append(partial(self._hand.nudge, beat_share))

    # ---- latency --------------------------------------------------------------------------------

    def latency_out(self, latency_s: float) -> None:
        """Say how long the way from a note's sending to its sound is; nothing jumps."""
        _within("latency_s", latency_s, 0.0, _MOST_LATENCY_S)
        self._queue.append(partial(self._do_latency, latency_s))

    def lead(self, lead_s: float) -> None:
        """Play so much earlier on purpose; nothing jumps."""
        _within("lead_s", lead_s, -0.1, 0.5)
        self._queue.append(partial(self._do_lead, lead_s))

    # ---- what may be asked ----------------------------------------------------------------------

    @property
    def settings(self) -> ConductorSettings:
        """Those in force, as far as they can change: lost policy, latency, lead, bars counted."""
        return self._stage.settings

    @property
    def tempo_qpm(self) -> float:
        """Tempo of whoever leads, here and now."""
        stage = self._stage
        return 60.0 * stage.grid.written_rate(stage.place) / stage.ratio

    @property
    def base_qpm(self) -> float:
        """Tempo mark here, or what `tempo_base` put in its place."""
        return self._tempo.base_qpm(self._stage.place)

    @property
    def scale(self) -> float:
        """Factor of all tempo marks."""
        return self._tempo.scale

    @property
    def limits_qpm(self) -> tuple[float, float]:
        """Lowest and highest tempo: 0.0 and infinite where there is no limit."""
        return self._tempo.limits_qpm

    @property
    def locked(self) -> bool:
        """Whether the tempo is frozen."""
        return self._stage.ears.locked

    @property
    def mode(self) -> FollowMode:
        """Who leads."""
        return self._stage.ears.mode

    @property
    def follow_level(self) -> float:
        """How closely it follows here, 0–10."""
        return self._stage.ears.level

    @property
    def follows_here(self) -> float:
        """The same, but 0 where it is fixed or frozen."""
        return 10.0 * self._stage.ears.share

    @property
    def passage(self) -> Passage | None:
        """The passage that it plays, unless a human has said otherwise in it."""
        passages = self._stage.passages
        return passages.passage if passages.counts else None

    @property
    def countin_mode(self) -> CountIn:
        """When it counts in."""
        return self._transport.countin

    @property
    def looping(self) -> tuple[float, float] | None:
        """The region that it goes round in."""
        return self._rounds.going_round

    @property
    def held(self) -> bool:
        """Whether the human hand holds it."""
        return self._stage.held is not None

    # ---- within a hop ---------------------------------------------------------------------------

    def _carry_out(self) -> bool:
        """Do what has been asked for; say whether there was anything."""
        changed = bool(self._queue)
        while self._queue:
            self._queue.popleft()()
        return changed

    def _go_round(
        self, first_quarter: float | None, last_quarter: float | None, *, vamp: bool
    ) -> None:
        first, last = first_quarter, last_quarter
        if first is not None and last is not None and last > first:
            self._queue.append(partial(self._rounds.begin, first, last, vamp=vamp))
        else:
            self._queue.append(self._rounds.end)

    def _do_countin(self, bars: float | None, mode: CountIn | None) -> None:
        if bars is not None:
            self._stage.use(replace(self._stage.settings, countin_bars=bars))
        if mode is not None:
            self._transport.countin = mode

    def _do_resync(self) -> None:
        self._hand.resync()
        self._rounds.left_for(self._stage.position)

    def _do_lost(self, policy: LostPolicy) -> None:
        self._stage.use(replace(self._stage.settings, lost_policy=policy))

    def _do_dynamics(self, depth: float) -> None:
        self._stage.use(replace(self._stage.settings, dynamics_depth=depth))

    def _do_latency(self, latency_s: float) -> None:
        self._stage.use(replace(self._stage.settings, latency_out_s=latency_s))

    def _do_lead(self, lead_s: float) -> None:
        self._stage.use(replace(self._stage.settings, lead_s=lead_s))


def _time(time_s: float | None) -> float | None:
    if time_s is not None and not isfinite(time_s):
        raise ValueError(f"{time_s} is no time")
    return time_s


def _within(name: str, value: float, low: float, high: float) -> float:
    if not (isfinite(value) and low <= value <= high):
        raise ValueError(f"{name} must be from {low:g} to {high:g}, not {value}")
    return value
