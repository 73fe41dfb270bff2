"""The table of an alignment, and the names in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accompanist.app.aligning.table import (
    AlignmentTable,
    check_out,
    column_names,
    rows_at,
    write_table,
)
from accompanist.errors import AccompanistError, UsageError


def table(unit: str = "quarters") -> AlignmentTable:
    return AlignmentTable(
        unit,
        ("a", "b"),
        np.array([0.0, 0.5, 4 / 3]),
        np.array([[0.1, np.nan], [0.35, 2.0], [12.34567, 3.5]]),
    )


def test_the_table_to_the_letter(tmp_path: Path) -> None:
    out = tmp_path / "t.csv"
    write_table(out, table())
    assert out.read_text("utf-8") == (
        "# position: quarters\n"
        "quarter,a,b\n"
        "0,0.1000,\n"
        "0.5,0.3500,2.0000\n"
        "1.333333333,12.3457,3.5000\n"
    )
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
    assert table("seconds").text().startswith("# position: seconds\n")


def test_a_table_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(AccompanistError, match="cannot be written"):
        write_table(tmp_path / "gone" / "t.csv", table())
    with pytest.raises(UsageError, match="is a folder"):
        check_out(tmp_path, [])
    with pytest.raises(UsageError, match="no such folder"):
        check_out(tmp_path / "gone" / "t.csv", [])
    take = tmp_path / "take.wav"
    with pytest.raises(UsageError, match="one of the files to be read"):
        check_out(take, [tmp_path / "x" / ".." / "take.wav"])
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.text(alphabet='ab,"# -', max_size=4), max_size=6))
def test_columns_have_names_of_their_own(stems: list[str]) -> None:
    names = column_names([Path("f") / f"{stem}.wav" for stem in stems])
    assert len(set(names)) == len(names) == len(stems)
    assert not any(c in name for name in names for c in ',"#\n')
    assert "quarter" not in names


@given(
    st.floats(0.0, 50.0),
    st.floats(0.05, 7.0),
    st.lists(st.floats(0.0, 50.0, allow_subnormal=False), max_size=20),
)
def test_rows_rise_and_have_every_onset(end: float, step: float, onsets: list[float]) -> None:
    rows = rows_at(end, step, np.array(sorted(onsets)))
    assert (np.diff(rows) >= 0.9e-3).all()
    for onset in onsets:
        assert np.abs(rows - onset).min() < 1.1e-3
    for place in np.arange(int(end / step + 1e-9) + 1) * step:
        assert np.abs(rows - place).min() < 1.1e-3
