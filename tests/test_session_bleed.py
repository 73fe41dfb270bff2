"""What a session tells its follower of the ensemble, and does itself where that will not hear."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from accompanist.conducting.conductor import Conductor
from accompanist.conducting.settings import ConductorSettings, Start
from accompanist.followers.protocol import (
    EnsembleNote,
    Estimate,
    FollowerState,
    Heard,
    HearsEnsemble,
    HearsEnsembleSound,
)
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.performing.performer import Performer
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.model import Note, Part, Score
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo
from accompanist.session import Session

RATE, HOP = 8000, 46
PART = Part(1, "solo", tuple(Note(float(i), 1.0, 60 + i) for i in range(4)))
SCORE = Score("scale", (PART,), ())
DUET_SOLO = Part(1, "solo", tuple(Note(float(i), 1.0, 60 + i) for i in range(4)))
BASS = Part(2, "bass", tuple(Note(float(i), 1.0, 48 + i) for i in range(4)))
DUET = Score("duet", (DUET_SOLO, BASS), ())


class Deaf:
    """Keeps what it is fed."""

    latency_s = 0.0

    def __init__(self) -> None:
        self.heard: list[npt.NDArray[np.float32]] = []

    def feed(self, heard: Heard) -> Estimate:
        self.heard.append(heard.samples)
        return Estimate(heard.time_s, 0.0, 1.0, 1.0, FollowerState.ARMED)

    def locate(self, quarter: float | None, anywhere: bool = False) -> None:
        """Stay."""


class Keen(Deaf):
    """Wants to know."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[EnsembleNote] = []
        self.sounds: list[npt.NDArray[np.float32]] = []

    def ensemble(self, notes: Sequence[EnsembleNote]) -> None:
        self.notes.extend(notes)

    def ensemble_sound(self, samples: npt.NDArray[np.float32]) -> None:
        self.sounds.append(samples)


def session(follower: Deaf) -> Session:
    line, tempo = solo_line(PART), written_tempo(SCORE)
    return Session(
        follower=follower, conductor=Conductor(SCORE, line, tempo), sample_rate=RATE, hop=HOP
    )


def test_notes_are_told_drums_without_pitch_and_nothing_else() -> None:
    keen = Keen()
    assert isinstance(keen, HearsEnsemble)
    sent = (
        Message(Kind.PROGRAM, 2, 40),
        Message(Kind.ON, 2, 60, 80),
        Message(Kind.CC, 2, 7, 100),
        Message(Kind.ON, 10, 38, 70),
        Message(Kind.OFF, 2, 60, 64),
    )
    session(keen).ensemble(TimedMessage(0.1 * i, 0.0, 2, m) for i, m in enumerate(sent))
    assert keen.notes == [
        EnsembleNote(0.1, 60.0, 80, 2),
        EnsembleNote(0.1 * 3, -1.0, 70, 2),
        EnsembleNote(0.1 * 4, 60.0, 0, 2),
    ]
    session(Deaf()).ensemble(())


def test_the_sound_is_told_or_else_taken_out() -> None:
    rng = np.random.default_rng(1)
    sent = rng.normal(size=(1200, HOP)).astype(np.float32) * np.float32(0.1)
    echo = np.concatenate((np.zeros(200, np.float32), sent.ravel()))[: sent.size].reshape(-1, HOP)
    keen, deaf = Keen(), Deaf()
    assert isinstance(keen, HearsEnsembleSound)
    for follower in (keen, deaf):
        fed = session(follower)
        for hop, back in zip(sent, echo, strict=True):
            fed.ensemble_sound(hop)
            list(fed.feed(back))
    assert len(keen.sounds) == len(sent)
    assert np.array_equal(np.concatenate(keen.heard), echo.ravel())
    left = np.concatenate(deaf.heard[-300:])
    assert np.mean(left**2) < 0.05 * np.mean(echo[-300:] ** 2)


def played_elsewhere(follower: Deaf, company: Performer | None) -> Session:
    line, tempo = solo_line(DUET_SOLO), written_tempo(DUET)
    conductor = Conductor(DUET, line, tempo, ConductorSettings(start=Start.COUNTIN))
    conductor.start()
    return Session(
        follower=follower, conductor=conductor, company=company, sample_rate=RATE, hop=HOP
    )


def test_what_plays_elsewhere_by_the_cues_is_told_and_not_sent() -> None:
    keen = Keen()
    plan = accompaniment_plan(DUET, 1, written_tempo(DUET))
    heard = played_elsewhere(keen, Performer(plan))
    other = played_elsewhere(Keen(), None)
    silence = np.zeros(3 * RATE, dtype=np.float32)
    steps, plain = list(heard.feed(silence)), list(other.feed(silence))
    assert all(not step.messages for step in steps)
    assert [step.cue for step in steps] == [step.cue for step in plain]
    struck = [note for note in keen.notes if note.velocity]
    assert [note.pitch for note in struck] == [48.0, 49.0]  # then it waits for the soloist
    line = steps[-1].cue.timeline
    for i, note in enumerate(struck):
        assert abs(note.time_s - line.to_time(float(i))) <= 2 * HOP / RATE
    # A part that is muted at the desk is let go.
    keen.notes.clear()
    heard.mix(7, "mute", True)  # nobody's
    heard.mix(2, "mute", True)
    assert [(note.pitch, note.velocity) for note in keen.notes] == [(49.0, 0)]


def test_who_does_not_listen_for_the_ensemble_is_not_told() -> None:
    plan = accompaniment_plan(DUET, 1, written_tempo(DUET))
    deaf = played_elsewhere(Deaf(), Performer(plan))
    assert len(list(deaf.feed(np.zeros(RATE, dtype=np.float32)))) == RATE // HOP
    deaf.mix(2, "mute", True)
