"""``accompanist daemon``: the background service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["command"]

_EPILOG = """\b
Examples:
  accompanist daemon                                    in the foreground, Ctrl-C leaves
  accompanist daemon --piece londonderry-air --arm --to midi,synth
  accompanist daemon --write-config                     a commented file of settings
  accompanist daemon --set clock.enabled=true --set hosts.ardour.enabled=true
  accompanist daemon --install-service                  starts with your session

\b
It answers to OSC (UDP 7010) and HTTP (7011) on this computer; 'accompanist ctl status' asks it.
SIGHUP reads the settings again, SIGTERM silences everything and leaves.
"""

_FLAGS = {
    "piece": "piece.load",
    "solo": "piece.solo",
    "input_name": "input.device",
    "channel": "input.channel",
    "midi_in": "input.midi_in",
    "from_file": "input.from_file",
    "to": "output.to",
    "port": "output.port",
    "backend": "output.backend",
    "soundfont": "output.soundfont",
    "driver": "output.driver",
    "osc_port": "osc.port",
    "http_port": "osc.http_port",
    "takes": "takes.folder",
}
"""Option → setting."""


@click.command(name="daemon", epilog=_EPILOG)
@click.option(
    "--config",
    "config_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Read the settings from here.",
)
@click.option("--piece", metavar="PIECE", help="Load this piece at the start.")
@click.option("--solo", metavar="PART", help="Solo part, by number or name.")
@click.option("--arm", is_flag=True, help="Wait for the soloist's first note at once.")
@click.option("--input", "input_name", metavar="DEV", help="Audio input, by number or name.")
@click.option("--channel", metavar="N", type=int, help="Channel of the input.")
@click.option("--midi-in", metavar="PORT", help="A MIDI keyboard instead of the sound.")
@click.option("--from-file", metavar="WAV", help="A recording in place of the microphone.")
@click.option("--to", metavar="midi,synth", help="Where the ensemble plays; 'none' for nowhere.")
@click.option(
    "--backend", metavar="NAME", help="Kind of the MIDI ports: jack, alsa, coremidi, port."
)
@click.option("--port", metavar="NAME", help="An existing MIDI output that takes the notes.")
@click.option("--soundfont", metavar="FILE", help="General MIDI sound font (.sf2, .sf3).")
@click.option("--driver", metavar="NAME", help="Audio driver of the synthesiser.")
@click.option("--clock", is_flag=True, help="Send MIDI clock.")
@click.option("--osc-port", metavar="N", type=int, help="UDP port.  [default: 7010]")
@click.option("--http-port", metavar="N", type=int, help="HTTP port.  [default: 7011]")
@click.option("--takes", metavar="DIR", help="Folder where takes are kept.")
@click.option(
    "--set",
    "settings",
    metavar="SECTION.KEY=VALUE",
    multiple=True,
    help="Override any setting of the file.",
)
@click.option("--write-config", is_flag=True, help="Write the commented file of settings, and end.")
@click.option(
    "--install-service", is_flag=True, help="Start with the session from now on, and end."
)
@click.option("--uninstall-service", is_flag=True, help="Do so no more, and end.")
def command(
    config_file: Path | None,
    arm: bool,
    clock: bool,
    settings: tuple[str, ...],
    write_config: bool,
    install_service: bool,
    uninstall_service: bool,
    **flags: Any,
) -> None:
    """Run the background service.

    It follows a soloist and plays the ensemble into your DAW, looper or synthesiser, driven by
    OSC, the web, pedals and 'accompanist ctl'. It stays in the foreground and logs to stderr.
    """
    from accompanist.app.config.file import config_path, parse_setting, read_config, write_default
    from accompanist.errors import UsageError

    wanted = [write_config, install_service, uninstall_service]
    if sum(wanted) > 1:
        raise UsageError("--write-config, --install-service and --uninstall-service: one at a time")
    path = config_file or config_path()
    if write_config:
        write_default(path)
        click.echo(f"{path}: written; every line is the default, change what you like")
        return
    overrides = [(key, flags[name]) for name, key in _FLAGS.items() if flags[name] is not None]
    if arm:
        overrides.append(("piece.arm", True))
    if clock:
        overrides.append(("clock.enabled", True))
    overrides += [parse_setting(text) for text in settings]
    config = read_config(config_file, overrides)
    if install_service or uninstall_service:
        _service(install=install_service)
        return

    import asyncio
    import logging

    from accompanist.app.daemon.log import log_to_stderr
    from accompanist.app.daemon.notify import Notifier
    from accompanist.app.daemon.parts import make_daemon
    from accompanist.app.daemon.runtime import hold_runtime

    log_to_stderr()
    logging.getLogger(__name__).info("settings: %s", path if path.is_file() else "the defaults")
    with hold_runtime() as runtime:
        daemon = make_daemon(
            config,
            runtime,
            reread=lambda: read_config(config_file, overrides),
            notifier=Notifier(),
        )
        asyncio.run(daemon.run())


def _service(*, install: bool) -> None:
    """Write or remove the service's file and say what to call."""
    import sys

    from accompanist.app.daemon.service import from_anywhere, service_here

    given = [word for word in sys.argv[1:] if not word.endswith("install-service")]
    arguments = given[given.index("daemon") + 1 :] if "daemon" in given else []
    service = service_here(from_anywhere(arguments))
    if install:
        service.install()
        click.echo(f"{service.path}: written. Now call:")
        for line in service.enable:
            click.echo(f"  {line}")
    else:
        service.uninstall()
        click.echo(f"{service.path}: removed. If it still runs, call:")
        for line in service.disable:
            click.echo(f"  {line}")
