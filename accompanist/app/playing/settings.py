"""What a human asks of a live take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from accompanist.app.passages import PassageWords

__all__ = ["PlaySettings"]


@dataclass(frozen=True, slots=True)
class PlaySettings:
    """The options of ``accompanist play``."""

    piece: str
    solo: str | None = None
    input_name: str | None = None
    channel: int = 1
    midi_in: str | None = None
    tap: bool = False
    from_file: Path | None = None
    follower: str | None = None
    policy: str = "auto"
    mode: str = "follow"
    """As `accompanist.conducting.settings.FollowMode`."""
    level: float = 10.0
    passages: tuple[PassageWords, ...] = ()
    dynamics: float = 0.5
    start_bar: str | None = None
    count_in_bars: float | None = None
    soundfont: Path | None = None
    driver: str | None = None
    silent: bool = False
    output_name: str | None = None
    """Audio output of a recording."""
    solo_level: float | None = None
    """How much of a recording's own soloist is heard; None: nothing, if they can be taken out."""
    stretcher: str | None = None
    """How a recording is made faster and slower; None is the usual way."""
    heard: Path | None = None
    """Where what a silent recording would have sounded like is written."""
    to: tuple[str, ...] = ()
    """``midi``, ``synth`` or both; none is both, MIDI where there is any."""
    midi_port: str | None = None
    further_latency_s: float = 0.0
    headphones: bool = False
    """Nothing of the ensemble reaches the microphone."""
    loudspeakers: bool = False
    """Much of it does: the synthesiser's very sound is taken out."""
    out: Path | None = None
    keep: bool = True
    rehearse: bool = True
    """Whether earlier takes tell what is to be expected, and this one is learned from."""

    @property
    def conducted(self) -> bool:
        """Whether any key of the computer is a beat, and nobody is listened to."""
        return self.mode == "conduct"
