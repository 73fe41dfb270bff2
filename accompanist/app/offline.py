"""The offline driver: the session that runs live, fed from memory as fast as it goes."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from accompanist.app.closed_loop import ClosedLoop, closed_loop
from accompanist.app.pieces import RECORDING_FOLLOWER
from accompanist.conducting.conductor import Conductor
from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.conducting.settings import ConductorSettings
from accompanist.errors import UsageError
from accompanist.followers.registry import (
    DEFAULT_FOLLOWER,
    follower_names,
    follows_recordings,
    make_follower,
)
from accompanist.performing.performer import Performer
from accompanist.performing.plan import Plan
from accompanist.performing.planning import accompaniment_plan
from accompanist.recordings.reference import Reference
from accompanist.score.landings import landing_places
from accompanist.score.model import Part, Score
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import written_tempo
from accompanist.session import Session, Step, hop_samples
from accompanist.simulation.bleed import Bleed, Ensemble
from accompanist.takes.record import TakeRecord

__all__ = [
    "ComputeTimes",
    "OfflineSettings",
    "Take",
    "chosen_follower",
    "listening_followers",
    "new_session",
    "run_take",
]

FloatArray = npt.NDArray[np.float32]

_LONGEST_POSTLUDE_S = 120.0
_TAKES_NOTES = ("notes",)
"""Followers that are given MIDI notes and hear nothing."""


@dataclass(frozen=True, slots=True)
class OfflineSettings:
    """How a take is to be followed and accompanied.

    ``block`` is the number of samples fed at a time; it has no influence on the result. With
    ``bleed`` the loop is closed: see `accompanist.app.closed_loop`.
    """

    follower: str = DEFAULT_FOLLOWER
    conductor: ConductorSettings = field(default_factory=ConductorSettings)
    block: int = 4096
    bleed: Bleed | None = None
    """How the microphone hears the ensemble; None: not at all."""
    performances: tuple[Performance, ...] = ()
    """Earlier ones of the piece, from which this one is expected."""


@dataclass(frozen=True, slots=True, eq=False)
class ComputeTimes:
    """Wall time of each hop, from hearing to decision.

    Attributes
    ----------
    seconds : ndarray [shape=(n_hops,)]
        A value a hop.
    hop_s : float
        Length of a hop.
    """

    seconds: npt.NDArray[np.float64]
    hop_s: float

    @property
    def compute_ms(self) -> dict[str, float]:
        """Mean, median, 99th percentile and maximum in milliseconds."""
        if not len(self.seconds):
            return dict.fromkeys(("mean", "p50", "p99", "max"), 0.0)
        ms = self.seconds * 1000.0
        return {
            "mean": float(np.mean(ms)),
            "p50": float(np.quantile(ms, 0.5)),
            "p99": float(np.quantile(ms, 0.99)),
            "max": float(np.max(ms)),
        }

    @property
    def real_time_factor(self) -> float:
        """Compute time over the length of the take: 0.1 is ten times faster than real time."""
        length_s = len(self.seconds) * self.hop_s
        return float(np.sum(self.seconds)) / length_s if length_s > 0 else 0.0

    @property
    def times_real_time(self) -> float:
        """Seconds of audio in a second of computing: the inverse of `real_time_factor`."""
        return 1.0 / self.real_time_factor if self.real_time_factor > 0 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """A take that was followed and accompanied."""

    score: Score
    solo: Part
    plan: Plan
    record: TakeRecord
    compute: ComputeTimes
    duration_s: float
    latency_s: float
    """From an onset to its report, as the follower expects."""
    final_state: str | None = None
    """Where it came to, the ensemble's playing on after the recording included."""


def listening_followers() -> tuple[str, ...]:
    """Names of the followers that listen to sound, the default first."""
    return tuple(name for name in follower_names() if name not in _TAKES_NOTES)


def chosen_follower(score: Score, solo: Part, wanted: str | None = None) -> str:
    """Name of the follower that is wanted, or usual for the piece; it listens to sound.

    A recording is followed by its sound, and by its notes only where they are known.

    Raises
    ------
    UsageError
        There is no such follower, or it cannot follow this piece.
    """
    listening = listening_followers()
    recorded = score.recording_s is not None
    if wanted is None:
        return RECORDING_FOLLOWER if recorded else listening[0]
    if wanted not in listening:
        raise UsageError(
            f"there is no follower {wanted!r} that listens; there is {', '.join(listening)}"
        )
    if follows_recordings(wanted) and not recorded:
        raise UsageError(
            f"the follower {wanted!r} follows recordings, and this piece is a score; "
            f"leave --follower out for {listening[0]!r}"
        )
    if not follows_recordings(wanted) and recorded and not _notes_known(solo):
        raise UsageError(
            f"the follower {wanted!r} follows notes, and this piece is a recording whose notes "
            f"are not known; leave --follower out for {RECORDING_FOLLOWER!r}"
        )
    return wanted


def _notes_known(solo: Part) -> bool:
    """Whether a part has notes of its own, and not one pitch wherever something begins."""
    return len({note.pitch for note in solo.notes}) > 1


def new_session(
    score: Score,
    solo: Part,
    sample_rate: int,
    settings: OfflineSettings,
    *,
    reference: Reference | None = None,
) -> tuple[Session, Plan, float]:
    """Put follower, conductor and scheduler together.

    ``reference`` is what followers of a recording follow.

    Returns
    -------
    (Session, Plan, float)
        The session, the plan that it plays, and the follower's expected latency in seconds.
    """
    tempo = written_tempo(score)
    line = solo_line(solo)
    hop = hop_samples(sample_rate)
    follower = make_follower(
        settings.follower,
        solo=line,
        tempo=tempo,
        sample_rate=sample_rate,
        hop=hop,
        reference=reference,
        landings=landing_places(score),
    )
    plan = accompaniment_plan(score, solo.number, tempo)
    conductor = Conductor(
        score,
        line,
        tempo,
        settings.conductor,
        plan.onsets_quarter,
        performances=settings.performances,
    )
    session = Session(
        follower=follower,
        conductor=conductor,
        performer=Performer(plan),
        sample_rate=sample_rate,
        hop=hop,
    )
    return session, plan, follower.latency_s


def run_take(
    score: Score,
    solo: Part,
    audio: FloatArray,
    sample_rate: int,
    settings: OfflineSettings | None = None,
    progress: Callable[[float], None] | None = None,
    *,
    start_quarter: float | None = None,
    anywhere: bool = False,
    reference: Reference | None = None,
    each: Callable[[Step], None] | None = None,
    ensemble: tuple[Ensemble, float] | None = None,
) -> Take:
    """Follow and accompany a recorded soloist.

    Parameters
    ----------
    score, solo
        The piece and the part that is heard.
    audio : ndarray [shape=(n,) or (n, channels)]
        The soloist, full scale ±1.
    sample_rate : int
        Of the audio, Hz.
    settings : OfflineSettings, optional
    progress : callable, optional
        Told the seconds of the take done since it was last told.
    start_quarter : float, optional
        Where the soloist begins, as a human would say by going there; None: at the beginning.
    anywhere : bool
        The soloist may begin anywhere: they are listened for, as after arming without a place.
    reference : Reference, optional
        Of a recording piece: what its followers follow.
    each : callable, optional
        Given every step, those behind the end of the audio too, in which the ensemble plays on.
    ensemble : (Ensemble, float), optional
        With ``settings.bleed``: what is heard, and its level; by default instruments.
    """
    settings = settings or OfflineSettings()
    session, plan, latency_s = new_session(score, solo, sample_rate, settings, reference=reference)
    if start_quarter is not None:
        session.locate(start_quarter)
    elif anywhere:
        session.arm()
    record = TakeRecord()
    seconds: list[float] = []
    clock = time.perf_counter
    with _undisturbed(), ExitStack() as files:
        loop = _loop(settings.bleed, score, audio, sample_rate, session.hop, plan, ensemble, files)
        for start in range(0, len(audio), settings.block):
            block = audio[start : start + settings.block]
            steps = session.feed(block) if loop is None else loop.feed(session, block)
            began = clock()
            for step in steps:
                seconds.append(clock() - began)
                record.add(step)
                if each is not None:
                    each(step)
                if loop is not None:
                    loop.take(step)
                began = clock()
            if progress is not None:
                progress(len(block) / sample_rate)
    final_state = _play_out(session, record, solo_line(solo), each)
    return Take(
        score=score,
        solo=solo,
        plan=plan,
        record=record,
        compute=ComputeTimes(np.array(seconds), session.hop_s),
        duration_s=len(audio) / sample_rate,
        latency_s=latency_s,
        final_state=final_state,
    )


def _loop(
    bleed: Bleed | None,
    score: Score,
    audio: FloatArray,
    sample_rate: int,
    hop: int,
    plan: Plan,
    ensemble: tuple[Ensemble, float] | None,
    files: ExitStack,
) -> ClosedLoop | None:
    """Close the loop if it is wanted."""
    if bleed is None:
        return None
    if ensemble is not None:
        sounds, level = ensemble
        return ClosedLoop(bleed, sounds, level, audio, sample_rate, hop)
    return closed_loop(bleed, audio, sample_rate, hop, plan, written_tempo(score), files=files)


def _play_out(
    session: Session,
    record: TakeRecord,
    line: SoloLine,
    each: Callable[[Step], None] | None,
) -> str:
    """Let the ensemble play to the end what it has after the soloist's last note.

    The recording is over by then; the trace ends with it. Returns the last state of all.
    """
    state = record.states[-1] if len(record) else "armed"
    arrived = any(o.event == len(line) - 1 for o in record.onsets[-1:])
    if len(record) and len(line) and state != "armed":
        arrived = arrived or float(record.quarters[-1]) >= float(line.onsets_quarter[-1])
    hops = round(_LONGEST_POSTLUDE_S / session.hop_s) if arrived else 0
    silence = np.zeros(session.hop, dtype=np.float32)
    while hops > 0 and state not in ("ended", "waiting", "idle"):
        hops -= 1
        for step in session.feed(silence):
            record.messages.extend(step.messages)
            if each is not None:
                each(step)
            state = step.state
    record.messages.extend(session.finish())
    return state


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep the garbage collector out of the loop, as it is kept out live."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()
