"""MusicXML into a performed score."""

from __future__ import annotations

import pytest
from musicxml_text import attributes, direction, document, note, repeat, rest, words

from accompanist.errors import BadInputError
from accompanist.score.model import Fermata, Key, Mark, Metre, Note, Ornament, OscCue, Score
from score_library.importers.musicxml import read_musicxml
from score_library.importers.safe_xml import parse_xml


def read(*parts: tuple[str, list[str]], head: str = "", groups: str = "") -> Score:
    data = document(*parts, head=head, groups=groups)
    return read_musicxml(parse_xml(data, "x.xml"), "x.xml", "x")


def one(*measures: str) -> Score:
    """A score of one part; the first measure gets its divisions and metre by itself."""
    first, *others = measures
    return read(("Violin", [first if "<divisions>" in first else attributes() + first, *others]))


def rows(score: Score, part: int = 1) -> list[tuple[float, float, int]]:
    return [(n.onset_quarter, n.duration_quarter, n.pitch) for n in score.parts[part - 1].notes]


def played(score: Score) -> list[tuple[str, int]]:
    return [(m.printed, m.visit) for m in score.measures]


FULL = note("C", 16)


def test_notes_chords_voices_and_accidentals() -> None:
    score = one(
        note("C", 8)
        + note("E", 8, "<chord/>", alter=-1)
        + note("G", 8)
        + "<backup><duration>16</duration></backup>"
        + note("C", 16, octave=3, voice=2)
    )
    assert rows(score) == [
        (0.0, 4.0, 48), (0.0, 2.0, 60), (0.0, 2.0, 63), (2.0, 2.0, 67),
    ]  # fmt: skip


def test_ties_are_merged_over_the_bar_line() -> None:
    score = one(
        note("C", 12) + note("D", 4, '<tie type="start"/>'),
        note("D", 16, '<tie type="stop"/><tie type="start"/>'),
        note("D", 4, '<tie type="stop"/>') + note("D", 12),
    )
    assert rows(score) == [(0.0, 3.0, 60), (3.0, 6.0, 62), (9.0, 3.0, 62)]
    assert [n.tied for n in score.parts[0].notes] == [False, True, False]


def test_ties_into_a_second_ending_and_ties_to_nothing() -> None:
    volta = '<barline location="{}"><ending number="{}" type="{}"/>{}</barline>'
    back = '<repeat direction="backward"/>'
    score = one(
        note("C", 16, '<tie type="start"/>'),
        volta.format("left", 1, "start", "")
        + note("C", 16, '<tie type="stop"/>')
        + volta.format("right", 1, "stop", back),
        volta.format("left", 2, "start", "")
        + note("C", 16, '<tie type="stop"/><tie type="start"/>')
        + volta.format("right", 2, "stop", ""),
    )
    assert rows(score) == [(0.0, 8.0, 60), (8.0, 8.0, 60)]
    assert played(score) == [("1", 1), ("2", 1), ("1", 2), ("3", 1)]


def test_grace_notes_stand_just_before_their_note_and_never_before_the_piece() -> None:
    graces = note("A", 0, "<grace/>") + note("B", 0, "<grace/>")
    score = one(
        graces + note("C", 12) + graces + note("C", 4) + note("D", 0, "<grace/>"), note("E", 16)
    )
    assert [(round(n.onset_quarter, 6), n.pitch) for n in score.parts[0].notes if n.grace] == [
        (0.0, 69),
        (0.0, 71),
        (2.8, 69),
        (2.9, 71),
        (3.9, 62),
    ]
    assert rows(score)[-1] == (4.0, 4.0, 64)


def test_signs_at_notes() -> None:
    def noted(inside: str) -> Note:
        return one(note("C", 16, f"<notations>{inside}</notations>")).parts[0].notes[0]

    assert noted("<fermata/>").fermata
    assert noted("<arpeggiate/>").arpeggio
    for tag, ornament in [
        ("<trill-mark/>", Ornament.TRILL),
        ("<inverted-mordent/>", Ornament.MORDENT),
        ("<delayed-turn/>", Ornament.TURN),
        ('<tremolo type="single">3</tremolo>', Ornament.TREMOLO),
    ]:
        assert noted(f"<ornaments>{tag}</ornaments>").ornament is ornament
    assert noted("<articulations><accent/></articulations>").velocity == 88


def test_two_voices_on_one_pitch_sound_once() -> None:
    score = one(
        note("C", 16)
        + "<backup><duration>16</duration></backup>"
        + note("C", 8, voice=2)
        + note("C", 8, voice=2)
    )
    assert rows(score) == [(0.0, 2.0, 60), (2.0, 2.0, 60)]


def test_sounding_pitch_and_key_of_a_transposing_part() -> None:
    clarinet = "<key><fifths>2</fifths></key>"
    transpose = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    time = "<time><beats>4</beats><beat-type>4</beat-type></time>"
    head = f"<attributes><divisions>4</divisions>{clarinet}{time}{transpose}</attributes>"
    score = read(("Clarinet", [head + note("D", 16)]))
    assert (score.parts[0].notes[0].pitch, score.parts[0].transposition) == (60, -2)
    assert score.keys == (Key(0.0, 0),)


def test_a_piano_on_two_staves_is_one_part() -> None:
    score = read(
        (
            "Piano",
            [
                attributes(inside="<staves>2</staves>")
                + note("C", 16, octave=5)
                + "<backup><duration>16</duration></backup>"
                + note("C", 16, octave=3, voice=5, staff=2)
            ],
        )
    )
    assert [(n.pitch, n.staff) for n in score.parts[0].notes] == [(48, 2), (72, 1)]


def test_braced_parts_of_one_piano_are_one_part_and_braced_violins_are_two() -> None:
    brace = (
        '<part-group type="start" number="1"><group-symbol>brace</group-symbol></part-group>{}'
        '<part-group type="stop" number="1"/>'
    )
    bar = [attributes() + FULL]
    piano = read(("Piano", bar), ("", bar), groups=brace)
    assert [(p.name, [n.staff for n in p.notes]) for p in piano.parts] == [("Piano", [1])]
    violins = read(("Violin I", bar), ("Violin II", bar), groups=brace)
    assert [p.name for p in violins.parts] == ["Violin I", "Violin II"]


def test_unpitched_percussion_plays_its_instrument() -> None:
    drum = (
        "<note><unpitched><display-step>F</display-step><display-octave>4</display-octave>"
        '</unpitched><duration>16</duration><instrument id="I1"/></note>'
    )
    data = document(("Drums", [attributes() + drum])).replace(
        b"</part-name>",
        b'</part-name><midi-instrument id="I1"><midi-unpitched>39</midi-unpitched>'
        b"</midi-instrument>",
    )
    part = read_musicxml(parse_xml(data, "x"), "x").parts[0]
    assert (part.percussion, part.notes[0].pitch) == (True, 38)


def test_a_pickup_a_split_bar_and_rests_that_fill_a_bar() -> None:
    tune = [attributes("3/4") + note("C", 4), note("D", 12), rest(16, measure=True), note("E", 4)]
    score = read(("Flute", tune), ("Piano", [attributes("3/4") + rest(4), *tune[1:3], rest(4)]))
    assert [m.length_quarter for m in score.measures] == [1.0, 3.0, 3.0, 1.0]
    assert score.metres == (Metre(0.0, 3, 4),)
    assert [n.onset_quarter for n in score.parts[0].notes] == [0.0, 1.0, 7.0]


def test_a_bar_that_one_part_overfills_by_mistake_keeps_its_metre() -> None:
    score = read(
        ("Flute", [attributes() + note("C", 16) + note("D", 4), FULL]),
        ("Piano", [attributes() + FULL, FULL]),
    )
    assert [m.length_quarter for m in score.measures] == [4.0, 4.0]
    assert rows(score) == [(0.0, 4.0, 60), (4.0, 4.0, 60)]


def test_a_cadenza_is_as_long_as_its_notes() -> None:
    score = read(
        ("Flute", [attributes() + note("C", 16) + note("D", 8)]),
        ("Piano", [attributes() + note("C", 4) + rest(20)]),
    )
    assert score.measures[0].length_quarter == 6.0


def test_parts_stay_together_measure_by_measure() -> None:
    score = read(("Flute", [attributes() + FULL, FULL]), ("Piano", [attributes() + rest(16)]))
    assert [len(p.notes) for p in score.parts] == [2, 0]
    assert score.end_quarter == 8.0


def test_repeats_are_written_out_with_what_stands_in_them() -> None:
    score = one(
        FULL,
        repeat("forward") + direction("<rehearsal>A</rehearsal>") + FULL + repeat("backward", 3),
        FULL,
    )
    assert played(score) == [("1", 1), ("2", 1), ("2", 2), ("2", 3), ("3", 1)]
    assert score.marks == (Mark(4.0, "A"), Mark(8.0, "A"), Mark(12.0, "A"))
    assert [n.onset_quarter for n in score.parts[0].notes] == [0.0, 4.0, 8.0, 12.0, 16.0]


def test_words_that_are_osc_messages_are_cues_in_every_pass_and_nothing_else() -> None:
    lights = words('/acc/cue/lights 1 "Fine, Allegro"')
    half = note(duration=8)
    score = one(
        repeat("forward") + lights + half + words("/lights/blue 0.5") + half + repeat("backward"),
        words("//") + FULL,
    )
    assert score.cues == (
        OscCue(0.0, "/acc/cue/lights", (1, "Fine, Allegro")),
        OscCue(2.0, "/lights/blue", (0.5,)),
        OscCue(4.0, "/acc/cue/lights", (1, "Fine, Allegro")),
        OscCue(6.0, "/lights/blue", (0.5,)),
    )
    assert played(score) == [("1", 1), ("1", 2), ("2", 1)]
    assert not any(mark.text for mark in score.tempo_marks)


def test_a_cue_that_stands_in_every_part_is_sent_once() -> None:
    measure = words("/go") + FULL
    score = read_musicxml(
        parse_xml(document(("a", [measure]), ("b", [measure])), "two.xml"), "two.xml"
    )
    assert score.cues == (OscCue(0.0, "/go"),)


@pytest.mark.parametrize(
    ("measures", "expected"),
    [
        ([FULL, words("Fine") + FULL, FULL + words("D.C. al Fine")], "12312"),
        (
            [FULL, direction("<segno/>") + FULL + words("Fine"), FULL + words("D.S.")],
            "1232",
        ),
        (
            [
                FULL,
                FULL + words("To Coda"),
                FULL + words("D.C. al Coda"),
                direction("<coda/>") + FULL,
            ],
            "123124",
        ),
        (
            [FULL + direction("<coda/>"), FULL + words("D.C."), direction("<coda/>") + FULL],
            "1213",
        ),
        ([FULL, FULL + direction("<words/>", '<sound dacapo="yes"/>')], "1212"),
        (
            [
                FULL,
                direction("<segno/>", '<sound segno="s"/>') + FULL,
                FULL + direction("<words/>", '<sound dalsegno="s"/>'),
            ],
            "12323",
        ),
    ],
)
def test_jumps(measures: list[str], expected: str) -> None:
    assert "".join(printed for printed, _ in played(one(*measures))) == expected


def test_an_ending_that_nobody_closed_lasts_to_its_repeat() -> None:
    first = '<barline location="left"><ending number="1" type="start"/></barline>'
    second = '<barline location="left"><ending number="2" type="start"/></barline>'
    score = one(FULL, first + FULL, FULL + repeat("backward"), second + FULL, FULL)
    assert "".join(printed for printed, _ in played(score)) == "123145"


def tempi(score: Score) -> list[tuple[float, float, bool]]:
    return [(m.quarter, round(m.qpm, 3), m.written) for m in score.tempo_marks]


METRONOME = "<metronome><beat-unit>{}</beat-unit>{}<per-minute>{}</per-minute></metronome>"


def test_metronome_marks_in_quarters() -> None:
    dotted = METRONOME.format("quarter", "<beat-unit-dot/>", "c. 60-64")
    score = one(
        direction(METRONOME.format("half", "", 60), '<sound tempo="119"/>') + FULL,
        direction(dotted) + FULL,
        "<sound tempo='79.9998'/>" + FULL,
    )
    assert tempi(score) == [(0.0, 120.0, True), (4.0, 93.0, True), (8.0, 80.0, True)]


def test_a_metric_modulation_scales_the_tempo() -> None:
    same = (
        "<metronome><beat-unit>quarter</beat-unit><beat-unit>quarter</beat-unit>"
        "<beat-unit-dot/></metronome>"
    )
    score = one(direction(METRONOME.format("quarter", "", 60)) + FULL, direction(same) + FULL)
    assert tempi(score) == [(0.0, 60.0, True), (4.0, 90.0, True)]


def test_tempo_words_and_the_default() -> None:
    assert tempi(one(words("Adagio") + FULL)) == [(0.0, 62.0, True)]
    assert tempi(one(words("dolce e zart") + FULL)) == [(0.0, 68.0, True)]
    assert tempi(one(FULL)) == [(0.0, 100.0, False)]
    assert tempi(one(FULL, words("Presto") + FULL)) == [(0.0, 172.0, False), (4.0, 172.0, True)]


def test_a_ritardando_lasts_until_a_tempo() -> None:
    score = one(words("Allegro") + FULL, words("rit.") + FULL, FULL, words("a tempo") + FULL, FULL)
    (span,) = score.tempo_spans
    assert (span.start_quarter, span.end_quarter, span.factor) == (4.0, 12.0, 0.76)
    assert tempi(score) == [(0.0, 132.0, True), (12.0, 132.0, True)]


def test_a_ritardando_without_an_end_lasts_two_bars_and_a_final_one_to_the_end() -> None:
    lone = one(words("rall.") + FULL, *[FULL] * 8)
    final = one(*[FULL] * 3, words("molto rit.") + FULL, FULL, FULL)
    assert [(s.start_quarter, s.end_quarter) for s in lone.tempo_spans] == [(0.0, 8.0)]
    assert [(s.start_quarter, s.end_quarter, s.factor) for s in final.tempo_spans] == [
        (12.0, 24.0, 0.62)
    ]


def test_an_accelerando_leads_to_the_number_behind_it_and_tempo_i_back() -> None:
    score = one(
        direction(METRONOME.format("quarter", "", 80)) + FULL,
        words("accel.") + FULL,
        direction(METRONOME.format("quarter", "", 120)) + FULL,
        words("Tempo I") + FULL,
    )
    assert [(s.end_quarter, s.factor) for s in score.tempo_spans] == [(8.0, 1.5)]
    assert tempi(score)[-1] == (12.0, 80.0, True)


def test_a_repeat_goes_back_to_the_tempo_of_its_beginning() -> None:
    score = one(words("Adagio") + FULL, words("Presto") + FULL + repeat("backward"), FULL)
    assert [m[:2] for m in tempi(score)] == [
        (0.0, 62.0), (4.0, 172.0), (8.0, 62.0), (12.0, 172.0),
    ]  # fmt: skip


def velocities(*measures: str) -> list[int]:
    return [n.velocity for n in one(*measures).parts[0].notes]


def dynamic(sign: str) -> str:
    return direction(f"<dynamics><{sign}/></dynamics>")


def test_dynamics_and_hairpins() -> None:
    quarters = "".join(note(step) for step in "CDEF")
    opening = direction('<wedge type="crescendo" number="1"/>')
    closing = direction('<wedge type="stop" number="1"/>')
    assert velocities(quarters) == [80] * 4
    assert velocities(dynamic("p") + quarters, dynamic("f") + FULL) == [52] * 4 + [96]
    assert velocities(dynamic("p") + opening + quarters + closing, dynamic("f") + FULL) == [
        52,
        63,
        74,
        85,
        96,
    ]
    assert velocities(dynamic("p") + opening + quarters + closing, FULL) == [52, 56, 60, 64, 68]
    assert velocities(dynamic("f") + note("C") + dynamic("sf") + note("D") + note("E", 8)) == [
        96, 112, 96,
    ]  # fmt: skip
    assert velocities(words("cresc.") + quarters, dynamic("ff") + FULL)[-2:] == [104, 112]


def test_fermatas_on_notes_rests_and_bar_lines() -> None:
    hold = "<notations><fermata/></notations>"
    score = read(
        ("Voice", [attributes() + note("C", 8) + note("D", 8, hold), FULL, rest(16, hold)]),
        (
            "Piano",
            [
                attributes() + note("C", 8) + note("D", 4, hold) + rest(4, hold),
                FULL + '<barline location="right"><fermata/></barline>',
                rest(16, measure=True),
            ],
        ),
    )
    assert score.fermatas == (Fermata(2.0, 4.0), Fermata(4.0, 8.0), Fermata(8.0, 12.0))


def test_changes_of_metre_and_divisions() -> None:
    eighths = "<attributes><divisions>2</divisions></attributes>"
    score = one(
        attributes("2/4") + note("C", 8),
        eighths + note("C", 4),
        "<attributes><time><beats>3+2</beats><beat-type>8</beat-type></time></attributes>"
        + note("D", 5),
    )
    assert rows(score) == [(0.0, 2.0, 60), (2.0, 2.0, 60), (4.0, 2.5, 62)]
    assert score.metres == (Metre(0.0, 2, 4), Metre(4.0, 5, 8))


def test_cue_notes_and_hidden_heads_are_not_played() -> None:
    score = one(note("C", 8, "<cue/>") + note("D", 8), note("E", 16, "<notehead>none</notehead>"))
    assert rows(score) == [(2.0, 2.0, 62)]


def test_headings_names_and_programs() -> None:
    head = (
        "<work><work-title>Winterreise</work-title></work><movement-title>Mut</movement-title>"
        '<identification><creator type="composer">F. Schubert</creator>'
        "<rights>CC0</rights></identification>"
    )
    sung = FULL.replace("</note>", "<lyric><text>la</text></lyric></note>")
    score = read(("Singstimme\nVoice", [attributes() + sung]), ("", [FULL]), head=head)
    assert (score.title, score.composer, score.licence) == (
        "Winterreise: Mut", "F. Schubert", "CC0",
    )  # fmt: skip
    assert [(p.name, p.lyrics, p.program) for p in score.parts] == [
        ("Singstimme Voice", True, 53),
        ("Part 2", False, 0),
    ]


def test_timewise_is_read_like_partwise() -> None:
    bar = attributes() + FULL
    listed = "<part-list><score-part id='A'/><score-part id='B'/></part-list>"
    text = (
        f"<score-timewise>{listed}<measure number='1'><part id='A'>{bar}</part><part id='B'>{bar}"
        f"</part></measure><measure number='2'><part id='A'>{FULL}</part></measure>"
        "</score-timewise>"
    )
    score = read_musicxml(parse_xml(text.encode(), "x"), "x")
    assert [len(p.notes) for p in score.parts] == [2, 1]
    assert played(score) == [("1", 1), ("2", 1)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<score-partwise/>", "no parts"),
        (document(("Tacet", [attributes() + rest(16)])), "no notes"),
    ],
)
def test_what_has_nothing_to_play_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_musicxml(parse_xml(data, "x"), "x")


def test_ten_thousand_measures_are_read() -> None:
    score = one(*[FULL] * 10_000)
    assert (len(score.measures), score.end_quarter) == (10_000, 40_000.0)


def test_a_performance_without_end_is_refused() -> None:
    jumps = [FULL + words("D.C.")] * 400
    with pytest.raises(BadInputError, match="40001 measures"):
        one(*jumps)
