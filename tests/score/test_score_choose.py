"""Which part is the solo."""

from __future__ import annotations

import pytest

from accompanist.errors import UsageError
from accompanist.score.choose import choose_solo
from accompanist.score.model import Note, Part, Score


def melody(pitch: int = 74, count: int = 16) -> tuple[Note, ...]:
    return tuple(Note(float(i), 1.0, pitch + i % 5) for i in range(count))


def chords(pitch: int = 48, count: int = 16) -> tuple[Note, ...]:
    return tuple(Note(float(i), 1.0, pitch + step) for i in range(count) for step in (0, 4, 7))


def score(*parts: tuple[str, tuple[Note, ...]], suggested: int | None = None) -> Score:
    made = tuple(Part(i, name, notes) for i, (name, notes) in enumerate(parts, 1))
    return Score("Piece", made, (), suggested_solo=suggested)


TRIO = score(("Violin I", melody()), ("Violin II", melody(67)), ("Piano", chords()), ("Tacet", ()))


@pytest.mark.parametrize(
    ("wanted", "number"),
    [(1, 1), ("2", 2), ("violin i", 1), ("  Violin   II ", 2), ("pia", 3), ("PIANO", 3)],
)
def test_a_part_is_found_by_number_or_name(wanted: str | int, number: int) -> None:
    assert choose_solo(TRIO, wanted).part.number == number


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (5, "there is no part 5; there are: 1 Violin I, 2 Violin II, 3 Piano, 4 Tacet"),
        ("0", "there is no part 0"),
        ("violin", r"fits several parts \(1 Violin I, 2 Violin II\); give its number"),
        ("Kazoo", "no part is called 'Kazoo'; there are: 1 Violin I"),
        ("", "no part is called"),
        ("Tacet", r"part 4 \(Tacet\) has no notes to follow"),
        (4, "has no notes"),
    ],
)
def test_what_cannot_be_found_is_a_usage_error(wanted: str | int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose_solo(TRIO, wanted)


def test_a_number_that_is_a_name_is_the_name() -> None:
    assert choose_solo(score(("2", melody()), ("1", chords())), "2").part.number == 1


def test_an_instrument_will_do_where_no_name_fits() -> None:
    parts = (Part(1, "A", chords()), Part(2, "B", melody(), instrument="Oboe"))
    assert choose_solo(Score("p", parts, ()), "oboe").part.number == 2


def test_the_source_knows_best_unless_its_part_is_silent() -> None:
    assert (
        choose_solo(score(("Violin", melody()), ("Piano", chords()), suggested=2)).part.number == 2
    )
    assert choose_solo(score(("Violin", melody()), ("Piano", ()), suggested=2)).part.number == 1


@pytest.mark.parametrize(
    ("parts", "solo", "reason"),
    [
        ((("Piano", chords()), ("Soprano", melody())), "Soprano", "voice"),
        ((("RH", melody()), ("LH", chords()), ("Horn in F", melody(60))), "Horn in F", "melody"),
        ((("up", melody()), ("down", chords())), "up", "right hand"),
        ((("lower", chords(40)), ("upper", chords(72))), "upper", "right hand"),
        ((("Part 1", chords()), ("one", melody())), "one", "looks most like a melody"),
        ((("Part 1", melody()), ("Part 2", chords())), "Part 1", "looks most like a melody"),
        ((("Violoncello", melody(48)), ("Klavier", chords())), "Violoncello", "melody instrument"),
        ((("Cello", melody(48)), ("Strings", melody(72))), "Cello", "melody instrument"),
        ((("Violin I", melody()), ("Violin II", melody()), ("Viola", melody(60))), "Violin I", ""),
        ((("Soprano", melody()), ("Alto", melody(65)), ("Bass", melody(45))), "Soprano", "voice"),
        ((("flute", melody()), ("treble", melody()), ("bass", melody(40))), "flute", ""),
        ((("Staff_violin", melody()), ("up", chords())), "Staff_violin", "melody instrument"),
        ((("Alto Sax", melody(60)), ("Bass Guitar", melody(36))), "Alto Sax", ""),
        ((("Strings", chords()), ("Solo", melody(50))), "Solo", "name says so"),
        ((("Soprano", melody()), ("Solo Voice", melody(60))), "Solo Voice", "name says so"),
        ((("cello", melody(45)), ("treble", chords(70)), ("bass", melody(40))), "cello", "melody"),
        ((("Part 1", chords(55)), ("Part 2", melody(80)), ("Part 3", melody(40))), "Part 1", ""),
        ((("Piano", chords()),), "Piano", "only part"),
        ((("Singstimme", ()), ("Piano", chords())), "Piano", "only part"),
    ],
)
def test_the_guess(parts: tuple[tuple[str, tuple[Note, ...]], ...], solo: str, reason: str) -> None:
    choice = choose_solo(score(*parts))
    assert choice.part.name == solo
    assert reason in choice.reason


def test_words_to_sing_and_programs_count_where_names_say_nothing() -> None:
    sung = Part(2, "Mignon", melody(62), program=73, lyrics=True)
    parts = (Part(1, "Harfner", melody(74), program=56), sung, Part(3, "P", chords()))
    choice = choose_solo(Score("Duet", parts, ()))
    assert (choice.part.number, choice.reason) == (2, "it has words to sing")
    by_program = (Part(1, "a", chords(), program=6), Part(2, "b", chords(60), program=40))
    assert choose_solo(Score("Duo", by_program, ())).part.number == 2


def test_drums_and_a_few_bars_of_somebody_else_are_no_solo() -> None:
    drums = Part(1, "Solo", melody(), percussion=True)
    few = Part(2, "Violin ossia", melody(80, 2), program=40)
    violin = Part(3, "Violin", melody(70, 60), program=40)
    assert choose_solo(Score("Band", (drums, few, violin), ())).part.number == 3


def test_a_piece_without_notes_has_no_solo() -> None:
    with pytest.raises(UsageError, match="no part has any notes"):
        choose_solo(score(("Violin", ())))
