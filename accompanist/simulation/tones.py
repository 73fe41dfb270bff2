"""An ensemble of plain tones, exact to the sample, for where no synthesiser is at hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.performing.channels import PERCUSSION_CHANNEL
from accompanist.performing.messages import Kind, TimedMessage
from accompanist.session import Step

__all__ = ["ToneEnsemble"]

FloatArray = npt.NDArray[np.float32]

_PARTIALS = 8
_PARTIAL_DECAY = 0.6
_ATTACK_S = 0.005
_DECAY_S = 1.5
_RELEASE_S = 0.02
_GONE_S = 0.2
_GAIN = 0.1


@dataclass(slots=True)
class _Tone:
    start: int
    hz: float
    gain: float
    end: int | None = None


class ToneEnsemble:
    """Sounds the notes among the messages of each step as decaying harmonic tones.

    Drums are left out; of controllers, programs and bends nothing is heard.

    Parameters
    ----------
    sample_rate : int
        Hz.
    start : int
        Sample at which the first call of `render` begins.
    """

    behind = 0

    def __init__(self, sample_rate: int, start: int = 0) -> None:
        self._rate = sample_rate
        self._done = start
        self._tones: list[_Tone] = []
        self._down: dict[tuple[int, int], _Tone] = {}

    def take(self, step: Step) -> None:
        """Learn what is due in the hop after a step."""
        for timed in step.messages:
            self.send(timed)

    def send(self, timed: TimedMessage) -> None:
        """Learn one message, sent no earlier than what has been rendered."""
        message = timed.message
        at = round(timed.time_s * self._rate)
        key = (message.channel, message.number)
        if message.kind not in (Kind.ON, Kind.OFF) or message.channel == PERCUSSION_CHANNEL:
            return
        before = self._down.pop(key, None)
        if before is not None:
            before.end = at
        if message.kind is Kind.ON:
            hz = 440.0 * 2.0 ** ((message.number - 69) / 12)
            tone = _Tone(at, hz, _GAIN * (message.value / 127.0) ** 2)
            self._down[key] = tone
            self._tones.append(tone)

    def render(self, count: int) -> FloatArray:
        """Give the next samples [shape=(count,)]."""
        first, last = self._done, self._done + count
        self._done = last
        gone = round(_GONE_S * self._rate) + 1
        self._tones = [t for t in self._tones if t.end is None or t.end + gone > first]
        out = np.zeros(count)
        for tone in self._tones:
            time_s = (np.arange(first, last) - tone.start) / self._rate
            shape = np.where(time_s < 0, 0.0, np.minimum(time_s / _ATTACK_S, 1.0))
            shape *= np.exp(-np.maximum(time_s, 0.0) / _DECAY_S)
            if tone.end is not None:
                over_s = time_s - (tone.end - tone.start) / self._rate
                shape *= np.exp(-np.maximum(over_s, 0.0) / _RELEASE_S) * (over_s < _GONE_S)
            turns = 2 * np.pi * tone.hz * time_s
            for partial in range(1, _PARTIALS + 1):
                if tone.hz * partial < 0.45 * self._rate:
                    weight = tone.gain * _PARTIAL_DECAY ** (partial - 1)
                    out += weight * shape * np.sin(turns * partial)
        return out.astype(np.float32)
