"""A recording on disk, made ready to be played in time: live, and offline."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from accompanist.errors import AccompanistError
from accompanist.performing.playback.player import Playback
from accompanist.recordings.stretching.registry import make_stretcher
from accompanist.score.model import Score
from accompanist.score.tempo import written_tempo
from bridges.recording_file import RecordingFile

__all__ = ["open_recorded"]

_MOST_AMISS_S = 1.0


def open_recorded(
    file: Path,
    accompaniment: Path | None,
    score: Score,
    rate: int,
    files: ExitStack,
    warn: Callable[[str], None],
    *,
    stretcher: str | None = None,
    log: int = 100_000,
) -> tuple[Playback, bool]:
    """Open a recording, and the same without its soloist where there is such a thing.

    Parameters
    ----------
    file, accompaniment : Path
        Files that can be read anywhere.
    score : Score
        Its written seconds are seconds of the recording.
    rate : int
        Samples a second wanted.
    files : ExitStack
        Is given what has to be closed.
    warn : callable
        Told in a line what cannot be had.
    stretcher : str, optional
        One of `accompanist.recordings.stretching.registry.stretcher_names`.
    log : int
        Hops that the playback remembers.

    Returns
    -------
    (Playback, bool)
        The recording, and whether it can be heard without its soloist.

    Raises
    ------
    AccompanistError
        The recording cannot be read.
    """
    mix = files.enter_context(RecordingFile(file))
    without = None
    if accompaniment is not None:
        try:
            without = files.enter_context(RecordingFile(accompaniment))
        except AccompanistError as error:
            warn(f"the soloist is heard: {error}")
        else:
            alike = (without.rate, without.channels) == (mix.rate, mix.channels)
            if not alike or abs(without.length - mix.length) > _MOST_AMISS_S * mix.rate:
                warn(f"the soloist is heard: {accompaniment} does not fit {file}")
                without = None
    playback = Playback(
        mix,
        without,
        written_tempo(score),
        out_rate=rate,
        stretch=make_stretcher(stretcher),
        log=log,
    )
    return playback, without is not None
