"""MIDI through JACK (or PipeWire), each message at its exact sample.

Messages are handed over ahead of their time with the monotonic time at which they are to leave;
the process callback writes them at the frame that is that time. What comes late leaves with the
next cycle.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Final

from accompanist.errors import DeviceError
from accompanist.performing.clock import ClockEvent
from accompanist.performing.messages import Message
from bridges.midi_bytes import wire_bytes
from bridges.quiet import quiet_stderr

__all__ = ["FrameClock", "JackMidi", "JackPort", "NameTakenError", "OffsAgain", "jack_library"]

_LOG = logging.getLogger(__name__)
_WRAP = 1 << 32
"""JACK counts frames in 32 bits: a day at 48 kHz."""
_SMOOTHING: Final = 0.02
_SNAP_S: Final = 0.002
"""If JACK's time is off by so much it has skipped, and is not to be smoothed."""
_MARGIN_S: Final = 0.002
_OVERRUN_CYCLES: Final = 8
"""An overrun is told of some cycles later."""
_MOST_OFFS: Final = 512
_NOTE_OFF, _NOTE_ON, _CONTROL, _HOLD_PEDAL = 0x80, 0x90, 0xB0, 64
_PATIENCE_S: Final = 0.005
_Entry = tuple[float, int, int, bytes, object]
"""Monotonic time, order, port, bytes, what is given back when it has left."""


class NameTakenError(DeviceError):
    """Another program has our name."""


def jack_library() -> ModuleType:
    """Load JACK-Client.

    Raises
    ------
    DeviceError
        It or libjack is not installed.
    """
    try:
        import jack
    except (ImportError, OSError) as error:
        raise DeviceError(
            "the JACK library is not installed; install it (Debian/Ubuntu: libjack-jackd2-0 or "
            "pipewire-jack, Fedora: pipewire-jack-audio-connection-kit, macOS: brew install jack)"
        ) from error
    jack.set_error_function(_LOG.debug)  # else libjack writes to our stderr
    jack.set_info_function(_LOG.debug)
    module: ModuleType = jack
    return module


class FrameClock:
    """Which frame a monotonic time is, smoothed over some cycles. Pure.

    JACK's own clock is a filter over the sound card's interrupts; what is left of its jitter and
    of that of asking is taken out here.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._start = -1
        self._offset = 0.0

    def hear(self, start: int, now_s: float, now_frame: int) -> int:
        """Take in one cycle and give its first frame, counted without end.

        Parameters
        ----------
        start : int
            First frame of the cycle, as JACK counts (32 bits).
        now_s, now_frame : float, int
            A monotonic time and JACK's estimate of the frame at that moment (32 bits).
        """
        first = self._start < 0
        last = start if first else self._start
        self._start = last + (start - last) % _WRAP
        since = (now_frame - start) % _WRAP
        if since >= _WRAP // 2:
            since -= _WRAP
        offset = self._start + since - now_s * self._rate
        wrong = offset - self._offset
        if first or abs(wrong) > _SNAP_S * self._rate:
            self._offset = offset
        else:
            self._offset += _SMOOTHING * wrong
        return self._start

    def frame(self, time_s: float) -> float:
        """Frame, with its fraction, at a monotonic time."""
        return time_s * self._rate + self._offset

    def time_s(self, frame: float) -> float:
        """Monotonic time of a frame: the inverse of `frame`."""
        return (frame - self._offset) / self._rate


class OffsAgain:
    """Remembers what lets go, for when a cycle has been lost. Pure.

    What a client writes in a cycle that it does not finish in time is heard by nobody. A note that
    is missing is missed; one that is not let go hangs. So after an overrun the offs of the last
    cycles are said again, but not for keys that have been struck since.
    """

    def __init__(self) -> None:
        self._offs: deque[tuple[int, int, bytes]] = deque(maxlen=_MOST_OFFS)
        self._down: set[tuple[int, int, int]] = set()

    def wrote(self, frame: int, port: int, data: bytes) -> None:
        """Take note of a message that has been written."""
        kind = data[0] & 0xF0
        if kind == _NOTE_ON:
            self._down.add((port, data[0] & 0x0F, data[1]))
        elif kind == _NOTE_OFF:
            self._down.discard((port, data[0] & 0x0F, data[1]))
            self._offs.append((frame, port, data))
        elif kind == _CONTROL and data[1] == _HOLD_PEDAL and data[2] == 0:
            self._offs.append((frame, port, data))

    def again(self, since: int) -> list[tuple[int, bytes]]:
        """Give (port, bytes) of what let go from a frame on, and still should."""
        return [
            (port, data)
            for frame, port, data in self._offs
            if frame >= since
            and (data[0] & 0xF0 != _NOTE_OFF or (port, data[0] & 0x0F, data[1]) not in self._down)
        ]


class JackMidi:
    """A JACK client with MIDI outputs.

    Parameters
    ----------
    client_name : str
        Exactly this; it is an error if it is taken.
    ports : sequence of str
        Short names of the outputs, in order.
    on_shutdown : callable, optional
        Called from a thread of JACK's when the server has gone.

    Raises
    ------
    DeviceError
        No library, no server, or (`NameTakenError`) the name is taken.

    Notes
    -----
    `send`, `sent` and `gone` do not block and may be called from one thread while another calls
    the rest.
    """

    def __init__(
        self,
        client_name: str,
        ports: Sequence[str],
        *,
        on_shutdown: Callable[[], None] | None = None,
        wait_for_name_s: float = 0.0,
    ) -> None:
        self._jack = jack_library()
        self._on_shutdown = on_shutdown
        self.client_name = client_name
        self.gone = ""
        """Why nothing leaves any more; empty while all is well."""
        self.xruns = 0
        self._xruns_seen = 0
        self._expected = -1
        self._offs = OffsAgain()
        self._count = itertools.count()
        self._incoming: deque[_Entry] = deque()
        self._waiting: list[_Entry] = []
        self._left: list[deque[tuple[object, float]]] = [deque() for _ in ports]
        self._client = self._opened(wait_for_name_s)
        self._rate = int(self._client.samplerate)
        self._clock = FrameClock(self._rate)
        self.cycle_s = float(self._client.blocksize) / self._rate
        """Length of a cycle."""
        self._client.set_process_callback(self._process)
        self._client.set_shutdown_callback(self._shut_down)
        self._client.set_xrun_callback(self._count_xrun)
        try:
            self._ports = [self._client.midi_outports.register(name) for name in ports]
            self._last = [0] * len(self._ports)
            with quiet_stderr():
                self._client.activate()
        except self._jack.JackError as error:
            self.close()
            raise DeviceError(f"JACK gives {client_name} no MIDI ports ({error})") from error

    @property
    def ahead_s(self) -> float:
        """How long before its time a message is to be handed over."""
        return self.cycle_s + _MARGIN_S

    def send(self, port: int, data: bytes, at_s: float, tag: object = None) -> None:
        """Have one message leave a port at a monotonic time, or as soon after it as can be."""
        self._incoming.append((at_s, next(self._count), port, data, tag))

    def sent(self, port: int) -> list[tuple[object, float]]:
        """Take (tag, seconds too late) of what has left a port since the last call."""
        left, out = self._left[port], []
        while left:
            out.append(left.popleft())
        return out

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything has left; tell whether it has."""
        end_s = time.monotonic() + timeout_s
        while (self._incoming or self._waiting) and not self.gone:
            if time.monotonic() > end_s:
                return False
            time.sleep(0.001)
        if not self.gone:
            time.sleep(2.0 * self.cycle_s)  # whoever listens reads it in the same cycle
        return not self.gone

    # ---- connections (blocking) ----------------------------------------------------------------

    def connections(self) -> dict[str, tuple[str, ...]]:
        """Give the inputs that each of our ports (short names) is connected to."""
        if self.gone:
            return {}
        try:
            return {
                port.shortname: tuple(sorted(peer.name for peer in port.connections))
                for port in self._ports
            }
        except self._jack.JackError:
            return {}

    def present(self, peers: Sequence[str]) -> set[str]:
        """Those of these ports that there are now."""
        if self.gone:
            return set()
        try:
            there = {port.name for port in self._client.get_ports(is_midi=True, is_input=True)}
        except self._jack.JackError:
            return set()
        return there & set(peers)

    def connect(self, port: str, peer: str) -> None:
        """Connect one of our ports; nothing happens if it cannot be."""
        if self.gone:
            return
        try:
            with quiet_stderr():
                self._client.connect(f"{self.client_name}:{port}", peer)
        except self._jack.JackError as error:
            _LOG.info("%s:%s is not connected to %s: %s", self.client_name, port, peer, error)

    def close(self) -> None:
        """Give the client back; closing twice does no harm."""
        self.gone = self.gone or "closed"
        with quiet_stderr():
            self._client.close()

    # ---- JACK's own threads --------------------------------------------------------------------

    def _process(self, frames: int) -> None:
        try:
            self._write(frames)
        except Exception as error:  # an exception here would end the callbacks for good
            self.gone = f"JACK refuses our messages ({error})"

    def _write(self, frames: int) -> None:
        client = self._client
        self.cycle_s = frames / self._rate
        begin_s = time.monotonic()
        now_frame = client.frame_time
        now_s = 0.5 * (begin_s + time.monotonic())
        start = self._clock.hear(client.last_frame_time, now_s, now_frame)
        for port in self._ports:
            port.clear_buffer()
        if self.xruns != self._xruns_seen or start != self._expected:
            self._say_again(start, frames)
        self._expected = start + frames
        while self._incoming:
            heapq.heappush(self._waiting, self._incoming.popleft())
        while self._waiting:
            at_s, _, number, data, tag = self._waiting[0]
            frame = round(self._clock.frame(at_s))
            if frame >= start + frames:
                return
            at = max(frame, start, self._last[number])
            if at >= start + frames:
                return
            try:
                self._ports[number].write_midi_event(at - start, data)
            except self._jack.JackError:  # the buffer is full: the next cycle has room
                return
            self._last[number] = at
            self._offs.wrote(at, number, data)
            heapq.heappop(self._waiting)
            self._left[number].append((tag, (at - frame) / self._rate))

    def _say_again(self, start: int, frames: int) -> None:
        """Let go once more of what was let go in cycles that may have been lost."""
        self._xruns_seen = self.xruns
        for number, data in self._offs.again(start - _OVERRUN_CYCLES * frames):
            try:
                self._ports[number].write_midi_event(0, data)
            except self._jack.JackError:
                return

    def _shut_down(self, _status: object, _reason: str) -> None:
        self.gone = "the JACK server has gone"
        if self._on_shutdown is not None:
            self._on_shutdown()

    def _count_xrun(self, _delay_us: float) -> None:
        self.xruns += 1

    def _opened(self, wait_for_name_s: float) -> Any:
        end_s = time.monotonic() + wait_for_name_s
        while (client := self._tried()) is None:
            if time.monotonic() > end_s:
                raise NameTakenError(
                    f"the JACK name {self.client_name!r} is taken: another accompanist runs; "
                    "end it, or give this one another name (output.client_name)"
                )
            time.sleep(_PATIENCE_S)
        return client

    def _tried(self) -> Any:
        """Open the client; None if its name is taken."""
        try:
            with quiet_stderr():
                client = self._jack.Client(
                    self.client_name, use_exact_name=True, no_start_server=True
                )
        except self._jack.JackOpenError as error:
            # jack2 tells of a taken name with "server error" instead of its own flag.
            if error.status.name_not_unique or error.status.server_error:
                return None
            raise DeviceError("no JACK server runs") from error
        if client.name != self.client_name:  # a server that gives another one unasked
            client.close()
            return None
        return client


class JackPort:
    """One output of a `JackMidi`. A sink that is handed messages ahead of their time."""

    kind = "jack"
    latency_s = 0.0

    def __init__(self, jack: JackMidi, number: int, name: str) -> None:
        self._jack = jack
        self._number = number
        self.name = f"{jack.client_name}:{name}"

    @property
    def ahead_s(self) -> float:
        """How long before its time a message is to be handed over."""
        return self._jack.ahead_s

    @property
    def gone(self) -> str:
        """Why nothing leaves any more; empty while all is well."""
        return self._jack.gone

    def send(self, message: Message | ClockEvent | bytes, at_s: float, tag: object = None) -> None:
        """Have a message leave at a monotonic time; `sent` gives the ``tag`` back then."""
        if not self._jack.gone:
            data = wire_bytes(message)
            self._jack.send(self._number, data, at_s, tag)

    def sent(self) -> list[tuple[object, float]]:
        """Take (tag, seconds too late) of what has left since the last call."""
        return self._jack.sent(self._number)

    def close(self) -> None:
        """Nothing: ports are closed with their client."""
