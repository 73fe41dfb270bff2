"""A recording made ready to be played: at the rate wanted, with or without its soloist."""

from __future__ import annotations

from accompanist.recordings.sound import Sound
from accompanist.recordings.stretching.freeze import Freeze
from accompanist.recordings.stretching.protocol import MakeStretcher, Stretcher
from accompanist.recordings.stretching.resampled import (
    Blend,
    Buffered,
    Rechannelled,
    Resampled,
)

__all__ = ["Source"]


class Source:
    """A recording as it is read for playing: two sounds made one, at the rate of the output."""

    def __init__(
        self,
        mix: Sound,
        accompaniment: Sound | None,
        rate: int,
        channels: int,
        stretch: MakeStretcher,
    ) -> None:
        def ready(sound: Sound) -> Sound:
            if sound.channels != channels:
                sound = Rechannelled(sound, channels)
            return Buffered(sound if sound.rate == rate else Resampled(sound, rate))

        self.blend = Blend(ready(mix), None if accompaniment is None else ready(accompaniment))
        self._stretch = stretch

    def stretcher(self, position: float, rate: float) -> Stretcher:
        made = self._stretch(self.blend)
        made.locate(position, rate)
        return made

    def freeze(self, position: float) -> Stretcher:
        made = Freeze(self.blend)
        made.locate(position, 0.0)
        return made
