"""The offline driver: one loop for takes from the beginning and from elsewhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.app.offline import OfflineSettings, run_take
from accompanist.errors import DeviceError
from accompanist.score.model import Measure, Note, Part, Score, TempoMark
from accompanist.simulation.bleed import Bleed

RATE = 22_050
PHRASE = (69, 71, 72, 74, 76, 77, 79, 81)
LENGTH = float(len(PHRASE))


def two_verses() -> Score:
    """Two verses that sound the same: only a human can tell which one is played."""
    solo = tuple(Note(float(i), 1.0, pitch) for i, pitch in enumerate(PHRASE * 2))
    bass = tuple(Note(2.0 * i, 2.0, 45) for i in range(len(PHRASE)))
    measures = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(4))
    return Score(
        "Verses",
        (Part(1, "Guitar", solo), Part(2, "Bass", bass)),
        measures,
        tempo_marks=(TempoMark(0.0, 120.0),),
    )


def one_verse() -> npt.NDArray[np.float32]:
    time_s = np.arange(RATE // 2) / RATE
    sound = [np.zeros(RATE // 2)]
    for pitch in PHRASE:
        hz = 440.0 * 2 ** ((pitch - 69) / 12)
        partials = [0.7**k * np.sin(2 * np.pi * hz * (k + 1) * time_s) for k in range(6)]
        sound.append(0.2 * np.sum(partials, axis=0) * np.exp(-4 * time_s))
    return np.concatenate(sound).astype(np.float32)


@pytest.mark.parametrize(("start", "begins"), [(None, 0.0), (LENGTH, LENGTH)])
def test_the_soloist_begins_where_a_human_says(start: float | None, begins: float) -> None:
    score = two_verses()
    sound = one_verse()
    take = run_take(score, score.parts[0], sound, RATE, start_quarter=start)
    assert [o.quarter for o in take.record.onsets] == [begins + i for i in range(len(PHRASE))]
    struck = [m.quarter for m in take.record.struck if m.time_s < len(sound) / RATE]
    assert struck[:4] == [begins + 2.0 * i for i in range(4)]


def test_the_block_size_has_no_influence_elsewhere_either() -> None:
    score = two_verses()
    records = [
        run_take(
            score,
            score.parts[0],
            one_verse(),
            RATE,
            OfflineSettings(block=block),
            start_quarter=LENGTH,
        ).record
        for block in (100, 5000)
    ]
    assert records[0].messages == records[1].messages
    assert np.array_equal(records[0].quarters, records[1].quarters)


def heard_back(block: int, level_db: float = 0.0) -> tuple[list[float], npt.NDArray[np.float64]]:
    score = two_verses()
    bleed = Bleed(level_db, 0.0503, rt60_s=0.2)
    settings = OfflineSettings(block=block, bleed=bleed)
    sound = one_verse()[: 2 * RATE]
    record = run_take(score, score.parts[0], sound, RATE, settings).record
    return [m.time_s for m in record.messages], record.levels_db


def test_the_block_size_has_no_influence_on_a_closed_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nothing_found(_: object) -> None:
        raise DeviceError("no sound font")

    monkeypatch.setattr("bridges.soundfonts.find_soundfont", nothing_found)
    small, large = heard_back(100), heard_back(5000)
    assert small[0] == large[0]
    assert np.array_equal(small[1], large[1])
    # The ensemble is heard in the microphone: 6 dB more of it make the whole louder.
    assert heard_back(5000, 6.0)[1][100:].mean() > large[1][100:].mean() + 1.0
