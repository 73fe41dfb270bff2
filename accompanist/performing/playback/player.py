"""Plays a recording as it is cued: faster, slower, held, and from another place.

A pure machine like the `Performer`, for whoever plays a recording in place of an ensemble: cues
in, samples out. It works in hops of its own; what it gives depends on the cues and on the times
asked for, not on how many samples are asked for at a time.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import numpy.typing as npt

from accompanist.performing.cue import Cue
from accompanist.performing.playback.course import FASTEST, SLOWEST, Course
from accompanist.performing.playback.source import Source
from accompanist.performing.playback.voices import Fader, Limiter, Voice
from accompanist.recordings.sound import Sound
from accompanist.recordings.stretching.protocol import MakeStretcher
from accompanist.score.tempo import WrittenTempo

__all__ = ["HOP_S", "Playback"]

FloatArray = npt.NDArray[np.float32]

HOP_S = 256 / 44_100
"""About so often the rate is thought over."""
_TOO_FAR_S = 0.3
"""What is further from its place than this jumps there."""
_AT_GATE_S = 0.004
_LATE_S = 0.08
"""A gate that opened less than this ago: what stands at it is played all the same."""
_FADE_IN_S, _ATTACK_S, _FADE_OUT_S, _SILENCE_S = 0.012, 0.004, 0.03, 0.02
_SETTLED_S = 0.5
_SETTLED_RATE = 1e-4
"""At the recorded tempo for so long, the recording is taken up anew, as it is."""
_CONTROL_S, _LOUDEST = 0.05, 4.0
_LEAN_S = 2.0
"""With the soloist it gets louder and softer at this speed, from silence to full: half a dB in an
eighth of a second."""
_DRIFT_S = 1e-6
_MOST_CUES = 4096
"""While nobody asks for sound, older cues are forgotten: each says all there is to know."""


class Playback:
    """Plays a recording in the ensemble's time. Not thread-safe.

    Parameters
    ----------
    mix : Sound
        The recording.
    accompaniment : Sound or None
        The same without the soloist: same rate, channels and length.
    tempo : WrittenTempo
        Quarters ↔ seconds of the recording.
    out_rate : int
        Samples a second wanted; the pitch is that of the recording at any rate.
    channels : int, optional
        Channels wanted; by default those of the recording, and two where it has more.
    stretch : callable
        See `accompanist.recordings.stretching.protocol.MakeStretcher`.
    log : int
        So many hops are remembered for `travelled`.
    """

    def __init__(
        self,
        mix: Sound,
        accompaniment: Sound | None,
        tempo: WrittenTempo,
        *,
        out_rate: int,
        stretch: MakeStretcher,
        channels: int | None = None,
        log: int = 100_000,
    ) -> None:
        self.out_rate = out_rate
        self.channels = min(mix.channels, 2) if channels is None else channels
        self._stretch = stretch
        self._hop = max(1, round(HOP_S * out_rate))
        self._hop_s = self._hop / out_rate
        self._source = Source(mix, accompaniment, out_rate, self.channels, stretch)
        self._tempo = tempo
        self._cues: deque[Cue] = deque(maxlen=_MOST_CUES)
        self._course: Course | None = None
        self._lead: Voice | None = None
        self._behind: list[Voice] = []
        self._held = False
        self._anew = False
        self._steady = 0
        self._untouched = False
        control = round(_CONTROL_S * out_rate)
        self._gain = Fader(1.0, control)
        self._fade = Fader(1.0, control // 4)
        self._lean = Fader(1.0, round(_LEAN_S * out_rate))
        self._solo = Fader(0.0, control)
        self._limiter = Limiter()
        self._ready: FloatArray = np.zeros((0, self.channels), dtype=np.float32)
        self._next_s: float | None = None
        self._log: deque[tuple[float, float]] = deque(maxlen=log)
        # What is compiled on first use is compiled here, not when the music begins.
        warm = self._source.stretcher(0.0, 1.1)
        warm.render(self._hop, 1.1)
        self.lookahead_s = warm.lookahead / out_rate
        self._source.freeze(0.0).render(self._hop, 0.0)

    @property
    def solo_level(self) -> float:
        """How much of the recorded soloist is heard: 0 nothing, 1 as recorded."""
        return self._solo.wanted

    @solo_level.setter
    def solo_level(self, level: float) -> None:
        self._solo.wanted = min(max(float(level), 0.0), 1.0)

    @property
    def gain(self) -> float:
        """Loudness, 1 as recorded, 0–4."""
        return self._gain.wanted

    @gain.setter
    def gain(self, gain: float) -> None:
        self._gain.wanted = min(max(float(gain), 0.0), _LOUDEST)

    @property
    def source_s(self) -> float | None:
        """Place in the recording, in seconds, that the next hop begins with; None in silence."""
        return None if self._lead is None else self._lead.stretcher.position / self.out_rate

    def travelled(self) -> tuple[tuple[float, float], ...]:
        """Give (take time, place in the recording), both in seconds, of each hop that sounded.

        Everything is given once.
        """
        out = tuple(self._log)
        self._log.clear()
        return out

    def take(self, cue: Cue) -> None:
        """Go on by a newer cue, from the first hop at or behind its time."""
        self._cues.append(cue)

    def change(self, mix: Sound, accompaniment: Sound | None, tempo: WrittenTempo) -> None:
        """Go on with another recording of the same piece, at the same quarter of it."""
        self._source = Source(mix, accompaniment, self.out_rate, self.channels, self._stretch)
        self._tempo = tempo
        if self._course is not None:
            self._course = Course(self._course.cue, tempo)
        self._anew = True

    def render(self, start_s: float, count: int) -> FloatArray:
        """Sound that leaves from take time ``start_s`` on [shape=(count, channels)].

        One call goes on where the last one ended, or nearly: a clock that drifts is followed, a
        gap is jumped over.
        """
        ahead_s = len(self._ready) / self.out_rate
        if self._next_s is None or abs(start_s + ahead_s - self._next_s) > _DRIFT_S:
            self._next_s = start_s + ahead_s
        parts, have = [self._ready], len(self._ready)
        while have < count:
            part = self._sounded(self._next_s)
            parts.append(part)
            have += len(part)
            self._next_s += self._hop_s
        sound = np.concatenate(parts)
        self._ready = sound[count:]
        return sound[:count]

    # ---- hop by hop ----------------------------------------------------------------------------

    def _sounded(self, time_s: float) -> FloatArray:
        """One hop, the controls applied."""
        self._direct(time_s)
        before, self._source.blend.solo_level = self._solo.next(self._hop)
        if self._source.blend.solo_level != before:
            self._steady, self._untouched = 0, False
        if self._lead is not None:
            self._log.append((time_s, self._lead.stretcher.position / self.out_rate))
        voices = self._behind if self._lead is None else [self._lead, *self._behind]
        sound = np.zeros((self._hop, self.channels), dtype=np.float32)
        for voice in voices:
            sound += voice.render(self._hop)
        self._behind = [voice for voice in self._behind if not voice.gone]
        controls = [fader.next(self._hop) for fader in (self._gain, self._fade, self._lean)]
        first, last = (math.prod(ends) for ends in zip(*controls, strict=True))
        if first != 1.0 or last != 1.0:
            sound *= np.linspace(first, last, self._hop + 1, dtype=np.float32)[1:, None]
        return self._limiter(sound)

    def _direct(self, time_s: float) -> None:
        """Say where the voices go in the hop that begins at ``time_s``."""
        self._anew |= self._take_cues(time_s)
        course = self._course
        if course is None:
            return
        if course.silent or course.at(time_s + self._hop_s) <= course.from_s - _DRIFT_S:
            self._let_go(_SILENCE_S)
            self._anew = False
        elif self._lead is None or self._anew:
            if not self._behind:
                self._anew = False
                self._come_in(course, time_s, holds=self._held)
        elif self._held:
            self._go_on(course, time_s)
        else:
            self._steer(course, time_s)

    def _take_cues(self, time_s: float) -> bool:
        """Take what has been said until now; tell whether it jumped."""
        jumped = False
        while self._cues and self._cues[0].time_s <= time_s + _DRIFT_S:
            cue, before = self._cues.popleft(), self._course
            jumped |= before is not None and cue.jumps != before.cue.jumps
            self._course = Course(cue, self._tempo)
            self._fade.wanted = min(max(cue.fade, 0.0), 1.0)
            self._lean.wanted = 10.0 ** (cue.lean_db / 20.0)
        return jumped

    def _steer(self, course: Course, time_s: float) -> None:
        """Keep the leading voice at its place: at the head of what is bound already."""
        lead = self._lead
        assert lead is not None
        ahead_s = time_s + lead.stretcher.lookahead / self.out_rate
        head_s = lead.stretcher.head / self.out_rate
        if abs(course.at(ahead_s) - head_s) > _TOO_FAR_S:
            if not self._behind:
                # Whoever hears of a gate late, and is past it by then, is held there all the same.
                self._come_in(course, time_s, holds=True)
            return
        at_gate = course.at(ahead_s + self._hop_s) >= course.gate_s
        if at_gate and course.gate_s - head_s < _AT_GATE_S:
            lead.rate = 0.0
            if not self._behind:
                self._hold(course.gate_s)
            return
        lead.rate = course.steered(head_s, ahead_s, self._hop_s)
        self._settle(lead, time_s)

    def _settle(self, lead: Voice, time_s: float) -> None:
        """Take up the recording anew where it has long been played as it is.

        The phases of a stretcher are not those of the recording once it has stretched; begun
        anew at the recorded tempo it gives the very samples of the recording.
        """
        if abs(lead.rate - 1.0) > _SETTLED_RATE:
            self._steady, self._untouched = 0, False
            return
        self._steady += 1
        if not self._untouched and self._steady * self._hop_s > _SETTLED_S and not self._behind:
            self._begin(lead.stretcher.position / self.out_rate, time_s, _FADE_OUT_S)

    def _come_in(self, course: Course, time_s: float, *, holds: bool) -> None:
        """Let it sound from where it belongs.

        At a gate it waits: what stands before the gate is held, or (not ``holds``) in silence.
        """
        here_s, there_s = course.at(time_s), course.at(time_s + self._hop_s)
        place_s = max(here_s, course.from_s)
        if place_s < course.gate_s - _AT_GATE_S:
            early = (place_s - here_s) / (there_s - here_s) if there_s > here_s else 0.0
            fade_in_s = _ATTACK_S if self._lead is None or self._held else _FADE_IN_S
            self._begin(place_s, time_s, fade_in_s, wait=int(min(early, 0.99) * self._hop))
        elif holds:
            self._hold(course.gate_s)
        else:
            self._let_go(_FADE_OUT_S)

    def _begin(self, place_s: float, time_s: float, fade_in_s: float, wait: int = 0) -> None:
        """Let a voice begin at a place, the one that led fading away."""
        course = self._course
        assert course is not None
        room = max(course.gate_s - place_s, 0.0) / self.lookahead_s
        rate = min(max(course.speed(time_s, self._hop_s), SLOWEST), FASTEST, room)
        self._let_go(_FADE_OUT_S)
        stretcher = self._source.stretcher(place_s * self.out_rate, rate)
        self._lead = Voice(stretcher, round(fade_in_s * self.out_rate), wait)
        self._lead.rate = rate
        self._steady, self._untouched = 0, abs(rate - 1.0) <= _SETTLED_RATE

    def _hold(self, gate_s: float) -> None:
        """Hold what sounds before the gate."""
        self._let_go(_FADE_OUT_S)
        freeze = self._source.freeze(gate_s * self.out_rate)
        self._lead = Voice(freeze, round(_FADE_OUT_S * self.out_rate))
        self._held = True

    def _go_on(self, course: Course, time_s: float) -> None:
        """Leave what is held, if it is time."""
        lead = self._lead
        assert lead is not None
        wanted_s, held_at_s = course.at(time_s), lead.stretcher.position / self.out_rate
        gone_s = wanted_s - held_at_s
        still = abs(gone_s) < _AT_GATE_S and wanted_s >= course.gate_s - _AT_GATE_S
        if still or self._behind or -_TOO_FAR_S <= gone_s <= 0.0:
            return
        if 0.0 < gone_s < _LATE_S:
            self._begin(held_at_s, time_s, _ATTACK_S)
        else:
            self._come_in(course, time_s, holds=True)

    def _let_go(self, fade_out_s: float) -> None:
        if self._lead is not None:
            self._lead.leave(round(fade_out_s * self.out_rate))
            self._behind.append(self._lead)
            self._lead = None
        self._held = False
