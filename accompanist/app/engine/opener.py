"""Opens the soloist's input on a thread of its own, and again when its device comes back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from accompanist.app.engine.feeds import KeyFeed
from accompanist.app.engine.input import check_input, look_again, open_feed
from accompanist.app.engine.lasting_feed import AnyFeed
from accompanist.app.engine.piece import InputFacts
from accompanist.app.processes.links import InputSettings
from accompanist.errors import AccompanistError

__all__ = ["InputOpener"]

_LOG = logging.getLogger(__name__)

AGAIN_S = 1.0
"""A device that is not there is looked for this often."""
LOOK_S = 2.0
"""MIDI keyboards are looked after this often: they do not tell when they go."""
LEAVE_S = 5.0


class InputOpener:
    """Opens the input that is wished for, and again whenever it has gone.

    Parameters
    ----------
    opened : callable
        Given the started feed and what is to be known of it.
    closing : callable
        Asked to let go of the feed that is in use; gives it back to be closed.
    problem : callable
        Told why an input cannot be had: once for each reason.
    opening, checking : callable, optional
        Open a feed, and see whether there is one: `open_feed` and `check_input` unless told.

    Notes
    -----
    The callables are called on the opener's thread, `wish` and `lost` from any.
    """

    def __init__(
        self,
        *,
        opened: Callable[[AnyFeed, InputFacts], None],
        closing: Callable[[], AnyFeed | None],
        problem: Callable[[int, str], None],
        opening: Callable[[InputSettings], tuple[AnyFeed, InputFacts]] = open_feed,
        checking: Callable[[InputSettings], None] = check_input,
    ) -> None:
        self._opened = opened
        self._closing = closing
        self._problem = problem
        self._opening = opening
        self._checking = checking
        self._changed = threading.Condition()
        self._wish: InputSettings | None = None
        self._fresh = False
        self._gone: list[tuple[AnyFeed, str]] = []
        self._left = False
        self._told = ""
        self._keys: KeyFeed | None = None
        self._began_s: float | None = None
        self._thread = threading.Thread(target=self._run, name="input", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wish(self, settings: InputSettings) -> None:
        """Have this input opened instead of the one before."""
        with self._changed:
            self._wish, self._fresh = settings, True
            self._changed.notify()

    def remember(self, settings: InputSettings) -> None:
        """Open the input with these settings when it has to be opened the next time."""
        with self._changed:
            self._wish = settings

    def lost(self, feed: AnyFeed, reason: str) -> None:
        """Have a feed that gives nothing any more closed and opened again."""
        with self._changed:
            self._gone.append((feed, reason))
            self._changed.notify()

    def busy_s(self) -> float:
        """How long it has been waiting for a driver; from any thread."""
        began_s = self._began_s
        return 0.0 if began_s is None else time.monotonic() - began_s

    def close(self) -> None:
        """End the thread; one that hangs in a driver is left to itself."""
        with self._changed:
            self._left = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(LEAVE_S)

    def _run(self) -> None:
        there, before = False, None
        while True:
            with self._changed:
                if not (self._left or self._fresh or self._gone):
                    self._changed.wait(self._pause_s(there))
                left, wish, fresh, gone = self._left, self._wish, self._fresh, self._gone
                self._fresh, self._gone = False, []
            for feed, reason in gone:
                there = False
                self._tell(reason)
                feed.close()
            if left:
                return
            if there and not fresh:
                there = self._still_there()
            if wish is None or (there and not fresh):
                continue
            if fresh:
                self._told = ""
            self._began_s = time.monotonic()
            there = self._open(wish, before if there else None)
            self._began_s = None
            before = self._wish or wish

    def _pause_s(self, there: bool) -> float | None:
        if there:
            return None if self._keys is None else LOOK_S
        return None if self._wish is None else AGAIN_S

    def _still_there(self) -> bool:
        """Look after a MIDI keyboard; one that is gone is closed."""
        if self._keys is None or self._keys.present:
            return True
        self._keys = None
        feed = self._closing()
        if feed is not None:
            feed.close()
        self._tell("the MIDI input has gone; is it still connected?")
        return False

    def _open(self, wish: InputSettings, before: InputSettings | None) -> bool:
        """Open an input; one that is in use stays if there is none of the new one's name."""
        try:
            if before is not None:
                self._checking(wish)
        except AccompanistError as error:
            self._tell(str(error))
            with self._changed:
                if not self._fresh:
                    self._wish = before
            return True
        former = self._closing()
        if former is not None:
            former.close()
        try:
            if wish.midi_in is None and wish.from_file is None:
                look_again()
            feed, facts = self._opening(wish)
        except AccompanistError as error:
            self._tell(str(error))
            return False
        except Exception as error:  # a driver's own ways must not end the search
            _LOG.exception("the input does not open")
            self._tell(f"the input does not open ({type(error).__name__}: {error})")
            return False
        self._told = ""
        self._keys = feed if isinstance(feed, KeyFeed) else None
        if wish.device is None and wish.midi_in is None and wish.from_file is None:
            # When it comes back it is to be the same one, whatever the system takes by then.
            with self._changed:
                if self._wish == wish:
                    self._wish = replace(wish, device=facts.name)
        self._opened(feed, facts)
        return True

    def _tell(self, reason: str) -> None:
        if reason != self._told:
            self._told = reason
            self._problem(503, reason)
