"""Follower ``notes``: the soloist plays an instrument with MIDI, or taps.

A hidden Markov model over the events of the solo, moved by every struck key: wrong, missed, extra
and repeated notes have small probabilities, and an outer-product term r·s lets the player be
anywhere in the next moment at a cost linear in the score's length (Nakamura, Ono, Sagayama and
Watanabe, "A stochastic temporal model of polyphonic MIDI performance with ornaments", JNMR 2015;
and the same authors' "Real-time audio-to-score alignment … including errors and arbitrary repeats
and skips", 2014). Chords are heard in any order: each state remembers, along its best path, when
its event was entered and which of its notes have been struck.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from accompanist.followers.note_tables import ornament_index, pitch_index, restart_weights
from accompanist.followers.note_tempo import NoteTempo
from accompanist.followers.protocol import Estimate, FollowerState, Heard, OnsetReport, PlayedNote
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["NotesFollower"]

Floats = npt.NDArray[np.float64]
Bits = npt.NDArray[np.uint64]

STEP_WEIGHTS = {1: 0.93, 2: 0.03, 3: 0.012, 4: 0.005, -1: 0.006, -2: 0.003, -3: 0.002}
"""How likely the next struck event is the d-th from here, if there is a new one."""
JUMP = 2e-3
"""The player is somewhere else altogether."""
ELSEWHERE = 0.1
"""The player begins somewhere else, where nobody has said where."""
EXTRA = 0.02
"""A struck key that belongs to no event: the player is still where they were."""
WRONG_NEAR = 0.01
"""A key within two semitones of the right one, each."""
WRONG_ANY = 1e-4
"""Any other key."""
CHORD_SPREAD_S = 0.06
"""Keys of one chord come within about this; a spread chord takes some times longer."""
TIMING_SD = 0.4
"""Standard deviation of log(played interval / expected one) that is no surprise."""
TIMING_FLOOR = 0.15
"""What an interval of any other length still counts, against 1 for the expected one."""
LOCAL_EVENTS = 4
"""Further than this is a jump."""
BELIEVE_STEP, BELIEVE_SKIP, BELIEVE_JUMP = 0.1, 0.5, 0.7
"""Probability from which the position moves one event, a few events either way, far away."""
LOST_BELOW = 0.35
HOLDING_AFTER_S = 0.25
"""The next event is this late: the soloist dwells."""
LATENCY_S = 0.003
"""Half a hop: a key is known when its hop is over."""


class NotesFollower:
    """Score follower for struck keys (`Heard.notes`); audio is not listened to.

    A `PlayedNote` of pitch −1 is a tap: the next event, whatever it is. The position goes on with
    the tempo of the last dozen events but does not pass an event that has not been struck.

    Parameters
    ----------
    solo : SoloLine
    tempo : WrittenTempo
        The written tempo, against which the player's own is a factor.
    """

    def __init__(self, solo: SoloLine, tempo: WrittenTempo) -> None:
        self._solo = solo
        self._onsets_quarter = solo.onsets_quarter
        self._written_s = tempo.to_seconds(solo.onsets_quarter)
        self._tempo = NoteTempo(tempo)
        # State 0 is "before the first event", state e + 1 is "event e is the last one struck".
        self._n_states = len(solo) + 1
        self._enter_where, self._enter_bits = pitch_index(solo)
        self._ornaments = ornament_index(solo)
        self._sizes = np.array(
            [0] + [min(len({n.pitch for n in g}), 63) for g in solo.notes], dtype=np.int64
        )
        self._restarts = restart_weights(solo)
        self._start_state = 0
        self._anywhere = False
        self._reset(0)
        self._level_db = -120.0
        self._previous_s = 0.0

    @property
    def latency_s(self) -> float:
        """Half a hop."""
        return LATENCY_S

    def locate(self, quarter: float | None, anywhere: bool = False) -> None:
        """Expect the first event at or behind ``quarter`` next; None: the first of all.

        ``anywhere``: or, much less, the beginning of a phrase somewhere else.
        """
        state = 0
        if quarter is not None:
            state = int(np.searchsorted(self._onsets_quarter, quarter - 1e-6, side="left"))
        self._reset(state)
        self._anywhere = anywhere
        if anywhere:
            # Before event e is state e.
            self._alpha[:-1] += ELSEWHERE * self._restarts[1:]
            self._alpha /= self._alpha.sum()

    def feed(self, heard: Heard) -> Estimate:
        """Hear the keys of one hop."""
        onsets: list[OnsetReport] = []
        relocated = False
        fallen_s = max(heard.time_s - self._previous_s, 0.0)
        self._level_db = max(self._level_db - 30.0 * fallen_s, -120.0)
        self._previous_s = heard.time_s
        for note in sorted(heard.notes, key=lambda n: (n.time_s, n.pitch)):
            if note.velocity <= 0:
                continue
            self._level_db = 40.0 * math.log10(min(note.velocity, 127) / 127.0)
            before = self._state
            self._hear(note)
            if self._state == before:
                continue
            jumped = not 0 < self._state - before <= LOCAL_EVENTS
            jumped &= self._anywhere or before != self._start_state
            relocated |= jumped
            if self._state == 0:
                continue
            event = self._state - 1
            onset_s = min(float(self._entered_s[self._state]), heard.time_s)
            onset_quarter = float(self._onsets_quarter[event])
            self._tempo.strike(onset_s, float(self._written_s[event]), moved=jumped)
            onsets.append(OnsetReport(heard.time_s, onset_s, onset_quarter, event))
        return self._estimate(heard.time_s, tuple(onsets), relocated)

    # --- the filter --------------------------------------------------------------------------

    def _reset(self, state: int) -> None:
        self._start_state = state
        self._state = state
        self._begun = False
        self._alpha: Floats = np.zeros(self._n_states)
        self._alpha[state] = 1.0
        self._entered_s: Floats = np.full(self._n_states, np.nan)
        # an event that was passed by being told so has nothing left to be struck
        self._struck: Bits = np.full(self._n_states, np.iinfo(np.uint64).max, dtype=np.uint64)
        self._heard_s = -math.inf
        self._confidence = 1.0
        self._tempo.wait()

    def _hear(self, note: PlayedNote) -> None:
        self._begun = True
        if note.pitch < 0:
            self._tap(note.time_s)
        else:
            self._move(note)
        self._heard_s = note.time_s

    def _tap(self, time_s: float) -> None:
        state = min(self._state + 1, self._n_states - 1)
        if state == self._state:
            return
        self._alpha[:] = 0.0
        self._alpha[state] = 1.0
        self._entered_s[state] = time_s
        self._struck[state] = np.iinfo(np.uint64).max
        self._state, self._confidence = state, 1.0

    def _move(self, note: PlayedNote) -> None:
        """One step of the forward recursion and the choice of where to be."""
        bits, enter = self._likelihood_of_entering(note.pitch)
        stay_share, stay = self._staying(note, bits)
        leaving = self._alpha * (1.0 - stay_share)
        passed_s = note.time_s - self._entered_s
        entering = np.full(self._n_states, JUMP * float(leaving.sum())) * self._restarts
        for step, weight in STEP_WEIGHTS.items():
            source, target = _shifted(self._n_states, step)
            timing = self._timing(source, target, passed_s[source])
            entering[target] += weight * leaving[source] * timing
        entering *= enter
        entering[0] = 0.0
        staying = self._alpha * stay
        total = entering + staying
        mass = float(total.sum())
        if not mass > 0.0:  # nothing explains this key: it was an accident
            return
        stayed = staying >= entering
        self._struck = np.where(stayed, self._struck | bits, bits)
        self._entered_s = np.where(stayed, self._entered_s, note.time_s)
        self._alpha = total / mass
        self._choose()

    def _likelihood_of_entering(self, pitch: int) -> tuple[Bits, Floats]:
        """For every state: the bit of this pitch in its event, and P(pitch | event entered)."""
        bits = np.zeros(self._n_states, dtype=np.uint64)
        enter = np.full(self._n_states, WRONG_ANY)
        for near in (-2, -1, 1, 2):
            enter[self._enter_where.get(pitch + near, _NOWHERE)] = WRONG_NEAR
        where = self._enter_where.get(pitch, _NOWHERE)
        if len(where):
            bits[where] = self._enter_bits[pitch]
            enter[where] = 1.0 / self._sizes[where]
        return bits, enter

    def _staying(self, note: PlayedNote, bits: Bits) -> tuple[Floats, Floats]:
        """Per state: share of going on within the event, and that times P(pitch | it goes on)."""
        missing = np.maximum(self._sizes - np.bitwise_count(self._struck).astype(np.int64), 0)
        pause_s = note.time_s - self._heard_s
        together = math.exp(-max(pause_s - CHORD_SPREAD_S / 2, 0.0) / CHORD_SPREAD_S)
        share = missing / (missing + 0.5) * (0.05 + 0.93 * together)
        completes = (bits != 0) & ((self._struck & bits) == 0)
        stay = np.full(self._n_states, EXTRA * WRONG_ANY * 10)
        stay[bits != 0] = EXTRA * 0.05  # the same key again, a stutter
        stay[self._ornaments.get(note.pitch, _NOWHERE)] = 0.3
        stay = np.where(completes, share / np.maximum(missing, 1), stay)
        return np.maximum(share, EXTRA), stay

    def _timing(self, source: slice, target: slice, passed_s: Floats) -> Floats:
        """How well the time that has passed in each source fits the way to its target."""
        written = np.concatenate(([np.nan], self._written_s))
        expected_s = np.abs(written[target] - written[source]) * self._tempo.factor
        with np.errstate(divide="ignore", invalid="ignore"):
            surprise = np.log(passed_s / expected_s) / TIMING_SD
        fits = np.exp(-0.5 * surprise**2)
        unknown = np.isnan(fits)
        return np.where(unknown, 1.0, TIMING_FLOOR + (1.0 - TIMING_FLOOR) * fits)

    def _choose(self) -> None:
        """Move to the most probable state; anything but the next one wants better proof."""
        here = self._state
        best = int(np.argmax(self._alpha))
        if not here <= best <= here + 1:
            far = abs(best - here) > LOCAL_EVENTS
            around = self._alpha[max(best - 1, 0) : best + 2] if far else self._alpha[best]
            if float(np.sum(around)) < (BELIEVE_JUMP if far else BELIEVE_SKIP):
                best = here + int(np.argmax(self._alpha[here : here + 2]))
                best = best if self._alpha[best] > BELIEVE_STEP else here
        self._state = best
        beat = slice(max(best - 1, 0), best + 2)
        self._confidence = float(min(self._alpha[beat].sum(), 1.0))

    # --- what is said ------------------------------------------------------------------------

    def _estimate(
        self, time_s: float, onsets: tuple[OnsetReport, ...], relocated: bool
    ) -> Estimate:
        following = self._state < len(self._onsets_quarter)
        limit = float(self._onsets_quarter[self._state]) if following else self._solo.end_quarter
        if math.isnan(self._tempo.anchor_s):  # not struck since it was told where to be
            quarter, late_s = limit, 0.0
        else:
            quarter, late_s = self._tempo.position(time_s, limit, passing=not following)
        return Estimate(
            time_s=time_s,
            quarter=quarter,
            quarters_per_s=self._tempo.quarters_per_s(quarter),
            confidence=self._confidence,
            state=self._follower_state(late_s, following),
            onsets=onsets,
            relocated=relocated,
            level_db=self._level_db,
        )

    def _follower_state(self, late_s: float, following: bool) -> FollowerState:
        if not self._begun:
            return FollowerState.ARMED
        if not following and late_s > 0.0:
            return FollowerState.ENDED
        if self._confidence < LOST_BELOW:
            return FollowerState.LOST
        return FollowerState.HOLDING if late_s > HOLDING_AFTER_S else FollowerState.FOLLOWING


_NOWHERE: npt.NDArray[np.intp] = np.zeros(0, dtype=np.intp)


def _shifted(n: int, step: int) -> tuple[slice, slice]:
    """Source and target states of moving ``step`` events on.

    >>> _shifted(5, 2)
    (slice(0, 3, None), slice(2, 5, None))
    >>> _shifted(5, -1)
    (slice(1, 5, None), slice(0, 4, None))
    """
    step = max(-n, min(step, n))
    if step >= 0:
        return slice(0, n - step), slice(step, n)
    return slice(-step, n), slice(0, n + step)
