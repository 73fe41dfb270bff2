"""What a recording sounds like in a take that is made offline: rendered step by step, kept on disk.

The very `Playback` that sounds live is told the cues of the take as they come, and asked for the
hop that follows each. Nothing of the sound stays in memory.
"""

from __future__ import annotations

from array import array
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from accompanist.performing.cue import Cue
from accompanist.performing.playback.player import Playback
from accompanist.recordings.sound import ArraySound
from accompanist.session import Step, hop_samples
from bridges.recording_file import RecordingFile
from bridges.wav_writer import WavWriter

__all__ = ["EnsembleSound"]

FloatArray = npt.NDArray[np.float32]

_TAIL_S = 0.25
"""What sounds at the end fades, and silence follows."""


class EnsembleSound:
    """Renders a recording by the steps of a take. A context manager that leaves nothing behind.

    Parameters
    ----------
    playback : Playback
        Fresh; its output has the rate of the take.
    folder : Path
        For a file that is needed meanwhile.

    """

    def __init__(self, playback: Playback, folder: Path) -> None:
        self._playback = playback
        self._rate = playback.out_rate
        self._hop = hop_samples(self._rate)
        self._file = folder / ".ensemble.wav"
        self._cue: Cue | None = None
        self._time_s = 0.0
        self._way = array("d")
        self._writing, self._keeping = ExitStack(), ExitStack()

    def __enter__(self) -> Self:
        self._keeping.callback(lambda: self._file.unlink(missing_ok=True))
        writer = WavWriter(self._file, self._rate, self._playback.channels, exact=True)
        self._writer = self._writing.enter_context(writer)
        # Before the first step nothing has been said.
        self._writer.write(np.zeros((self._hop, self._playback.channels), dtype=np.float32))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writing.close()
        self._keeping.close()

    @property
    def travelled(self) -> npt.NDArray[np.float64]:
        """Take time and place in the recording, both in seconds, of what was heard.

        [shape=(n, 2)], every few milliseconds in which anything sounded.
        """
        return np.array(self._way, dtype=np.float64).reshape(-1, 2)

    def hear(self, step: Step) -> None:
        """Render the hop behind a step.

        Raises
        ------
        AccompanistError
            The disk is full.
        """
        self._cue, self._time_s = step.cue, step.estimate.time_s
        self._playback.take(step.cue)
        self._render(self._hop)

    def write(self, folder: Path, audio: FloatArray) -> None:
        """Write ``accompaniment.wav`` and ``mix.wav``; the last that is asked for.

        Parameters
        ----------
        folder : Path
        audio : ndarray [shape=(n, channels)]
            The soloist, at the rate of the take.

        Raises
        ------
        AccompanistError
            They cannot be written.
        """
        from accompanist.takes.mix import balanced

        if self._cue is not None:
            self._playback.take(replace(self._cue, time_s=self._time_s, state="ended"))
            self._render(round(_TAIL_S * self._rate))
        self._writing.close()
        with (
            RecordingFile(self._file) as ensemble,
            WavWriter(folder / "accompaniment.wav", self._rate, 2) as alone,
            WavWriter(folder / "mix.wav", self._rate, 2) as together,
        ):
            for others, mix in balanced(ArraySound(audio, self._rate), ensemble):
                alone.write(others)
                together.write(mix)

    def _render(self, count: int) -> None:
        self._writer.write(self._playback.render(self._time_s, count))
        for point in self._playback.travelled():
            self._way.extend(point)
        self._time_s += count / self._rate
