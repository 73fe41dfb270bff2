"""A live take from the first look at the piece to the folder that keeps it."""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import click

from accompanist.app.engine.live import LiveEngine
from accompanist.app.engine.piece import piece_of_journal, recording_source
from accompanist.app.interrupts import interrupts_ignored, termination_as_interrupt
from accompanist.app.keeping.journal import JournalFacts, TakeJournal
from accompanist.app.keeping.ring import TakeRing, ring_folder
from accompanist.app.pieces import check_stretched, open_any
from accompanist.app.playing.count_in import CountIn
from accompanist.app.playing.keeping import default_folder, keep_take, learn_from
from accompanist.app.playing.keymap import KeyMap
from accompanist.app.playing.parts import (
    Ensemble,
    Soloist,
    open_ensemble,
    open_recording,
    open_soloist,
)
from accompanist.app.playing.places import find_place
from accompanist.app.playing.player import Player, Router, Stick, on_stage
from accompanist.app.playing.preparing import prepare
from accompanist.app.playing.settings import PlaySettings
from accompanist.app.playing.terminal import Flags, Screen
from accompanist.app.processes.board import Board
from accompanist.app.processes.links import Click, LoadPlan, Mix, Problem, Sent
from accompanist.app.processes.recording_links import MixRecording
from accompanist.errors import UsageError
from accompanist.followers.registry import follower_names
from accompanist.score.choose import choose_solo
from accompanist.score.introduction import introduction
from accompanist.score.model import Part
from accompanist.session import Step
from accompanist.takes.folder import check_place
from score_library.catalogue import Piece

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
    piece = open_any(settings.piece, partial(click.echo, err=True))
    if settings.stretcher is not None:
        check_stretched(piece)
    choice = choose_solo(piece.score, settings.solo)
    if settings.follower is not None and settings.follower not in follower_names():
        raise UsageError(
            f"no follower is called {settings.follower!r}; there are {', '.join(follower_names())}"
        )
    start_quarter = 0.0
    if settings.start_bar is not None:
        start_quarter = find_place(piece.score, settings.start_bar)
    before = introduction(piece.score, choice.part)
    alone = before is not None and start_quarter <= before.start_quarter
    led = settings.from_file is not None or settings.conducted
    if alone and settings.count_in_bars is None and not led:
        # Nobody has to be counted in by a recording: it begins by itself.
        bars = _USUAL_COUNT_IN_BARS if piece.recording is None else 0.0
        settings = replace(settings, count_in_bars=bars)
    if settings.keep:
        check_place(settings.out or default_folder(piece.id))
    ensemble = open_ensemble(settings, notes=piece.recording is None)
    try:
        source = recording_source(piece)
        if source is not None:
            open_recording(ensemble, settings, source, piece.score)
        soloist = open_soloist(settings)
    except BaseException:
        ensemble.close()
        raise
    try:
        live = _LiveTake(settings, piece, choice.part, soloist, ensemble, start_quarter)
    except BaseException:
        soloist.feed.close()
        ensemble.close()
        raise
    if ensemble.warning:
        click.echo(f"accompanist: no MIDI port: {ensemble.warning}", err=True)
    click.echo(
        f"{piece.title}: you play {choice.part.name}, part {choice.part.number} ({choice.reason}).",
        err=True,
    )
    if before is not None and alone and settings.count_in_bars is not None:
        click.echo(
            f"The ensemble begins: it {'counts in and ' if settings.count_in_bars else ''}plays "
            f"{before.length}, then you come in.",
            err=True,
        )
    with termination_as_interrupt():
        try:
            live.play()
        finally:
            # Whoever presses Ctrl-C twice wants to leave, not to lose what was played.
            with interrupts_ignored():
                live.close()
                live.keep()
            live.learn()


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
        self._changes: list[tuple[float, str, float]] = [(0.0, "solo", ensemble.solo_level)]
        self._soloist = soloist
        self._ensemble = ensemble
        score = piece.score
        board = ensemble.link.board_path
        made = prepare(settings, piece, solo, soloist, ensemble, start_quarter)
        self._plan, self._clock_plan = made.plan, made.clock_plan
        self._conductor, self._session = made.conductor, made.session
        self._kept: Path | None = None
        self._ring = TakeRing(ring_folder())
        self._journal = TakeJournal(
            self._ring.new_folder(piece.id),
            JournalFacts(
                piece=piece_of_journal(piece),
                score=score,
                solo=solo.number,
                follower=made.follower,
                conductor=asdict(made.how),
                sample_rate=None if soloist.keys else soloist.sample_rate,
                hop_s=made.session.hop_s,
                report_s=made.report_s,
                input={
                    "live": True,
                    "source": soloist.name,
                    "sample_rate": soloist.sample_rate,
                    "input_latency_s": soloist.latency_s,
                    "output": ensemble.name,
                    "output_latency_s": ensemble.latency_s,
                    "rehearsal": made.rehearsal.facts(),
                },
            ),
            self._warn,
        )
        self._count_in = CountIn(score, made.how.countin_bars)
        self._board = Board.open(board)
        self._engine = LiveEngine(
            soloist.feed,
            self._board,
            session=made.session,
            beside=made.beside,
            scribe=self._journal,
            on_step=self._click,
        )
        self._warnings: deque[str] = deque()

    def play(self) -> None:
        """Run until the human leaves or the piece ends; everything is silent afterwards."""
        score, link = self._piece.score, self._ensemble.link
        names = {part.number: part.name for part in score.parts}
        link.send(LoadPlan(self._plan, self._clock_plan, names))
        self._journal.open()
        keyboard = sys.stdin.isatty()
        recording = self._ensemble.recording
        settings = self._settings
        keymap = KeyMap(
            tapping=settings.tap,
            beating=settings.conducted,
            recording=recording is not None,
        )
        stick = Stick(self._engine, self._conductor) if settings.conducted else None
        router = Router(keymap, stick or self._soloist.taps)
        screen = Screen(
            score,
            heading=f"{self._piece.title} · {self._solo.name}",
            sources=f"{self._soloist.name} → {self._ensemble.name}",
            keys=router.keymap.help if keyboard else "",
        )
        player = Player(
            self._engine,
            self._conductor,
            score,
            router,
            self._mute,
            None if recording is None else self._set_solo_level,
        )
        player.flags = replace(player.flags, solo_level=self._ensemble.solo_level)
        with on_stage(self._engine, screen, router, keyboard=keyboard) as show:

            def look(flags: Flags) -> None:
                self._listen()
                if self._warnings:
                    player.say(self._warnings.popleft())
                show(flags)

            player.run(look)

    def close(self) -> None:
        """End the engine and the performer, with everything silent; closing twice does no harm."""
        self._engine.stop()
        self._ensemble.close()
        self._listen()
        self._board.close()
        figures = self._engine.figures
        self._journal.figures({"xruns": figures.xruns, "lost_samples": figures.lost_samples})
        self._journal.close()
        self._journal.join()
        for warning in self._warnings:
            click.echo(f"accompanist: {warning}", err=True)
        self._warnings.clear()

    def keep(self) -> None:
        """Write the take folder, if anything was played and it is wanted."""
        if self._settings.keep and self._journal.played:
            self._kept = keep_take(
                self._journal.folder,
                self._settings.out,
                self._piece.id,
                self._ensemble,
                self._changes,
            )
        elif self._settings.keep:
            click.echo("Nothing was played, so no take is kept.", err=True)
        # What could not be kept, or was cut off by a crash, stays in the ring for a while.
        self._ring.remove(self._journal.folder)
        self._ring.trim()

    def learn(self) -> None:
        """Learn from the take that was kept; whoever does not want to wait presses Ctrl-C."""
        if self._kept is not None and self._settings.rehearse and not self._settings.conducted:
            learn_from(self._kept, self._piece, self._solo)

    def _listen(self) -> None:
        """Take in what the performer tells: what was sent becomes part of the take."""
        for event in self._ensemble.link.events():
            if isinstance(event, Sent):
                told = zip(event.messages, event.late_s, strict=True)
                ours = [(m, late) for m, late in told if m.part > 0]  # clicks are no music
                self._engine.played([m for m, _ in ours], [late for _, late in ours])
            elif isinstance(event, Problem):
                self._warn(event.text)

        if self._ensemble.recording is not None:
            for news in self._ensemble.recording.events():
                if isinstance(news, Problem):
                    self._warn(news.text)

    def _warn(self, text: str) -> None:
        self._warnings.append(text)

    def _mute(self, muted: bool) -> None:
        for part in self._plan.channels:
            self._ensemble.link.send(Mix(part, "mute", muted))
            self._engine.do(partial(self._session.mix, part, "mute", muted))
        self._mix("mute", float(muted))

    def _set_solo_level(self, level: float) -> None:
        self._ensemble.solo_level = level
        self._mix("solo", level)

    def _mix(self, control: str, value: float) -> None:
        if self._ensemble.recording is not None:
            self._ensemble.recording.send(MixRecording(control, value))
            view = self._engine.view
            now_s = 0.0 if view is None else time.monotonic() - view.offset_s
            self._changes.append((now_s, control, value))

    def _click(self, step: Step, _offset_s: float) -> None:
        if clicks := self._count_in.clicks(step):
            self._ensemble.link.send(Click(clicks))
