"""A score tied to a recording: its bars and marks at the times of the recording."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.errors import BadInputError
from accompanist.recordings.aligning.cutting import Kept, Nothing, rearranged
from accompanist.recordings.aligning.features import Features, sound_features
from accompanist.recordings.aligning.scored import ScoredRecording, align_score
from accompanist.recordings.aligning.skips import passages_without
from accompanist.recordings.sound import ArraySound
from accompanist.score.model import (
    ControlChange,
    Fermata,
    Mark,
    Measure,
    Metre,
    Note,
    Part,
    Score,
    TempoMark,
    TempoSpan,
)
from accompanist.score.tempo import written_tempo

Samples = npt.NDArray[np.float32]
RATE = 20_000


def song() -> Score:
    """Eight bars that are repeated, then eight others: a melody over a bass, in 4/4."""
    rng = np.random.default_rng(4)
    scale = (60, 62, 64, 65, 67, 69, 71, 72, 74)

    def strain(start: float, rng: np.random.Generator) -> tuple[list[Note], list[Note]]:
        upper, at = [], 0.0
        while at < 32.0:
            length = min(float(rng.choice((0.5, 1.0, 1.0, 2.0))), 32.0 - at)
            upper.append(Note(start + at, length, int(rng.choice(scale))))
            at += length
        roots = rng.choice((36, 41, 43, 45), 8)
        return upper, [Note(start + 4.0 * i, 4.0, int(p)) for i, p in enumerate(roots)]

    strains = [
        strain(0.0, np.random.default_rng(4)),
        strain(32.0, np.random.default_rng(4)),
        strain(64.0, rng.spawn(1)[0]),
    ]
    bars = [(i % 8 + 1 if i < 16 else i - 7, 2 if 8 <= i < 16 else 1) for i in range(24)]
    return Score(
        "Song",
        (
            Part(1, "Voice", tuple(n for upper, _ in strains for n in upper)),
            Part(2, "Cello", tuple(n for _, lower in strains for n in lower)),
        ),
        tuple(Measure(4.0 * i, 4.0, str(n), v) for i, (n, v) in enumerate(bars)),
        tempo_marks=(TempoMark(0.0, 100.0),),
        metres=(Metre(0.0, 4, 4),),
        marks=(Mark(64.0, "B"),),
    )


def played(
    score: Score, play_tones: Callable[..., Samples], lead_s: float, cut_s: float = 0.0
) -> tuple[Features, float, Callable[[Sequence[float]], npt.NDArray[np.float64]]]:
    """Play it with rubato, about 150 a minute; gives also its length and the true times."""
    grid = np.arange(0.0, score.end_quarter + 1.0)
    pace = 0.4 * np.exp(0.15 * np.sin(grid / 5.0))
    times = lead_s + np.concatenate(([0.0], np.cumsum(pace[:-1])))
    notes = [
        (*np.interp([n.onset_quarter, n.end_quarter], grid, times), n.pitch)
        for part in score.parts
        for n in part.notes
    ]
    samples = play_tones(notes, RATE, gain=0.1)[round(cut_s * RATE) :]
    features = sound_features(ArraySound(samples, RATE))
    return features, len(samples) / RATE, lambda q: np.interp(q, grid, times) - cut_s


def check_times(tied: ScoredRecording, true_s: npt.NDArray[np.float64]) -> None:
    """Most onsets are exact; among equal notes one may be taken for its neighbour's end."""
    places = onsets(tied.score)
    assert len(places) == len(true_s)
    errors_s = np.abs(written_tempo(tied.score).to_seconds(places) - true_s)
    assert np.median(errors_s) < 0.01
    assert np.quantile(errors_s, 0.9) < 0.03
    assert errors_s.max() < 0.2


def printed(score: Score) -> list[str]:
    return [m.printed for m in score.measures]


def onsets(score: Score) -> list[float]:
    return [n.onset_quarter for n in score.parts[0].notes]


def test_written_seconds_are_those_of_the_recording(play_tones: Callable[..., Samples]) -> None:
    score = song()
    features, length_s, true_s = played(score, play_tones, 1.6)
    tied = align_score(score, features, length_s)
    check_times(tied, true_s(onsets(score)))
    assert tied.remarks == ()
    assert tied.score.recording_s == length_s
    assert printed(tied.score) == ["0", *printed(score), "end"]
    lead = tied.score.measures[1].start_quarter
    assert lead == 3.0  # whole beats: bars stay on the beats that are counted
    assert tied.score.marks == (Mark(64.0 + lead, "B"),)
    assert [p.name for p in tied.score.parts] == ["Voice", "Cello"]
    assert [len(p.notes) for p in tied.score.parts] == [len(p.notes) for p in score.parts]
    tempo = written_tempo(tied.score)
    assert float(tempo.to_seconds(0.0)) == 0.0
    assert float(tempo.to_seconds(tied.score.end_quarter)) == pytest.approx(length_s, abs=0.3)
    qpm = [mark.qpm for mark in tied.score.tempo_marks]
    assert min(qpm) > 90.0
    assert max(qpm) < 220.0


@pytest.mark.parametrize("lead_s", [0.0, 0.3])
def test_a_repeat_left_out_is_left_out(play_tones: Callable[..., Samples], lead_s: float) -> None:
    score = song()
    short = rearranged(score, [Kept(0.0, 32.0), Kept(64.0, 96.0)])
    features, length_s, true_s = played(short, play_tones, lead_s)
    tied = align_score(score, features, length_s, "x.flac")
    check_times(tied, true_s(onsets(short)))
    bars = [n for n in printed(tied.score) if n not in ("0", "end")]
    assert bars == [str(n) for n in range(1, 17)]
    assert tied.remarks == ("x.flac leaves out bars 1 to 8",)
    assert max(mark.qpm for mark in tied.score.tempo_marks) < 4.0 * 150.0


def test_a_cadenza_gets_bars_of_its_own(play_tones: Callable[..., Samples]) -> None:
    score = song()
    longer = rearranged(score, [Kept(0.0, 80.0), Nothing(24.0, "cadenza"), Kept(80.0, 96.0)])
    features, length_s, true_s = played(longer, play_tones, 0.0)
    tied = align_score(score, features, length_s)
    assert printed(tied.score).count("–") == 1
    errors_s = written_tempo(tied.score).to_seconds(onsets(tied.score)) - true_s(onsets(longer))
    assert np.median(np.abs(errors_s)) < 0.02
    qpm = [mark.qpm for mark in tied.score.tempo_marks]
    assert min(qpm) > 60.0


def test_what_a_cut_recording_has_not_got_is_left_out(play_tones: Callable[..., Samples]) -> None:
    score = song()
    features, length_s, true_s = played(score, play_tones, 0.5, cut_s=18.0)
    tied = align_score(score, features, length_s, "x.flac")
    assert tied.remarks == ("x.flac begins in bar 3; what is before is left out",)
    ours = written_tempo(tied.score).to_seconds(onsets(tied.score))
    true = true_s(onsets(score))
    true = true[len(true) - len(ours) :]
    assert np.quantile(np.abs(ours - true), 0.9) < 0.03
    assert ours[0] < 1.5


def test_no_notes_and_another_piece_are_refused(play_tones: Callable[..., Samples]) -> None:
    score = song()
    features, length_s, _ = played(score, play_tones, 0.2)
    with pytest.raises(BadInputError, match="no notes"):
        align_score(Score("Empty", (Part(1, "a", ()),), ()), features, length_s)
    other = Score(
        "Other",
        (Part(1, "a", tuple(Note(float(i), 1.0, 54 + (i * i * 5) % 13) for i in range(60))),),
        (),
    )
    with pytest.raises(BadInputError, match="does not sound like Other"):
        align_score(other, features, length_s)


def test_cutting_moves_everything_and_states_what_is_in_force() -> None:
    score = Score(
        "x",
        (
            Part(
                1,
                "a",
                (Note(0.0, 1.0, 60), Note(3.0, 2.0, 62), Note(6.0, 1.0, 64), Note(8.0, 1.0, 65)),
                controls=(ControlChange(0.0, "program", 0, 40), ControlChange(5.0, "cc", 7, 90)),
            ),
        ),
        tuple(Measure(2.0 * i, 2.0, str(i + 1)) for i in range(5)),
        tempo_marks=(TempoMark(0.0, 90.0), TempoMark(6.0, 60.0)),
        tempo_spans=(TempoSpan(0.0, 2.0, 0.5),),
        metres=(Metre(0.0, 2, 4), Metre(4.0, 6, 8)),
        marks=(Mark(2.0, "A"), Mark(8.0, "B")),
        fermatas=(Fermata(8.0, 9.0),),
    )
    out = rearranged(score, [Nothing(1.0, "0"), Kept(2.0, 4.0), Kept(6.0, 10.0)])
    assert [(m.start_quarter, m.printed) for m in out.measures] == [
        (0.0, "0"), (1.0, "2"), (3.0, "4"), (5.0, "5"),
    ]  # fmt: skip
    assert out.parts[0].notes == (Note(2.0, 1.0, 62), Note(3.0, 1.0, 64), Note(5.0, 1.0, 65))
    assert out.parts[0].controls == (
        ControlChange(1.0, "program", 0, 40),
        ControlChange(3.0, "program", 0, 40),
        ControlChange(3.0, "cc", 7, 90),
    )
    assert [m.quarter for m in out.metres] == [0.0, 1.0, 3.0]
    assert [m.numerator for m in out.metres] == [2, 2, 6]
    assert [(m.quarter, m.text) for m in out.marks] == [(1.0, "A"), (5.0, "B")]
    assert out.fermatas == (Fermata(5.0, 6.0),)
    assert out.tempo_spans == ()
    assert passages_without([], 5.0) == [Kept(0.0, 5.0)]
