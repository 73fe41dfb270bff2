"""OSC messages written as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from score_library.importers.cue_texts import Cue, read_cues


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/acc/cue/lights", (("/acc/cue/lights", ()),)),
        ("/a -3 +4 007", (("/a", (-3, 4, 7)),)),
        ("/a 1. .5 1e3 −2.5", (("/a", (1.0, 0.5, 1000.0, -2.5)),)),
        ('/a "two words" “typeset ones” 1x', (("/a", ("two words", "typeset ones", "1x")),)),
        ("  /a\n  1\n /b/c 2 ", (("/a", (1,)), ("/b/c", (2,)))),
        ("/a " + "1 " * 16, (("/a", (1,) * 16),)),
    ],
)
def test_messages(text: str, expected: tuple[Cue, ...]) -> None:
    assert read_cues(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "/", "//", "/a//b", "a /b", "dolce", "/a*", "/[1]", "/a 1 // 2", "/a " + "1 " * 17,
     "/" + "a" * 1000],
)  # fmt: skip
def test_what_is_no_message(text: str) -> None:
    assert read_cues(text) is None


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    for address, _ in read_cues("/" + text) or ():
        assert address.startswith("/")
        assert not set(address) & set(' #*,?[]{}"')
