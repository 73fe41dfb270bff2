"""One pure machine from what is heard to what is played.

A `Session` has no clock, device or thread: it is fed audio (or keys) in blocks of any size and
gives one `Step` for every whole hop. A take's steps depend only on its samples up to each step,
never on how they were cut into blocks. The live and the offline driver both do nothing but feed
it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from accompanist.conducting.conductor import Conductor
from accompanist.conducting.direction import Direction
from accompanist.conducting.settings import FollowMode
from accompanist.conducting.timeline import Timeline
from accompanist.followers.protocol import (
    EnsembleNote,
    Estimate,
    Follower,
    Heard,
    HearsEnsemble,
    HearsEnsembleSound,
    PlayedNote,
)
from accompanist.performing.channels import PERCUSSION_CHANNEL
from accompanist.performing.cue import Cue
from accompanist.performing.messages import Kind, TimedMessage
from accompanist.performing.performer import Performer

if TYPE_CHECKING:
    from accompanist.hearing.echo import EchoCanceller

__all__ = ["Session", "Step", "hop_samples", "mono"]

FloatArray = npt.NDArray[np.float32]

_HOP_AT_44100 = 256
_LOUDEST = np.float32(100.0)
"""Beyond this a sample is an accident, and squares of it would overflow."""
_SILENT_STATES = frozenset({"idle", "armed", "waiting", "paused"})
"""On entering one of these everything that sounds is let go."""
_RESTING_STATES = _SILENT_STATES | {"countin"}
"""In one of these nothing sounds on across a jump."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one hop brought. ``estimate.time_s`` is its end; ``messages`` are due in the hop after.

    ``played_quarter`` is where the ensemble is at that moment, held back by its gate. Without a
    performer in the session there are no messages: whoever has the ``cue`` sends them.
    """

    estimate: Estimate
    messages: tuple[TimedMessage, ...]
    cue: Cue
    played_quarter: float
    jumped: bool = False

    @property
    def timeline(self) -> Timeline:
        """The cue's timeline."""
        return self.cue.timeline

    @property
    def state(self) -> str:
        """The cue's state."""
        return self.cue.state


def hop_samples(sample_rate: int) -> int:
    """Give the samples of a hop: 256 at 44.1 kHz, the same 5.8 ms at any other rate.

    >>> [hop_samples(rate) for rate in (8000, 44100, 48000, 96000)]
    [46, 256, 279, 557]
    """
    return max(1, round(_HOP_AT_44100 * sample_rate / 44100))


def mono(block: npt.ArrayLike) -> FloatArray:
    """Mix the channels to their mean; samples that are not finite become silence.

    Parameters
    ----------
    block : array_like [shape=(n,) or (n, channels)]
        Audio, full scale ±1.

    Returns
    -------
    ndarray [shape=(n,), dtype=float32]
        Every sample depends on its own instant only, whatever the block's size.
    """
    samples = np.asarray(block, dtype=np.float32)
    if samples.ndim == 2:
        channels = samples.shape[1]
        mixed = np.zeros(len(samples), dtype=np.float32)
        for channel in range(channels):
            mixed += _sane(samples[:, channel])
        return mixed * np.float32(1.0 / max(1, channels))
    return _sane(samples)


def _sane(samples: FloatArray) -> FloatArray:
    finite = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(finite, -_LOUDEST, _LOUDEST, out=finite)


class Session:
    """Hears, follows, conducts and performs, a hop at a time.

    Parameters
    ----------
    follower : Follower
        Says where the soloist is.
    conductor : Conductor
        Says when the ensemble is where.
    performer : Performer, optional
        Says what is due. Live there is none here: it sits in a process of its own, with the cues.
    company : Performer, optional
        Plays, in thought, what that one plays by the same cues: of its notes the follower is told,
        which hears them in the microphone.
    sounding : callable, optional
        Asked for what the ensemble sounds in each hop before it is heard, by the take time at
        which it begins and the number of samples; None where it is not known.
    sample_rate : int
        Of the audio, Hz. For keys alone it only sets the hop.
    hop : int
        Samples a hop; see `hop_samples`.

    Notes
    -----
    Not thread-safe: one thread feeds it and gives it the human's commands, which take effect
    with the next hop.
    """

    def __init__(
        self,
        *,
        follower: Follower,
        conductor: Conductor,
        performer: Performer | None = None,
        company: Performer | None = None,
        sounding: Callable[[float, int], FloatArray | None] | None = None,
        sample_rate: int,
        hop: int,
    ) -> None:
        self._follower = follower
        self._conductor = conductor
        self._performer = performer
        self._company = company if isinstance(follower, HearsEnsemble) else None
        self._sounding = sounding
        self._rate = sample_rate
        self._hop = hop
        self._hops = 0
        self._pending: FloatArray = np.zeros(0, dtype=np.float32)
        self._keys: deque[PlayedNote] = deque()
        self._key_hops = 0
        self._cue: Cue | None = None
        self._canceller: EchoCanceller | None = None
        self._sent: FloatArray | None = None

    @property
    def conductor(self) -> Conductor:
        """Takes the human's commands, between two calls of `feed`."""
        return self._conductor

    @property
    def hop(self) -> int:
        """Samples a hop."""
        return self._hop

    @property
    def hop_s(self) -> float:
        """Length of a hop in seconds."""
        return self._hop / self._rate

    @property
    def time_s(self) -> float:
        """End of the last hop heard."""
        return self._hops * self._hop / self._rate

    def feed(self, block: npt.ArrayLike) -> Iterator[Step]:
        """Take in audio and give a step for each hop that it completes.

        Parameters
        ----------
        block : array_like [shape=(n,) or (n, channels)]
            The next samples of the take, any number of them.

        Returns
        -------
        iterator of Step
            Lazy; hops not asked for now come with the next call.
        """
        fresh = mono(block)
        self._pending = np.concatenate((self._pending, fresh)) if len(self._pending) else fresh
        return self._heard_audio()

    def feed_notes(self, notes: Iterable[PlayedNote], until_s: float) -> Iterator[Step]:
        """Take in the keys struck before ``until_s`` and give a step for each hop until then.

        Keys must come in the order of their times. A key counts in the hop in which it was
        struck, or, when that hop is over already, in the next one.
        """
        self._keys.extend(notes)
        self._key_hops = max(self._key_hops, int(until_s * self._rate / self._hop + 1e-9))
        return self._heard_keys()

    def ensemble(self, messages: Iterable[TimedMessage]) -> None:
        """Tell the follower what the ensemble has been sent: it comes back by the microphone."""
        if not isinstance(self._follower, HearsEnsemble):
            return
        notes = [
            EnsembleNote(
                timed.time_s,
                -1.0 if message.channel == PERCUSSION_CHANNEL else float(message.number),
                message.value if message.kind is Kind.ON else 0,
                timed.part,
            )
            for timed in messages
            if (message := timed.message).kind in (Kind.ON, Kind.OFF)
        ]
        if notes:
            self._follower.ensemble(notes)

    def ensemble_sound(self, samples: FloatArray) -> None:
        """Tell what the ensemble sounds in the next hop [shape=(hop,)], mono.

        A follower that has no use for it is given the microphone without it.
        """
        if isinstance(self._follower, HearsEnsembleSound):
            self._follower.ensemble_sound(samples)
            return
        if self._canceller is None:
            from accompanist.hearing.echo import EchoCanceller

            self._canceller = EchoCanceller(self._rate, self._hop)
        self._sent = samples

    def mix(self, part: int, control: str, value: float | int | bool) -> None:
        """Have the company play as the performer is told at the desk; see `Performer.mix`."""
        if self._company is None or part not in self._company.parts:
            return
        with suppress(ValueError):  # the performer complains
            self.ensemble(self._company.mix(part, control, value, self.time_s))

    def arm(self) -> None:
        """Wait for the soloist's next note: here, or anywhere if nobody has said where."""
        self._conductor.arm()

    def start(self) -> None:
        """Begin now, after the count-in, without waiting for the soloist."""
        self._conductor.start()

    def stop(self) -> None:
        """Stop playing and let everything go."""
        self._conductor.stop()

    def locate(self, quarter: float) -> None:
        """Be at ``quarter``: the soloist will go on from there."""
        self._conductor.locate(quarter)

    def loop(self, first_quarter: float | None, last_quarter: float | None = None) -> None:
        """Go round between two positions; None ends it."""
        self._conductor.loop(first_quarter, last_quarter)

    def follow(self, mode: FollowMode | str) -> None:
        """Say who leads."""
        self._conductor.follow(mode)

    def lock(self, locked: bool) -> None:
        """Freeze the tempo, or free it again."""
        self._conductor.lock(locked)

    def cue(self) -> None:
        """Go on, by the human's hand: what the ensemble waits for happens now."""
        self._conductor.cue()

    def finish(self) -> tuple[TimedMessage, ...]:
        """Note-offs for all that sounds, then pedals up: the end of the take."""
        if self._performer is None:
            return ()
        return self._performer.silence(self.time_s + self.hop_s)

    def _heard_audio(self) -> Iterator[Step]:
        while len(self._pending) >= self._hop:
            samples = self._pending[: self._hop]
            self._pending = self._pending[self._hop :]
            if self._sounding is not None:
                sent = self._sounding(self.time_s, self._hop)
                if sent is not None:
                    self.ensemble_sound(sent)
            yield self._step(samples, ())

    def _heard_keys(self) -> Iterator[Step]:
        nothing = np.zeros(0, dtype=np.float32)
        while self._hops < self._key_hops:
            end_s = (self._hops + 1) * self._hop / self._rate
            struck: list[PlayedNote] = []
            while self._keys and self._keys[0].time_s < end_s:
                struck.append(self._keys.popleft())
            yield self._step(nothing, struck)

    def _step(self, samples: FloatArray, notes: Sequence[PlayedNote]) -> Step:
        self._hops += 1
        now_s = self._hops * self._hop / self._rate
        if self._canceller is not None and len(samples):
            sent = np.zeros_like(samples) if self._sent is None else self._sent
            samples, self._sent = self._canceller.hear(samples, sent), None
        estimate = self._follower.feed(Heard(now_s, samples, tuple(notes)))
        direction = self._conductor.hear(estimate)
        if direction.follower_at is not None:
            where = direction.follower_at
            if direction.follower_anywhere:
                self._follower.locate(where, anywhere=True)
            else:
                self._follower.locate(where)
        self._cue = cue = self._cued(direction, now_s)
        messages: tuple[TimedMessage, ...] = ()
        next_s = (self._hops + 1) * self._hop / self._rate
        if self._company is not None:
            self.ensemble((*self._company.take(cue), *self._company.due(next_s)))
        if self._performer is not None:
            messages = self._performer.take(cue)
            messages += self._performer.due(next_s)
        return Step(estimate, messages, cue, direction.quarter, direction.jumped)

    def _cued(self, direction: Direction, now_s: float) -> Cue:
        """Tell the ensemble in one value what has become of the piece."""
        before, state = self._cue, direction.state
        if before is None:
            return Cue(
                now_s,
                direction.timeline,
                state,
                plays_from=direction.plays_from,
                lean_db=direction.lean_db,
            )
        jumps, plays_from, playing = before.jumps, before.plays_from, before.playing
        silences = before.silences
        if direction.jumped:
            jumps += 1
            plays_from, playing = direction.plays_from, state not in _RESTING_STATES
        elif state != before.state and state in _SILENT_STATES:
            silences += 1
        return Cue(
            now_s,
            direction.timeline,
            state,
            jumps,
            plays_from,
            playing,
            silences,
            direction.fade,
            direction.lean_db,
        )
