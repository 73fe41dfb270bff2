"""Standard MIDI files."""

from __future__ import annotations

import mido
import pytest
from midi_bytes import END, meta, midi_file, off, on, program, raw_file

from accompanist.errors import BadInputError
from accompanist.score.model import Fermata, Key, Mark, Metre, OscCue, Score, TempoMark
from score_library.importers.midi import read_midi


def read(data: bytes) -> Score:
    return read_midi(data, "x.mid", "x")


def rows(score: Score, part: int = 1) -> list[tuple[float, float, int, int]]:
    return [
        (n.onset_quarter, n.duration_quarter, n.pitch, n.velocity)
        for n in score.parts[part - 1].notes
    ]


TUNE = [on(60), off(60, 480), on(62, 0, 90), off(62, 240)]


def test_tracks_with_notes_are_the_parts_in_their_order() -> None:
    conductor = [meta("track_name", name="Sonata"), meta("set_tempo", tempo=1_000_000)]
    score = read(
        midi_file(
            conductor,
            [meta("track_name", name="flute:"), program(73), *TUNE],
            [meta("track_name", name="\\new:")],
            [program(6, channel=1), on(40, channel=1), off(40, 960, channel=1)],
            [meta("instrument_name", name="french horn"), on(50, channel=2), off(50, 9, channel=2)],
            [on(45, channel=3), off(45, 480, channel=3)],
        )
    )
    assert score.title == "Sonata"
    assert [(p.number, p.name, p.instrument, p.program) for p in score.parts] == [
        (1, "flute", "Flute", 73),
        (2, "Harpsichord", "Harpsichord", 6),
        (3, "french horn", "french horn", 0),
        (4, "Part 4", "", 0),
    ]
    assert rows(score) == [(0.0, 1.0, 60, 64), (1.0, 0.5, 62, 90)]
    assert score.tempo_marks == (TempoMark(0.0, 60.0),)


def test_type_0_is_split_by_channel_and_drums_are_percussion() -> None:
    track = [
        meta("track_name", name="Song"),
        program(40),
        program(40, channel=1),
        *TUNE,
        on(48, channel=1),
        on(38, channel=9),
        off(38, 0, channel=9),
        off(48, 480, channel=1),
    ]
    score = read(midi_file(track, kind=0))
    assert score.title == "Song"
    assert [(p.name, p.program, p.percussion) for p in score.parts] == [
        ("Violin", 40, False),
        ("Violin", 40, False),
        ("Drums", 0, True),
    ]


def test_a_track_of_several_instruments_is_several_parts_and_of_one_it_is_one() -> None:
    both = [program(40), program(0, channel=1), *TUNE, on(48, 0, channel=1), off(48, 9, channel=1)]
    strings = [on(60, channel=2), on(64, channel=3), off(60, 480, channel=2), off(64, channel=3)]
    score = read(midi_file([*both], [meta("track_name", name="Guitar"), *strings]))
    assert [(p.name, len(p.notes)) for p in score.parts] == [
        ("Violin", 2),
        ("Piano", 1),
        ("Guitar", 2),
    ]


def test_running_status_is_understood() -> None:
    track = b"\x00\x90\x3c\x40\x83\x60\x3c\x00\x00\x3e\x40\x83\x60\x3e\x00" + END
    assert rows(read(raw_file(track))) == [(0.0, 1.0, 60, 64), (1.0, 1.0, 62, 64)]


def test_overlapping_notes_of_one_pitch_follow_one_another() -> None:
    score = read(midi_file([on(60), on(60, 240), off(60, 240), off(60, 480)]))
    assert rows(score) == [(0.0, 0.5, 60, 64), (0.5, 1.5, 60, 64)]


def test_unisons_struck_together_are_one_note_of_the_longest() -> None:
    score = read(midi_file([on(60), on(60, 0, 80), off(60, 240), off(60, 240)]))
    assert rows(score) == [(0.0, 1.0, 60, 80)]


def test_notes_without_length_get_a_little_and_hanging_ones_end_with_the_track() -> None:
    score = read(midi_file([on(60), off(60), on(62), off(64, 960)]))
    assert rows(score) == [(0.0, 0.05, 60, 64), (0.0, 2.0, 62, 64)]


def test_controllers_bends_and_later_programs_are_kept() -> None:
    track = [
        program(40),
        mido.Message("control_change", control=7, value=100),
        mido.Message("control_change", control=123, value=0),
        on(60),
        mido.Message("pitchwheel", pitch=-100, time=240),
        program(41, 240),
        off(60),
    ]
    part = read(midi_file(track)).parts[0]
    assert [(c.onset_quarter, c.kind, c.number, c.value) for c in part.controls] == [
        (0.0, "cc", 7, 100),
        (0.5, "bend", 0, -100),
        (1.0, "program", 0, 41),
    ]
    assert part.program == 40


def test_tempo_metre_key_and_markers() -> None:
    conductor = [
        meta("time_signature", numerator=3, denominator=4),
        meta("key_signature", key="Bbm"),
        meta("set_tempo", tempo=500_000),
        meta("marker", text="Andante"),
        meta("set_tempo", 1440, tempo=400_000),
        meta("set_tempo", tempo=250_000),
        meta("time_signature", numerator=2, denominator=4),
        meta("key_signature", key="D"),
        meta("marker", text="B"),
        meta("marker", 480, text="scripts.ufermata"),
    ]
    notes = [m for pitch in range(60, 68) for m in (on(pitch), off(pitch, 480))]
    score = read(midi_file(conductor, notes))
    assert score.tempo_marks == (TempoMark(0.0, 120.0, "Andante"), TempoMark(3.0, 240.0, "B"))
    assert score.metres == (Metre(0.0, 3, 4), Metre(3.0, 2, 4))
    assert score.keys == (Key(0.0, -5, True), Key(3.0, 2, False))
    assert score.marks == (Mark(0.0, "Andante"), Mark(3.0, "B"))
    assert score.fermatas == (Fermata(4.0, 5.0),)
    assert [(m.start_quarter, m.length_quarter, m.printed) for m in score.measures] == [
        (0.0, 3.0, "1"), (3.0, 2.0, "2"), (5.0, 2.0, "3"), (7.0, 2.0, "4"),
    ]  # fmt: skip


def test_without_a_tempo_it_is_120_and_said_to_be_a_default() -> None:
    assert read(midi_file(TUNE)).tempo_marks == (TempoMark(0.0, 120.0, "", written=False),)


def test_without_a_tempo_map_tempo_words_stand_in() -> None:
    conductor = [meta("marker", text="Largo"), meta("marker", 240, text="Coda")]
    (mark,) = read(midi_file(conductor, TUNE)).tempo_marks
    assert (mark.qpm, mark.text, mark.written) == (50.0, "Largo", True)


def test_a_metre_change_within_a_bar_begins_a_new_one() -> None:
    conductor = [meta("time_signature", 720, numerator=2, denominator=4)]
    score = read(midi_file(conductor, [on(60), off(60, 1920)]))
    assert [m.length_quarter for m in score.measures] == [1.5, 2.0, 2.0]


def test_texts_markers_and_cue_points_that_are_osc_messages_are_cues() -> None:
    conductor = [
        meta("text", text="/acc/cue/lights 1"),
        meta("marker", 480, text="/lights/blue 0.5"),
        meta("cue_marker", 480, text="/a 1 /b 2"),
        meta("marker", text="B"),
        meta("text", text="only words"),
        meta("text", text="//"),
    ]
    notes = [m for pitch in range(60, 68) for m in (on(pitch), off(pitch, 480))]
    score = read(midi_file(conductor, notes))
    assert score.cues == (
        OscCue(0.0, "/acc/cue/lights", (1,)),
        OscCue(1.0, "/lights/blue", (0.5,)),
        OscCue(2.0, "/a", (1,)),
        OscCue(2.0, "/b", (2,)),
    )
    assert score.marks == (Mark(2.0, "B"),)


def test_lyrics_mark_the_singer() -> None:
    sung = [meta("lyrics", text="La"), *TUNE]
    score = read(midi_file(sung, [on(40, channel=1), off(40, 480, channel=1)]))
    assert [p.lyrics for p in score.parts] == [True, False]


def test_names_in_utf_8_are_read_as_they_were_meant() -> None:
    name = "Flöte".encode()
    track = b"\x00\xff\x03" + bytes([len(name)]) + name + b"\x00\x90\x3c\x40\x60\x3c\x00" + END
    assert read(raw_file(END, track)).parts[0].name == "Flöte"


def test_an_impossible_key_signature_does_not_matter() -> None:
    track = b"\x00\xff\x59\x02\x40\x00" + b"\x00\x90\x3c\x40\x60\x3c\x00" + END
    score = read(raw_file(track))
    assert (len(score.parts), score.keys) == (1, ())


def test_chunks_of_other_names_and_a_riff_envelope_are_passed_over() -> None:
    data = midi_file(TUNE)
    with_chunk = data[:14] + b"XFIH\x00\x00\x00\x02ab" + data[14:]
    assert rows(read(with_chunk)) == rows(read(data))
    envelope = b"RIFF\x00\x00\x00\x00RMIDdata\x00\x00\x00\x00" + data
    assert rows(read(envelope)) == rows(read(data))


WHOLE = midi_file(TUNE)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a MIDI file"),
        (b"MThd\x00\x00", "cut short in its header"),
        (WHOLE[:30], "cut short in track 1"),
        (raw_file(b"\x00\x90\x3c\x40" + END, stated=2), "1 of 2 tracks are there"),
        (raw_file(b"\x00\x90\x3c", stated=1), "cut short or damaged"),
        (raw_file(END), "there are no notes"),
        (raw_file(), "there are no tracks"),
        (raw_file(END, kind=2), "type 2"),
        (raw_file(END, division=0xE728), "SMPTE"),
        (raw_file(END, division=0), "0 ticks"),
        (midi_file([on(60), off(60, 480 * 200_000)]), "too large a score, 200000 quarters"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(data: bytes, message: str) -> None:
    with pytest.raises(BadInputError, match=message) as raised:
        read(data)
    assert str(raised.value).startswith("x.mid: ")
    assert "\n" not in str(raised.value)
