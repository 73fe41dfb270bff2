"""Sound out through JACK (or PipeWire), by a client of our own with two ports.

A sample leaves at the frame at which a MIDI message of the same time would (`bridges.jack_midi`).
"""

from __future__ import annotations

import ctypes
import logging
import time
from collections.abc import Sequence
from ctypes.util import find_library
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from accompanist.errors import DeviceError
from bridges.jack_midi import FrameClock, jack_library
from bridges.jack_playback import JackPlayback, compiled_callback
from bridges.quiet import quiet_stderr

__all__ = ["CLIENT_NAME", "PORT_NAMES", "JackOutput", "prepare"]

_LOG = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float32]
Connection = tuple[str, str]
"""Short name of a port of ours, full name of the input that it is connected to."""

CLIENT_NAME: Final = "accompanist recording"
PORT_NAMES: Final = ("out_1", "out_2")
LONGEST_LATENCY_S: Final = 0.3
"""What a driver tells beyond this is nonsense."""
_PLAYBACK: Final = 1
"""JackPlaybackLatency."""
_PATIENCE_S: Final = 0.02


class JackOutput:
    """An output with two JACK ports: ``accompanist recording:out_1`` and ``out_2``.

    Parameters
    ----------
    client_name : str
    connections : sequence of (port, input), optional
        What to connect; without it the loudspeakers of the server.
    wait_for_name_s : float
        A client that was killed keeps its name for as long as its server takes to notice.

    Raises
    ------
    DeviceError
        No JACK library or server, or it gives us no ports.
    """

    kind = "jack"

    def __init__(
        self,
        client_name: str = CLIENT_NAME,
        connections: Sequence[Connection] | None = None,
        *,
        wait_for_name_s: float = 2.0,
    ) -> None:
        jack = jack_library()
        self._error: type[Exception] = jack.JackError
        self.xruns = 0
        """How often a client of the server was too slow."""
        self.gone = ""
        """Why nothing leaves any more; empty while all is well."""
        self._wanted = None if connections is None else tuple(connections)
        self._playback: JackPlayback | None = None
        self._client = _opened(jack, client_name, wait_for_name_s)
        try:
            self.name = str(self._client.name)
            self.sample_rate = int(self._client.samplerate)
            self._block = int(self._client.blocksize)
            self._ports = [self._client.outports.register(name) for name in PORT_NAMES]
            self._address = int(jack._ffi.cast("uintptr_t", self._ports[0]._ptr))
            self._clock = FrameClock(self.sample_rate)
            self._heard = -1
            self._playback = self._emptied(jack)
            self._client.set_shutdown_callback(self._shut_down)
            self._client.set_xrun_callback(self._count_xrun)
        except jack.JackError as error:
            self.close()
            raise DeviceError(f"JACK gives {client_name} no ports ({error})") from error

    @property
    def block_samples(self) -> int:
        """Frames that the server takes at a time."""
        return self._block

    @property
    def latency_s(self) -> float:
        """From the frame at which a sample leaves us to the loudspeaker, as the server says."""
        told_s = _told_latency(self._address) / self.sample_rate
        return told_s if 0.0 < told_s < LONGEST_LATENCY_S else self._block / self.sample_rate

    @property
    def taken(self) -> int:
        """First frame that has not been taken yet, counted without end."""
        return 0 if self._playback is None else self._playback.taken

    @property
    def written(self) -> int:
        """First frame that has not been written yet."""
        return 0 if self._playback is None else self._playback.written

    @property
    def drop_outs(self) -> int:
        """How often there was nothing to take."""
        return 0 if self._playback is None else self._playback.drop_outs

    def fileno(self) -> int:
        """File descriptor to wait on: readable when a block has been taken."""
        return -1 if self._playback is None else self._playback.fileno()

    def calm(self) -> None:
        """Take note of what has been taken, once `fileno` is readable."""
        playback = self._playback
        if playback is None or self.gone:
            return
        playback.calm()
        start = playback.cycle_start
        if playback.started and start != self._heard:
            self._heard = start
            began_s = time.monotonic()
            frame = int(self._client.frame_time)
            self._clock.hear(start, 0.5 * (began_s + time.monotonic()), frame)

    def time_s(self, frame: int) -> float:
        """Monotonic time at which a MIDI message would leave at this frame."""
        return self._clock.time_s(frame)

    @property
    def started(self) -> bool:
        """Whether frames are being taken."""
        return self._heard >= 0

    def skip(self, frame: int) -> None:
        """Go on writing at a frame; before it there is nothing."""
        if self._playback is not None:
            self._playback.skip(frame)

    def write(self, samples: FloatArray) -> None:
        """Append frames [shape=(n, 2)]."""
        if self._playback is not None:
            self._playback.write(samples)

    def start(self) -> None:
        """Let the samples go, to whoever is to hear them.

        Raises
        ------
        DeviceError
            The server does not take us.
        """
        try:
            with quiet_stderr():
                self._client.activate()
        except self._error as error:
            raise DeviceError(f"{self.name}: does not start ({error})") from error
        for port, peer in self._usual() if self._wanted is None else self._wanted:
            try:
                with quiet_stderr():
                    self._client.connect(f"{self.name}:{port}", peer)
            except self._error as error:
                _LOG.info("%s:%s is not connected to %s: %s", self.name, port, peer, error)

    def connections(self) -> tuple[Connection, ...]:
        """Give who listens now; asking takes a cycle of the server."""
        if self.gone:
            return ()
        try:
            return tuple(
                (str(port.shortname), str(peer.name))
                for port in self._ports
                for peer in port.connections
            )
        except self._error:
            return ()

    def close(self) -> None:
        """Give the client back; closing twice does no harm."""
        self.gone = self.gone or "closed"
        with quiet_stderr():
            self._client.close()
        if self._playback is not None:  # JACK's thread does not use it any more
            self._playback.close()

    def _usual(self) -> list[Connection]:
        """Give the loudspeakers of the server; one of them gets both sides."""
        try:
            found = self._client.get_ports(is_audio=True, is_input=True, is_physical=True)
        except self._error:
            return []
        names = [str(port.name) for port in found][: len(PORT_NAMES)]
        if len(names) == 1:
            names *= len(PORT_NAMES)
        return list(zip(PORT_NAMES, names, strict=False))

    def _emptied(self, jack: Any) -> JackPlayback:
        """Have JACK's thread empty a ring into our ports."""
        library, types = jack._lib, jack._ffi
        client = self._client._ptr
        first, second = (int(types.cast("uintptr_t", port._ptr)) for port in self._ports)
        playback = JackPlayback(
            library,
            types,
            client=int(types.cast("uintptr_t", client)),
            ports=(first, second),
        )
        failed = library.jack_set_process_callback(
            client,
            types.cast("JackProcessCallback", playback.address),
            types.cast("void*", playback.argument),
        )
        if failed:
            playback.close()
            raise jack.JackError("the callback is refused")
        return playback

    # ---- JACK's own threads ----------------------------------------------------------------------

    def _shut_down(self, _status: object, reason: str) -> None:
        self.gone = "the JACK server has gone"
        _LOG.info("JACK has gone: %s", reason)

    def _count_xrun(self, _delay_us: float) -> None:
        self.xruns += 1


def prepare() -> None:
    """Compile what JACK calls, ahead of time; where there is no JACK nothing happens."""
    try:
        jack = jack_library()
    except DeviceError:
        return
    compiled_callback(jack._lib, jack._ffi)


def _opened(jack: Any, name: str, wait_s: float) -> Any:
    """Open a client of this name; of another one if it stays taken."""
    end_s = time.monotonic() + wait_s
    while True:
        late = time.monotonic() > end_s
        try:
            with quiet_stderr():
                client = jack.Client(name, use_exact_name=not late, no_start_server=True)
        except jack.JackOpenError as error:
            # jack2 tells of a taken name with "server error" instead of its own flag.
            taken = error.status.name_not_unique or error.status.server_error
            if late or not taken:
                raise DeviceError("no JACK server runs; start it") from error
        else:
            if late or client.name == name:
                return client
            client.close()
        time.sleep(_PATIENCE_S)


def _told_latency(port_address: int) -> int:
    """Give the frames from a port to the loudspeaker; 0 where the library does not tell."""

    class Range(ctypes.Structure):
        _fields_: ClassVar = [("least", ctypes.c_uint32), ("most", ctypes.c_uint32)]

    try:
        library = ctypes.CDLL(find_library("jack"))
        told = Range()
        function = library.jack_port_get_latency_range
        function.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(Range))
        function.restype = None
        function(port_address, _PLAYBACK, ctypes.byref(told))
    except (OSError, AttributeError, TypeError):
        return 0
    return int(told.most)
