"""A live take from the first look at the piece to the folder that keeps it."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from accompanist.app.bars import BarCounter
from accompanist.app.count_in import CountIn
from accompanist.app.interrupts import interrupts_ignored, termination_as_interrupt
from accompanist.app.keymap import KeyMap
from accompanist.app.live import LiveEngine
from accompanist.app.offline import ComputeTimes, OfflineSettings, Take
from accompanist.app.play_parts import (
    Ensemble,
    PlaySettings,
    Soloist,
    open_ensemble,
    open_soloist,
)
from accompanist.app.playing import Player, Router, on_stage
from accompanist.app.take_files import write_sound, write_take
from accompanist.app.terminal import Screen
from accompanist.app.warm import warm_up
from accompanist.conducting.conductor import Conductor
from accompanist.conducting.settings import ConductorSettings, Start
from accompanist.errors import AccompanistError, DeviceError, UsageError
from accompanist.followers.notes import NotesFollower
from accompanist.followers.protocol import Follower
from accompanist.followers.registry import DEFAULT_FOLLOWER, follower_names, make_follower
from accompanist.performing.plan import accompaniment_plan
from accompanist.performing.scheduler import Scheduler
from accompanist.score.choose import choose_solo
from accompanist.score.introduction import introduction
from accompanist.score.model import Part
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo
from accompanist.session import Session, hop_samples
from accompanist.takes.folder import check_place, take_folder
from score_library.catalogue import Piece, open_piece

__all__ = ["play_take"]

_USUAL_COUNT_IN_BARS = 1.0
"""Where the ensemble begins, unless told otherwise."""


def play_take(settings: PlaySettings) -> None:
    """Play a piece with a live soloist and keep the take.

    Raises
    ------
    AccompanistError
        Piece, device, sound font or folder are not what they should be.
    KeyboardInterrupt
        After the take has been kept.
    """
    piece = open_piece(settings.piece)
    choice = choose_solo(piece.score, settings.solo)
    if settings.follower is not None and settings.follower not in follower_names():
        raise UsageError(
            f"no follower is called {settings.follower!r}; there are {', '.join(follower_names())}"
        )
    start_quarter = 0.0
    if settings.start_bar is not None:
        start_quarter = BarCounter(piece.score).find(settings.start_bar).start_quarter
    before = introduction(piece.score, choice.part)
    alone = before is not None and start_quarter <= before.start_quarter
    if alone and settings.count_in_bars is None and settings.from_file is None:
        settings = replace(settings, count_in_bars=_USUAL_COUNT_IN_BARS)
    if settings.keep:
        check_place(settings.out or _default_folder(piece.id))
    ensemble = open_ensemble(settings)
    try:
        soloist = open_soloist(settings)
    except AccompanistError:
        ensemble.sink.close()
        raise
    live = _LiveTake(settings, piece, choice.part, soloist, ensemble, start_quarter)
    click.echo(
        f"{piece.title}: you play {choice.part.name}, part {choice.part.number} ({choice.reason}).",
        err=True,
    )
    if before is not None and alone and settings.count_in_bars is not None:
        click.echo(
            f"The ensemble begins: it counts in and plays {before.length}, then you come in.",
            err=True,
        )
    with termination_as_interrupt():
        try:
            live.play()
        finally:
            # Whoever presses Ctrl-C twice wants to leave, not to lose what was played.
            with interrupts_ignored():
                live.keep()


class _LiveTake:
    """Everything that one take needs, wired."""

    def __init__(
        self,
        settings: PlaySettings,
        piece: Piece,
        solo: Part,
        soloist: Soloist,
        ensemble: Ensemble,
        start_quarter: float,
    ) -> None:
        self._settings = settings
        self._piece = piece
        self._solo = solo
        self._soloist = soloist
        self._ensemble = ensemble
        self._start_quarter = start_quarter
        score = piece.score
        tempo, line = written_tempo(score), solo_line(solo)
        hop = hop_samples(soloist.sample_rate)
        name = settings.follower or DEFAULT_FOLLOWER
        if soloist.recorder is None:
            name = "notes"
            self._follower: Follower = NotesFollower(line, tempo)
        else:
            self._follower = make_follower(
                name, solo=line, tempo=tempo, sample_rate=soloist.sample_rate, hop=hop
            )
            warm_up(name, sample_rate=soloist.sample_rate)  # no compiling in the first bar
        self._plan = accompaniment_plan(score, solo.number, tempo)
        self._how = OfflineSettings(
            follower=name,
            conductor=ConductorSettings(
                policy=settings.policy,
                start=Start.SOLOIST if settings.count_in_bars is None else Start.COUNTIN,
                countin_bars=settings.count_in_bars or 0.0,
                latency_out_s=soloist.latency_s + ensemble.latency_s + settings.further_latency_s,
            ),
            block=0,
        )
        self._conductor = Conductor(
            score, line, tempo, self._how.conductor, self._plan.onsets_quarter
        )
        self._session = Session(
            follower=self._follower,
            conductor=self._conductor,
            scheduler=Scheduler(self._plan),
            sample_rate=soloist.sample_rate,
            hop=hop,
        )
        self._engine = LiveEngine(
            self._session,
            soloist.feed,
            [ensemble.sink],
            recorder=soloist.recorder,
            extra=CountIn(score, self._how.conductor.countin_bars).clicks,
        )

    def play(self) -> None:
        """Run until the human leaves or the piece ends; everything is silent afterwards."""
        if self._start_quarter > 0.0:
            self._session.locate(self._start_quarter)
        if self._settings.count_in_bars is not None:
            self._session.start()
        keyboard = sys.stdin.isatty()
        router = Router(KeyMap(tapping=self._settings.tap), self._soloist.taps)
        score = self._piece.score
        screen = Screen(
            score,
            heading=f"{self._piece.title} · {self._solo.name}",
            sources=f"{self._soloist.name} → {self._ensemble.name}",
            keys=router.keymap.help if keyboard else "",
        )
        player = Player(
            self._engine, self._session, self._conductor, score, router, self._plan.channels
        )
        with on_stage(self._engine, screen, router, keyboard=keyboard) as show:
            player.run(show)

    def keep(self) -> None:
        """Write the take folder, if anything was played and it is wanted."""
        recorder = self._soloist.recorder
        try:
            if not self._settings.keep:
                return
            if not self._engine.record.onsets and not self._engine.record.struck:
                click.echo("Nothing was played, so no take is kept.", err=True)
                return
            out = self._settings.out or _default_folder(self._piece.id)
            click.echo(f"Keeping the take in {out} …", err=True)
            try:
                with take_folder(out) as folder:
                    self._write(folder)
            except AccompanistError as error:
                click.echo(f"accompanist: {error}", err=True)
                out = Path(tempfile.gettempdir()) / _default_folder(self._piece.id)
                with take_folder(out) as folder:
                    self._write(folder)
            listen = "mix.wav to listen to, " if self._ensemble.soundfont is not None else ""
            click.echo(f"Kept: {out} ({listen}accompaniment.mid for a DAW)", err=True)
        finally:
            if recorder is not None:
                recorder.discard()

    def _write(self, folder: Path) -> None:
        from bridges.audio_files import write_wav

        figures = self._engine.figures
        take = Take(
            score=self._piece.score,
            solo=self._solo,
            plan=self._plan,
            record=self._engine.record,
            compute=ComputeTimes(figures.hop_seconds, self._session.hop_s),
            duration_s=self._session.time_s,
            latency_s=self._follower.latency_s,
        )
        rate, recorder = self._soloist.sample_rate, self._soloist.recorder
        audio = np.zeros((0, 1), dtype=np.float32) if recorder is None else recorder.take()
        if recorder is not None:
            write_wav(folder / "solo.wav", audio, rate)
        write_take(
            folder,
            take,
            self._how,
            piece={
                "id": self._piece.id,
                "title": self._piece.title,
                "composer": self._piece.composer,
            },
            input_facts={
                "live": True,
                "source": self._soloist.name,
                "sample_rate": rate,
                "input_latency_s": self._soloist.latency_s,
                "output_latency_s": self._ensemble.latency_s,
                "messages_sent": figures.messages_sent,
                "notes_late_ms": _quantiles_ms(figures.late_seconds),
                "lost_samples": figures.lost_samples,
            },
            soundfont=self._ensemble.soundfont,
            xruns=figures.xruns,
            subtitle=f"live, {self._soloist.name}",
        )
        if self._ensemble.soundfont is not None:
            try:
                write_sound(folder, take, audio, rate, self._ensemble.soundfont)
            except DeviceError as error:
                click.echo(f"accompanist: the take has no mix: {error}", err=True)


def _quantiles_ms(seconds: npt.NDArray[np.float64]) -> dict[str, float]:
    if not len(seconds):
        return {}
    p50, p99, worst = np.quantile(1000.0 * seconds, (0.5, 0.99, 1.0)).tolist()
    return {"p50": p50, "p99": p99, "max": worst}


def _default_folder(piece_id: str) -> Path:
    return Path("takes") / f"{piece_id}-{datetime.now():%Y%m%d-%H%M%S}"
