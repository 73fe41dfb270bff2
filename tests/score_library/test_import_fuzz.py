"""Whatever the bytes are: a score or a one-line refusal, never another exception, never a hang."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from midi_bytes import meta, midi_file, off, on, program
from musicxml_text import attributes, direction, document, note, packed, repeat, rest, words

from accompanist.errors import BadInputError
from accompanist.score.tempo import written_tempo
from score_library.load import read_score

MIDI = midi_file(
    [meta("track_name", name="Tune"), meta("set_tempo", tempo=400_000), meta("marker", text="A")],
    [program(40), on(60), off(60, 480), on(62), off(62, 240), meta("key_signature", key="D")],
)
XML = document(
    (
        "Violin",
        [
            repeat("forward") + attributes() + words("rit.") + note("C", 8) + note("D", 8),
            note("E", 0, "<grace/>") + note("F", 16) + repeat("backward"),
            direction("<dynamics><f/></dynamics>") + rest(16, measure=True) + words("D.C."),
        ],
    )
)
PACKED = packed(XML)
edits = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 255), st.sampled_from(["set", "cut", "insert"])),
    min_size=1,
    max_size=6,
)


def edited(data: bytes, changes: list[tuple[float, int, str]]) -> bytes:
    buffer = bytearray(data)
    for place, value, kind in changes:
        at = min(len(buffer) - 1, int(place * len(buffer)))
        if at < 0:
            break
        if kind == "set":
            buffer[at] = value
        elif kind == "cut":
            del buffer[at : at + value % 8]
        else:
            buffer[at:at] = bytes([value])
    return bytes(buffer)


def read(data: bytes, suffix: str) -> None:
    score = refused = None
    try:
        score = read_score(data, Path("fuzz" + suffix))
    except BadInputError as error:
        refused = str(error)
    if score is None:
        assert refused is not None
        assert refused.startswith("fuzz" + suffix)
        assert "\n" not in refused
        return
    assert any(part.notes for part in score.parts)
    assert all(m.length_quarter > 0 for m in score.measures)
    written_tempo(score)
    for part in score.parts:
        places = [(n.onset_quarter, n.pitch) for n in part.notes]
        assert places == sorted(places)
        assert all(0 <= n.pitch <= 127 and 1 <= n.velocity <= 127 for n in part.notes)
        assert all(n.onset_quarter >= 0 and n.duration_quarter > 0 for n in part.notes)


quick = settings(
    max_examples=50, deadline=2000, suppress_health_check=[HealthCheck.differing_executors]
)


@quick
@given(edits)
def test_midi(changes: list[tuple[float, int, str]]) -> None:
    read(edited(MIDI, changes), ".mid")


@quick
@given(edits)
def test_musicxml(changes: list[tuple[float, int, str]]) -> None:
    read(edited(XML, changes), ".musicxml")


@quick
@given(edits)
def test_compressed_musicxml(changes: list[tuple[float, int, str]]) -> None:
    read(edited(PACKED, changes), ".mxl")


numbers = st.sampled_from(["0", "-1", "1e9", "nan", "inf", "", "x", "99999999999999999999", "0.3"])
tags = ["duration", "divisions", "octave", "alter", "beats", "beat-type", "staff", "voice"]


@quick
@given(st.sampled_from(tags), numbers)
def test_numbers_that_are_none(tag: str, value: str) -> None:
    opening, closing = f"<{tag}>".encode(), f"</{tag}>".encode()
    pieces = XML.split(opening)
    swapped = [opening + value.encode() + closing + p.partition(closing)[2] for p in pieces[1:]]
    read(pieces[0] + b"".join(swapped), ".musicxml")


@quick
@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    for suffix in (".mid", ".musicxml", ".mxl"):
        read(data, suffix)
