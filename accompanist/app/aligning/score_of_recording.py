"""A score tied to a recording that is a piece, with a progress bar."""

from __future__ import annotations

from collections.abc import Callable

from accompanist.app.aligning.listening import hear
from accompanist.app.progress import progress_bar
from accompanist.recordings.sound import Sound
from accompanist.score.model import Score

__all__ = ["align_piece_score"]


def align_piece_score(
    sound: Sound,
    score: Score,
    *,
    name: str = "the recording",
    tell: Callable[[str], None] | None = None,
) -> Score:
    """Give a score the tempo of a recording.

    Parameters
    ----------
    sound : Sound
        The recording, readable anywhere to the sample.
    score : Score
        Of the same piece, as it is read from a file.
    name : str
        What the recording is called in messages.
    tell : callable, optional
        Told what a human should know, a line each: repeats left out, another key.

    Returns
    -------
    Score
        Its written seconds are seconds of the recording, with ``recording_s`` set. What the
        recording leaves out is left out; bar ``0`` is the time before the first note.

    Raises
    ------
    BadInputError
        The recording is silent, too short or not of this piece, or the score has no notes.
    """
    heard = hear(sound, name)
    from accompanist.recordings.aligning.scored import align_score

    with progress_bar("Aligning the score"):
        tied = align_score(score, heard, sound.length / sound.rate, name)
    if tell is not None:
        for remark in tied.remarks:
            tell(remark)
    return tied.score
