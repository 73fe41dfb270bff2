"""Sound in through JACK (or PipeWire), by a client of our own.

PortAudio can use JACK too, but when the server goes its stream cannot be closed any more, and
PortAudio aborts the process when it is to look for devices again (tried with 19.6). So it had
better not know of JACK: `jack_hidden`. Time is counted in JACK's frames (`bridges.jack_capture`).
"""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from accompanist.errors import DeviceError
from bridges.audio_live import AudioDevice
from bridges.audio_ring import Block
from bridges.jack_capture import JackCapture
from bridges.jack_midi import jack_library
from bridges.quiet import quiet_stderr

__all__ = ["CLIENT_NAME", "PORT_NAME", "JackInput", "jack_hidden", "list_jack_inputs"]

_LOG = logging.getLogger(__name__)

CLIENT_NAME: Final = "accompanist input"
PORT_NAME: Final = "solo"
RING_S = 20.0
_SERVER = "JACK_DEFAULT_SERVER"
_HOST = "JACK"


@contextmanager
def jack_hidden() -> Iterator[None]:
    """Let what looks for JACK's server within find none. Other threads had better not look."""
    before = os.environ.get(_SERVER)
    os.environ[_SERVER] = f"{CLIENT_NAME.replace(' ', '-')}-hides-{os.getpid()}"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SERVER]
        else:
            os.environ[_SERVER] = before


def list_jack_inputs(first_number: int = 0) -> tuple[AudioDevice, ...]:
    """Give the clients of the JACK server that stand for inputs of the machine; none without one.

    Parameters
    ----------
    first_number : int
        What the first of them is called.
    """
    try:
        jack = jack_library()
        with quiet_stderr():
            client = jack.Client(f"{CLIENT_NAME} look", no_start_server=True)
    except (DeviceError, OSError):
        return ()
    except jack.JackOpenError:
        return ()
    try:
        ports = client.get_ports(is_audio=True, is_output=True, is_physical=True)
        counts = Counter(port.name.rpartition(":")[0] for port in ports)
        rate = int(client.samplerate)
    except jack.JackError:
        return ()
    finally:
        with quiet_stderr():
            client.close()
    return tuple(
        AudioDevice(first_number + i, name, _HOST, inputs, 0, rate, default_input=i == 0)
        for i, (name, inputs) in enumerate(counts.items())
    )


class JackInput:
    """An audio source with a JACK port: ``accompanist input:solo``.

    Parameters
    ----------
    target : str
        Client whose outputs are the inputs of the machine (``system``), to be connected with.
    channel : int
        Which of its ports, from 1.

    Raises
    ------
    DeviceError
        No JACK library or server, or the target has no such port.
    """

    def __init__(self, target: str, *, channel: int = 1) -> None:
        jack = jack_library()
        self._error: type[Exception] = jack.JackError
        self.name = target
        self.xruns = 0
        """How often a client of the server was too slow."""
        self._gone = False
        self._capture: JackCapture | None = None
        try:
            with quiet_stderr():
                self._client: Any = jack.Client(CLIENT_NAME, no_start_server=True)
        except jack.JackOpenError as error:
            raise DeviceError("no JACK server runs; start it, or choose another input") from error
        try:
            self.sample_rate = int(self._client.samplerate)
            self._port: Any = self._client.inports.register(PORT_NAME)
            self._source = self._find(target, channel)
            self._block_s = int(self._client.blocksize) / self.sample_rate
            self._capture = self._captured(jack)
            self._client.set_shutdown_callback(self._shut_down)
            self._client.set_xrun_callback(self._count_xrun)
        except jack.JackError as error:
            self.close()
            raise DeviceError(f"{target}: does not open for input ({error})") from error
        except DeviceError:
            self.close()
            raise

    @property
    def latency_s(self) -> float:
        """From the air to the ring: a period, which the driver has to fill."""
        return self._block_s

    @property
    def ended(self) -> bool:
        """Whether the server has gone."""
        return self._gone

    @property
    def lost_samples(self) -> int:
        """Samples that came faster than they were read."""
        return 0 if self._capture is None else self._capture.lost_samples

    def start(self) -> None:
        """Let the samples come, from the target and whoever is connected later.

        Raises
        ------
        DeviceError
            The server does not take us.
        """
        try:
            with quiet_stderr():
                self._client.activate()
                self._client.connect(self._source, self._port)
        except self._error as error:
            raise DeviceError(f"{self.name}: does not start ({error})") from error

    def read(self, timeout_s: float) -> Block:
        """Take all samples that have come since the last call; empty after ``timeout_s``."""
        if self._capture is None:
            return Block(np.zeros(0, dtype=np.float32), 0, float("nan"))
        return self._capture.read(timeout_s)

    def close(self) -> None:
        """Give the client back; closing twice does no harm."""
        self._gone = True
        with quiet_stderr():
            self._client.close()
        if self._capture is not None:  # JACK's thread does not use it any more
            self._capture.close()

    def _captured(self, jack: Any) -> JackCapture:
        """Have JACK's thread fill a ring from our port."""
        library, types = jack._lib, jack._ffi
        client, port = self._client._ptr, self._port._ptr
        capture = JackCapture(
            library,
            types,
            client=int(types.cast("uintptr_t", client)),
            port=int(types.cast("uintptr_t", port)),
            sample_rate=self.sample_rate,
            capacity=round(RING_S * self.sample_rate),
        )
        failed = library.jack_set_process_callback(
            client,
            types.cast("JackProcessCallback", capture.address),
            types.cast("void*", capture.argument),
        )
        if failed:
            capture.close()
            raise jack.JackError("the callback is refused")
        return capture

    def _find(self, target: str, channel: int) -> Any:
        pattern = f"^{re.escape(target)}:"
        ports = self._client.get_ports(pattern, is_audio=True, is_output=True)
        if not 1 <= channel <= len(ports):
            there = f"choose 1 to {len(ports)}" if ports else "it has none"
            raise DeviceError(f"{target}: has no channel {channel}; {there}")
        return ports[channel - 1]

    # ---- JACK's own threads ----------------------------------------------------------------------

    def _shut_down(self, _status: object, reason: str) -> None:
        self._gone = True
        _LOG.info("JACK has gone: %s", reason)

    def _count_xrun(self, _delay_us: float) -> None:
        self.xruns += 1
