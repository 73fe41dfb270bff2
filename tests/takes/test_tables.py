from pathlib import Path

import pytest

from accompanist.errors import BadInputError
from accompanist.takes.tables import read_numbers, read_rows, read_truth


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_truth_is_sorted_by_time(tmp_path: Path) -> None:
    path = written(tmp_path, "quarter,time\n1.0,2.0\n0.0,1.0\n")
    quarter, time_s = read_truth(path)
    assert (quarter.tolist(), time_s.tolist()) == ([0.0, 1.0], [1.0, 2.0])


def test_comments_blank_lines_and_other_columns_do_not_matter(tmp_path: Path) -> None:
    path = written(tmp_path, "# position: quarters\n\ntime, extra, quarter\n1,x,2\n\n")
    assert read_numbers(path, ("quarter", "time")).tolist() == [[2.0, 1.0]]


def test_rows_as_text(tmp_path: Path) -> None:
    assert read_rows(written(tmp_path, "a,b\n 1 ,\n"), ("a", "b")) == [{"a": "1", "b": ""}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("quarter\n1\n", "no column time"),
        ("quarter,time\n1,x\n2,3\n", "row 1: time is 'x'"),
        ("quarter,time\n1,nan\n", "row 1: time is 'nan'"),
        ("quarter,time\n1\n", "row 1: time is ''"),
        ("quarter,time\n1,1\n", "two onsets"),
        ("", "not a table"),
        (b"\x00\x01\x02", "not a table"),
        (b"\xff\xfe\xfa", "not text"),
    ],
)
def test_broken_truth_is_named(tmp_path: Path, text: str | bytes, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(BadInputError, match=words) as caught:
        read_truth(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="No such file"):
        read_truth(tmp_path / "nothing.csv")
