"""Dynamics, articulations and the like of a MusicXML score."""

import pytest
from musicxml_text import attributes, direction, document, note, repeat, words

from accompanist.score.model import Articulation, Level, Note, Ornament, Part, Score
from accompanist.score.serial import score_from_plain, score_to_plain
from score_library.importers.musicxml import read_musicxml
from score_library.importers.safe_xml import parse_xml

FULL = note("C", 16)
QUARTERS = "".join(note(step) for step in "CDEF")
OPENING = direction('<wedge type="crescendo" number="1"/>')
CLOSING = direction('<wedge type="stop" number="1"/>')


def read(*measures: str) -> Score:
    first, *rest = measures
    data = document(("Violin", [attributes() + first, *rest]))
    return read_musicxml(parse_xml(data, "x"), "x")


def part(*measures: str) -> Part:
    return read(*measures).parts[0]


def dynamic(sign: str) -> str:
    return direction(f"<dynamics><{sign}/></dynamics>")


def velocities(*measures: str) -> list[int]:
    return [n.velocity for n in part(*measures).notes]


def level(of: Part, quarter: float) -> float:
    """Loudness just behind a place, even between the corners."""
    before = [c for c in of.levels if c.quarter <= quarter + 1e-9]
    behind = [c for c in of.levels if c.quarter > quarter + 1e-9]
    if not behind or not before:
        return (before[-1] if before else behind[0]).velocity
    a, b = before[-1], behind[0]
    return a.velocity + (quarter - a.quarter) / (b.quarter - a.quarter) * (b.velocity - a.velocity)


def test_a_score_without_signs_has_no_curve() -> None:
    assert part(QUARTERS).levels == ()
    assert part(words("Allegro") + QUARTERS).levels == ()


def test_the_curve_says_what_happens_within_a_note() -> None:
    swelling = part(dynamic("p") + OPENING + FULL + CLOSING, dynamic("f") + FULL)
    assert [n.velocity for n in swelling.notes] == [52, 96]
    assert level(swelling, 0.0) == 52
    assert level(swelling, 2.0) == pytest.approx(74, abs=0.1)
    assert level(swelling, 6.0) == 96


def test_each_pass_of_a_repeat_has_the_same_dynamics() -> None:
    twice = part(dynamic("p") + OPENING + FULL, FULL + CLOSING + repeat("backward"))
    assert [n.velocity for n in twice.notes] == [52, 60, 52, 60]
    for quarter in (0.0, 3.0, 7.9):
        assert level(twice, quarter) == pytest.approx(level(twice, 8.0 + quarter), abs=0.1)
    assert level(twice, 7.99) > 67
    assert level(twice, 8.0) == 52


def test_an_fp_is_loud_for_a_moment_and_an_sf_too() -> None:
    sunk = part(dynamic("fp") + note("C", 8) + note("D", 8))
    assert [n.velocity for n in sunk.notes] == [92, 52]
    assert [level(sunk, q) for q in (0.0, 0.5, 2.0)] == [92.0, 52.0, 52.0]
    stressed = part(dynamic("p") + note("C", 8) + dynamic("sf") + note("D", 8))
    assert [n.velocity for n in stressed.notes] == [52, 68]
    assert [level(stressed, q) for q in (1.0, 2.0, 2.5, 3.0)] == [52.0, 68.0, 52.0, 52.0]
    # in a part without any level nobody knows what it sinks to
    alone = part(note("C", 8) + dynamic("sfz") + note("D", 8))
    assert [n.velocity for n in alone.notes] == [80, 98]
    assert alone.levels == ()


def test_a_word_without_an_aim_lasts_a_while_and_dashes_or_the_next_word_end_it() -> None:
    assert velocities(words("cresc.") + QUARTERS, QUARTERS, FULL) == [
        80, 82, 84, 86, 88, 90, 92, 94, 96,
    ]  # fmt: skip
    dashed = direction('<dashes type="stop" number="1"/>')
    assert velocities(words("cresc.") + QUARTERS + dashed, FULL) == [80, 84, 88, 92, 96]
    assert velocities(words("cresc.") + QUARTERS, words("dim.") + QUARTERS, FULL)[::4] == [
        80, 96, 88,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "velocity"),
    [("p", 52), ("sempre p", 52), ("f subito", 96), ("pp dolce", 40), ("forte", 96),
     ("mezzo forte", 80), ("sub. pp", 40), ("p espress.", 52), ("Piano", 80), ("f. a. q.", 80),
     ("dolce", 80), ("più f", 80)],
)  # fmt: skip
def test_levels_written_as_words(text: str, velocity: int) -> None:
    assert velocities(words(text) + QUARTERS) == [velocity] * 4


def early(sign: str) -> str:
    """A sign that an engraver has moved an eighth of a quarter to the left."""
    return dynamic(sign).replace("</direction-type>", "</direction-type><offset>-0.5</offset>")


def test_a_sign_moved_to_the_left_belongs_to_the_note_behind_it() -> None:
    moved = part(dynamic("f") + note("C", 8) + early("p") + note("D", 8))
    assert [n.velocity for n in moved.notes] == [96, 52]
    assert [level(moved, q) for q in (1.9, 2.0)] == [pytest.approx(96), 52]
    stressed = part(dynamic("p") + note("C", 8) + early("sf") + note("D", 8))
    assert [n.velocity for n in stressed.notes] == [52, 68]
    # in the middle of a held note it is meant there
    held = part(
        dynamic("f") + note("C", 16),
        note("D", 8)
        + "<backup><duration>4</duration></backup>"
        + dynamic("p")
        + "<forward><duration>4</duration></forward>"
        + note("E", 8),
    )
    assert level(held, 4.9) == pytest.approx(96)
    assert level(held, 5.0) == 52


def noted(inside: str) -> Note:
    return part(note("C", 16, f"<notations>{inside}</notations>")).notes[0]


@pytest.mark.parametrize(
    ("signs", "articulation", "velocity"),
    [
        ("<staccato/>", Articulation.STACCATO, 80),
        ("<staccatissimo/>", Articulation.STACCATISSIMO, 80),
        ("<spiccato/>", Articulation.STACCATISSIMO, 80),
        ("<tenuto/>", Articulation.TENUTO, 83),
        ("<detached-legato/>", Articulation.PORTATO, 80),
        ("<staccato/><tenuto/>", Articulation.PORTATO, 83),
        ("<accent/><staccato/>", Articulation.STACCATO, 88),
        ("<strong-accent/>", Articulation.PLAIN, 94),
        ("<soft-accent/>", Articulation.PLAIN, 85),
        ("<unstress/>", Articulation.PLAIN, 74),
        ("<something-new/>", Articulation.PLAIN, 80),
    ],
)
def test_articulations(signs: str, articulation: Articulation, velocity: int) -> None:
    found = noted(f"<articulations>{signs}</articulations>")
    assert (found.articulation, found.velocity) == (articulation, velocity)


def slurred(kind: str, number: int = 1, more: str = "") -> str:
    return f'<notations><slur type="{kind}" number="{number}"/>{more}</notations>'


def articulations(*measures: str) -> list[str]:
    return [n.articulation.value for n in part(*measures).notes]


def test_notes_under_a_slur_are_joined_and_its_last_one_is_let_go() -> None:
    assert articulations(
        note("C", 4, slurred("start")) + note("D") + note("E", 4, slurred("stop")) + note("F")
    ) == ["legato", "legato", "slur end", "plain"]
    # over the bar line, and one slur where another ends
    assert articulations(
        note("C", 16, slurred("start")),
        note("D", 8, slurred("stop") + slurred("start", 2)) + note("E", 8, slurred("stop", 2)),
    ) == ["legato", "legato", "slur end"]


def test_a_slur_is_its_own_voices_and_dots_under_it_are_portato() -> None:
    back = "<backup><duration>16</duration></backup>"
    two = note("C", 16, slurred("start")) + back + note("G", 16, voice=2)
    assert sorted(articulations(two)) == ["legato", "plain"]
    dot = "<articulations><staccato/></articulations>"
    assert articulations(
        note("C", 8, slurred("start", more=dot)) + note("D", 8, slurred("stop", more=dot))
    ) == ["portato", "portato"]


def test_a_sign_at_a_chord_is_for_all_its_notes() -> None:
    dot = "<notations><articulations><staccato/><accent/></articulations></notations>"
    chord = part(note("C", 16, dot) + note("E", 16, "<chord/>"))
    assert [(n.articulation, n.velocity) for n in chord.notes] == [(Articulation.STACCATO, 88)] * 2


@pytest.mark.parametrize(
    ("sign", "kind", "ornament", "stroke"),
    [
        ('<tremolo type="single">3</tremolo>', "half", Ornament.TREMOLO, 0.0),
        ('<tremolo type="single">2</tremolo>', "half", Ornament.TREMOLO, 0.25),
        ("<tremolo>1</tremolo>", "eighth", Ornament.TREMOLO, 0.25),
        ('<tremolo type="unmeasured">0</tremolo>', "half", Ornament.TREMOLO, 0.0),
        ('<tremolo type="start">2</tremolo>', "half", Ornament.ALTERNATION, 0.25),
    ],
)
def test_tremolos(sign: str, kind: str, ornament: Ornament, stroke: float) -> None:
    inside = f"<type>{kind}</type><notations><ornaments>{sign}</ornaments></notations>"
    found = part(note("C", 16, inside)).notes[0]
    assert (found.ornament, found.stroke_quarter) == (ornament, stroke)


def test_all_of_it_goes_through_a_file_and_back() -> None:
    score = read(
        dynamic("fp") + note("C", 8, slurred("start")) + note("D", 8, slurred("stop")),
        note("E", 16, "<notations><ornaments><tremolo>1</tremolo></ornaments></notations>"),
    )
    assert score_from_plain(score_to_plain(score)) == score
    assert score.parts[0].levels[0] == Level(0.0, 92.0)
