"""A recording in which the soloist rests: played through there, waited in at their entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
import soundfile
from concerto_sounds import ENDS_S, ENTRIES_S, RATE, Concerto, made

from accompanist.app.offline import OfflineSettings, run_take
from accompanist.app.pieces import open_any, reference_of
from accompanist.app.separating.run import Choice
from accompanist.app.separating.separate import separate_piece
from accompanist.conducting.settings import ConductorSettings
from accompanist.score.introduction import introduction
from accompanist.score.tempo import written_tempo
from accompanist.session import Step
from score_library.catalogue import Piece


@pytest.fixture(scope="module")
def concerto(play_tones: Callable[..., np.ndarray]) -> Concerto:
    return made(play_tones)


@pytest.fixture(scope="module")
def piece(concerto: Concerto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Piece]:
    place = tmp_path_factory.mktemp("concerto")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE", "DATA", "CONFIG"):
            patch.setenv(f"XDG_{name}_HOME", str(place / name))
        soundfile.write(place / "concerto.wav", concerto.recording, RATE, subtype="FLOAT")
        soundfile.write(place / "u.wav", concerto.shown, RATE, subtype="FLOAT")
        opened = open_any(str(place / "concerto.wav"))
        separate_piece(opened, [place / "u.wav"], Choice(quality="fast"))
        yield open_any(str(place / "concerto.wav"))


@dataclass
class Rendered:
    """Where the orchestra was at every hop, in seconds of the recording."""

    piece: Piece
    times_s: list[float] = field(default_factory=list)
    places_s: list[float] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    reached: list[str] = field(default_factory=list)

    def hear(self, step: Step) -> None:
        self.times_s.append(step.estimate.time_s)
        self.places_s.append(float(written_tempo(self.piece.score).to_seconds(step.played_quarter)))
        self.states.append(step.state)

    def at(self, time_s: float) -> float:
        return float(np.interp(time_s, self.times_s, self.places_s))

    def states_in(self, first_s: float, last_s: float) -> set[str]:
        rows = zip(self.times_s, self.states, strict=True)
        return {state for time_s, state in rows if first_s < time_s < last_s}


def rendered(piece: Piece, take: np.ndarray, *, introduced: bool = False) -> Rendered:
    how = ConductorSettings()
    if introduced:
        how = ConductorSettings(start="countin", start_at_s=0.0, countin_bars=0.0)
    out = Rendered(piece)
    run_take(
        piece.score, piece.solo_part, take, RATE, OfflineSettings("recording", how),
        reference=reference_of(piece), each=out.hear,
    )  # fmt: skip
    return out


def test_the_rests_of_the_soloist_are_found(piece: Piece) -> None:
    onsets = written_tempo(piece.score).to_seconds([n.onset_quarter for n in piece.solo_part.notes])
    assert onsets[0] == pytest.approx(ENTRIES_S[0], abs=0.1)
    tutti = onsets[(onsets > ENDS_S[0] + 0.3) & (onsets < ENTRIES_S[1] + 0.5)]
    assert tutti[0] == pytest.approx(ENTRIES_S[1], abs=0.1)
    before = introduction(piece.score, piece.solo_part)
    assert before is not None
    assert before.start_quarter == 0.0


def test_it_begins_with_the_soloist_plays_the_tutti_and_waits_at_the_entry(
    piece: Piece, concerto: Concerto
) -> None:
    speed, late_s = 0.9, 2.5
    begin = 0.4
    tutti = begin + (ENDS_S[0] - ENTRIES_S[0]) / speed
    due = tutti + (ENTRIES_S[1] - ENDS_S[0]) / speed
    out = rendered(piece, concerto.take((begin, due + late_s), (speed, 1.0)))
    assert out.at(begin + 1.5) == pytest.approx(ENTRIES_S[0] + 1.5 * speed, abs=0.15)
    assert out.states_in(tutti + 0.5, due - 0.3) == {"following"}
    middle = (tutti + due) / 2
    assert out.at(middle) == pytest.approx((ENDS_S[0] + ENTRIES_S[1]) / 2, abs=0.4)
    assert out.at(due + 0.9) == out.at(due + late_s - 0.05)  # it stands
    assert ENTRIES_S[1] - 0.1 < out.at(due + late_s - 0.1) < ENTRIES_S[1] + 0.5
    assert out.at(due + late_s + 1.2) == pytest.approx(ENTRIES_S[1] + 1.2, abs=0.15)


def test_an_introduction_is_played_through_from_the_first_sample_on(
    piece: Piece, concerto: Concerto
) -> None:
    late_s = 1.0
    begin = ENTRIES_S[0] + late_s
    out = rendered(piece, concerto.take((begin, begin + 15.0), (1.0, 1.0)), introduced=True)
    for time_s in (0.5, 2.0, 4.0):
        assert out.at(time_s) == pytest.approx(time_s, abs=0.05)
    assert out.states_in(0.1, ENTRIES_S[0]) == {"following"}
    assert ENTRIES_S[0] - 0.1 < out.at(begin - 0.05) < ENTRIES_S[0] + 0.5
    assert out.at(begin + 1.2) == pytest.approx(ENTRIES_S[0] + 1.2, abs=0.15)
