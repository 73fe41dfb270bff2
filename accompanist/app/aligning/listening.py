"""Opening recordings for an alignment, and hearing them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from accompanist.app.progress import progress_bar
from accompanist.errors import BadInputError
from accompanist.recordings.sound import Sound
from bridges.recording_file import RecordingFile, copy_recording, seeks_exactly

if TYPE_CHECKING:
    from accompanist.recordings.aligning.features import Features

__all__ = ["hear", "hear_file", "readable_recording"]


@contextmanager
def readable_recording(path: Path) -> Iterator[RecordingFile]:
    """Open a recording so that it can be read anywhere, to the sample.

    What comes in a format that cannot (MP3, Ogg, Opus), or breaks off before the end that its
    header tells, is decoded into a temporary file first.

    Raises
    ------
    BadInputError
        The file is missing or not audio.
    """
    with RecordingFile(path) as file:
        if seeks_exactly(path) and not _breaks_off(path):
            yield file
            return
        with tempfile.TemporaryDirectory(prefix="accompanist-") as folder:
            decoded = Path(folder, "recording.flac")
            with progress_bar(f"Decoding {path.name}", file.duration_s) as advance:
                copy_recording(file, decoded, progress=advance)
            with RecordingFile(decoded) as copy:
                yield copy


def _breaks_off(path: Path) -> bool:
    """Whether a file has no end: a damaged FLAC file finds no place in it any more either."""
    with RecordingFile(path) as probe:
        probe.read(probe.length - 1, 1)
        return probe.broke_at is not None


def hear(sound: Sound, name: str) -> Features:
    """Compute what an alignment compares, with a progress bar.

    Raises
    ------
    BadInputError
        It is too short or silent.
    """
    from accompanist.recordings.aligning.alignment import check_heard
    from accompanist.recordings.aligning.features import sound_features

    with progress_bar(f"Listening to {name}", sound.length / sound.rate) as advance:
        features = sound_features(sound, advance)
    check_heard(features, name)
    return features


def hear_file(path: Path) -> Features:
    """Compute what an alignment compares of a file, as `hear`."""
    with readable_recording(path) as sound:
        try:
            return hear(sound, str(path))
        except BadInputError as error:
            if sound.broke_at == 0:  # else it would be called silent
                raise BadInputError(
                    f"{path}: nothing in it can be decoded; record or copy it again"
                ) from error
            raise
