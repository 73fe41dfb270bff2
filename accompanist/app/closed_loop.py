"""The closed loop offline: what the ensemble plays in a take comes back through the microphone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from accompanist.errors import AccompanistError
from accompanist.performing.messages import TimedMessage
from accompanist.performing.plan import Plan
from accompanist.recordings.sound import Sound
from accompanist.score.tempo import WrittenTempo
from accompanist.session import Session, Step, mono
from accompanist.simulation.bleed import Bleed, BleedPath, Ensemble, Known, path_response
from accompanist.simulation.room import sounding_rms
from accompanist.simulation.tones import ToneEnsemble

if TYPE_CHECKING:
    from accompanist.performing.playback.player import Playback
    from bridges.fluidsynth_stream import StreamSynth

__all__ = ["ClosedLoop", "RecordedEnsemble", "closed_loop", "recorded_level"]

FloatArray = npt.NDArray[np.float32]

_MEASURED_S = 60.0
"""So much of the ensemble is listened to beforehand, to learn how loud it is."""
_CHUNK_S = 0.5


class SynthEnsemble:
    """FluidSynth as an `Ensemble`."""

    def __init__(self, synth: StreamSynth) -> None:
        self._synth = synth
        self.behind = synth.behind

    def take(self, step: Step) -> None:
        """Learn what is due in the hop after a step."""
        self._synth.send(step.messages)

    def send(self, timed: TimedMessage) -> None:
        """Learn one message."""
        self._synth.send((timed,))

    def render(self, count: int) -> FloatArray:
        """Give the next samples."""
        return self._synth.render(count)


class RecordedEnsemble:
    """A recording as an `Ensemble`: the `Playback` that sounds live, told the cues of the take."""

    behind = 0

    def __init__(self, playback: Playback) -> None:
        self._playback = playback
        self._time_s: float | None = None

    def take(self, step: Step) -> None:
        """Go on by the cue of a step."""
        self._time_s = step.estimate.time_s
        self._playback.take(step.cue)

    def render(self, count: int) -> FloatArray:
        """Give the hop behind the step just taken."""
        if self._time_s is None:
            return np.zeros(count, dtype=np.float32)
        return mono(self._playback.render(self._time_s, count))


class ClosedLoop:
    """What the microphone hears, a hop at a time: the soloist, and the ensemble come back.

    Parameters
    ----------
    bleed : Bleed
    ensemble : Ensemble
    level : float
        RMS of the ensemble by itself, where it sounds, at the microphone.
    solo : ndarray [shape=(n,) or (n, channels)]
        The soloist's recording: its level counts.
    sample_rate, hop : int
    """

    def __init__(
        self,
        bleed: Bleed,
        ensemble: Ensemble,
        level: float,
        solo: FloatArray,
        sample_rate: int,
        hop: int,
    ) -> None:
        rms = sounding_rms(mono(solo).astype(np.float64), sample_rate)
        gain = rms / level * 10.0 ** (bleed.level_db / 20.0) if level > 0 else 0.0
        self._ensemble = ensemble
        self._path = BleedPath(bleed, sample_rate, hop, gain, ensemble.behind)
        self._hop = hop
        self._known = bleed.known
        self._messages: tuple[TimedMessage, ...] = ()
        self.sent = ensemble.render(hop)
        """What the ensemble sends in the hop to come, ``behind`` samples late."""
        self._bled: FloatArray = np.zeros(hop, dtype=np.float32)
        self._pending: FloatArray = np.zeros(0, dtype=np.float32)

    def feed(self, session: Session, solo: npt.ArrayLike) -> Iterator[Step]:
        """Feed a session with the next samples of the soloist and what it plays itself meanwhile.

        Lazy as `Session.feed` is, and as independent of how the samples are cut.
        """
        self._pending = np.concatenate((self._pending, mono(solo)))
        return self._steps(session)

    def _steps(self, session: Session) -> Iterator[Step]:
        while len(self._pending) >= self._hop:
            heard = self._pending[: self._hop] + self._bled
            self._pending = self._pending[self._hop :]
            if self._known is Known.SOUND:
                session.ensemble_sound(self.sent)
            if self._known is not Known.NOTHING:
                session.ensemble(self._messages)
            yield from session.feed(heard)

    def take(self, step: Step) -> None:
        """Let the ensemble play what a step asks for; to be told every step before the next."""
        self._messages = step.messages
        self._bled = self._path.hear(self.sent)
        self._ensemble.take(step)
        self.sent = self._ensemble.render(self._hop)


def closed_loop(
    bleed: Bleed,
    solo: FloatArray,
    sample_rate: int,
    hop: int,
    plan: Plan,
    tempo: WrittenTempo,
    *,
    soundfont: Path | None = None,
    files: ExitStack,
) -> ClosedLoop:
    """Close the loop with an ensemble of instruments: FluidSynth, or plain tones without it.

    Parameters
    ----------
    bleed, solo, sample_rate, hop
        See `ClosedLoop`.
    plan, tempo
        What the ensemble plays; it is heard once as written, to learn how loud it is.
    soundfont : Path, optional
        None: the usual one.
    files : ExitStack
        Is given what has to be closed.
    """

    def make() -> SynthEnsemble | ToneEnsemble:
        try:
            from bridges.fluidsynth_stream import StreamSynth
            from bridges.soundfonts import find_soundfont

            font = find_soundfont(soundfont)
            return SynthEnsemble(files.enter_context(StreamSynth(font, sample_rate)))
        except AccompanistError:
            return ToneEnsemble(sample_rate)

    level = _level_as_written(make(), bleed, plan, tempo, sample_rate)
    return ClosedLoop(bleed, make(), level, solo, sample_rate, hop)


def recorded_level(sound: Sound, bleed: Bleed) -> float:
    """RMS at the microphone of a recording, where it sounds in its first minutes, at gain 1."""
    heard = mono(sound.read(0, min(sound.length, round(2 * _MEASURED_S * sound.rate))))
    response = path_response(bleed, sound.rate)
    return sounding_rms(heard.astype(np.float64), sound.rate) * float(np.sqrt(response @ response))


def _level_as_written(
    ensemble: SynthEnsemble | ToneEnsemble,
    bleed: Bleed,
    plan: Plan,
    tempo: WrittenTempo,
    sample_rate: int,
) -> float:
    """RMS at the microphone of what is played as written, at gain 1."""
    if not plan.events:
        return 0.0
    from scipy.signal import oaconvolve

    times_s = tempo.to_seconds(np.array(plan.quarters))
    times_s = times_s - times_s[0]
    for event in plan.chase(0.0):
        ensemble.send(TimedMessage(0.0, 0.0, event.part, event.message))
    length_s = min(float(times_s[-1]) + 1.0, _MEASURED_S)
    sound: list[FloatArray] = []
    sent = 0
    for chunk in range(1, int(length_s / _CHUNK_S) + 2):
        while sent < len(times_s) and times_s[sent] < chunk * _CHUNK_S:
            event = plan.events[sent]
            ensemble.send(TimedMessage(float(times_s[sent]), 0.0, event.part, event.message))
            sent += 1
        sound.append(ensemble.render(round(_CHUNK_S * sample_rate)))
    whole = np.concatenate(sound).astype(np.float64)
    return sounding_rms(oaconvolve(whole, path_response(bleed, sample_rate)), sample_rate)
