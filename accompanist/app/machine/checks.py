"""Checks of ``doctor`` that look at the machine: libraries, devices, ports, priorities."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from accompanist.app.machine.doctor import Check, Finding, Level, Probe, how_to_get
from accompanist.errors import DeviceError

__all__ = ["MACHINE_CHECKS"]

_ON_LINUX: Final = sys.platform == "linux"
_ENOUGH_LOCKED: Final = 256 * 2**20
_PRIORITY: Final = 10
_LIMITS: Final = (
    "put '@audio - rtprio 95' and '@audio - memlock unlimited' into "
    "/etc/security/limits.d/audio.conf (Debian, Ubuntu: sudo dpkg-reconfigure -p high jackd2; "
    "Fedora: sudo dnf install realtime-setup), be in the group (sudo usermod -aG audio $USER), "
    "log in anew"
)


def check_portaudio(found: Probe) -> Finding:
    """Look whether PortAudio loads."""
    error = found.libraries.get("sounddevice", "not looked at")
    if error:
        advice = how_to_get("portaudio")
        return Finding("portaudio", Level.MISSING, f"PortAudio does not load ({error})", advice)
    return Finding("portaudio", Level.OK, "PortAudio loads")


def check_fluidsynth(found: Probe) -> Finding:
    """Look whether FluidSynth loads."""
    error = found.libraries.get("fluidsynth", "not looked at")
    if error:
        text = f"FluidSynth does not load ({error}): no sound of our own"
        return Finding("fluidsynth", Level.MISSING, text, how_to_get("fluidsynth"))
    return Finding("fluidsynth", Level.OK, "FluidSynth loads")


def check_soundfont(_found: Probe) -> Finding:
    """Look for a sound font."""
    from bridges.soundfonts import find_soundfont

    try:
        path = find_soundfont(None)
    except DeviceError as error:
        return Finding("soundfont", Level.MISSING, str(error), how_to_get("soundfont"))
    return Finding("soundfont", Level.OK, str(path))


def check_midi(found: Probe) -> Finding:
    """Look whether the MIDI library loads."""
    error = found.libraries.get("rtmidi", "not looked at")
    if error:
        advice = how_to_get("alsa") if _ON_LINUX else "pip install --force-reinstall python-rtmidi"
        return Finding("midi", Level.MISSING, f"MIDI does not load ({error})", advice)
    return Finding("midi", Level.OK, "the MIDI library loads")


def check_jack(found: Probe) -> Finding:
    """Look for a JACK server, PipeWire's too."""
    if found.jack:
        rate, block = found.jack.get("rate"), found.jack.get("block")
        text = f"a JACK server answers: {rate} Hz, blocks of {block}"
        return Finding("jack", Level.OK, text)
    if not _ON_LINUX:
        return Finding("jack", Level.OK, "no JACK server; CoreMIDI and CoreAudio do without")
    error = found.libraries.get("jack", "")
    if error:
        text = f"the JACK library does not load ({error}): MIDI is not exact to the sample"
        return Finding("jack", Level.WARNING, text, how_to_get("libjack"))
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime, "pipewire-0").exists():
        text = "PipeWire runs, but does not answer as JACK"
        advice = f"{how_to_get('pipewire-jack')}; then start with: pw-jack accompanist daemon"
        return Finding("jack", Level.WARNING, text, advice)
    start = "jackd -R -d alsa" if shutil.which("jackd") else f"{how_to_get('jack')}, then jackd"
    text = "no JACK server: MIDI goes through the ALSA sequencer, less exactly"
    return Finding("jack", Level.WARNING, text, f"start PipeWire, or JACK: {start}")


def check_sequencer(found: Probe) -> Finding:
    """Look for the ALSA sequencer, which MIDI ports without JACK need."""
    if not _ON_LINUX:
        return Finding("sequencer", Level.OK, "CoreMIDI is part of the system")
    device = Path("/dev/snd/seq")
    if device.exists() and os.access(device, os.R_OK | os.W_OK):
        return Finding("sequencer", Level.OK, "the ALSA sequencer is there")
    level = Level.OK if found.jack else Level.WARNING
    if device.exists():
        advice = "" if found.jack else "sudo usermod -aG audio $USER, then log in anew"
        return Finding("sequencer", level, f"{device} may not be opened", advice)
    text = "no ALSA sequencer" + (", JACK does without" if found.jack else "")
    advice = "" if found.jack else "sudo modprobe snd-seq"
    return Finding("sequencer", level, text, advice)


def check_reaper(found: Probe) -> Finding:
    """Look for what REAPER on Linux needs: it opens raw ALSA and JACK ports, no sequencer ones."""
    if not _ON_LINUX:
        return Finding("reaper", Level.OK, "REAPER sees our ports")
    if found.jack:
        return Finding("reaper", Level.OK, "REAPER sees our ports through JACK")
    if Path("/sys/module/snd_virmidi").exists():
        text = "snd-virmidi is loaded: connect our ports with it by aconnect, for REAPER"
        return Finding("reaper", Level.OK, text)
    return Finding(
        "reaper",
        Level.WARNING,
        "REAPER on Linux sees no ports of the ALSA sequencer",
        "only for REAPER: JACK or PipeWire; or sudo modprobe snd-virmidi, then aconnect",
    )


def check_realtime(found: Probe) -> Finding:
    """Look whether the performer may have real-time priority."""
    if not found.realtime:
        return Finding("realtime", Level.OK, "real-time priority is allowed")
    if not _ON_LINUX:
        return Finding("realtime", Level.OK, "priority is given by the system here")
    text = f"real-time priority is not allowed ({found.realtime}): notes may come late under load"
    return Finding("realtime", Level.WARNING, text, _LIMITS)


def check_limits(_found: Probe) -> Finding:
    """Look at the limits of a user session, which a daemon started at login has as well."""
    import resource

    if not hasattr(resource, "RLIMIT_RTPRIO"):
        return Finding("limits", Level.OK, "no such limits here")
    priority = resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
    locked = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    endless = resource.RLIM_INFINITY
    told = f"rtprio {'unlimited' if priority == endless else priority}, memlock " + (
        "unlimited" if locked == endless else f"{locked // 1024} kB"
    )
    if os.geteuid() == 0:
        return Finding("limits", Level.OK, f"{told}; root does not need them")
    small = []
    if priority != endless and priority < _PRIORITY:
        small.append("rtprio")
    if locked != endless and locked < _ENOUGH_LOCKED:
        small.append("memlock")
    if small:
        return Finding("limits", Level.WARNING, f"{told}: {' and '.join(small)} small", _LIMITS)
    return Finding("limits", Level.OK, told)


def check_group(found: Probe) -> Finding:
    """Look whether the user is in the group that may use sound devices."""
    if not _ON_LINUX:
        return Finding("group", Level.OK, "no groups for sound here")
    import grp

    mine = set(os.getgroups()) | {os.getegid()}
    names = set()
    for number in mine:
        try:
            names.add(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    good = names & {"audio", "realtime", "jackuser", "pipewire"}
    if good or os.geteuid() == 0 or not found.realtime:
        return Finding(
            "group", Level.OK, f"in {', '.join(sorted(good)) or 'no group that matters'}"
        )
    advice = "sudo usermod -aG audio $USER, then log in anew"
    return Finding("group", Level.WARNING, "not in the group audio", advice)


def check_governor(_found: Probe) -> Finding:
    """Look whether the processor is allowed to be quick."""
    folder = Path("/sys/devices/system/cpu")
    governors = sorted(
        {path.read_text().strip() for path in folder.glob("cpu[0-9]*/cpufreq/scaling_governor")}
    )
    cores = os.cpu_count() or 1
    if cores < 2:
        text = "one processor only: hearing and playing will be in each other's way"
        return Finding("processor", Level.WARNING, text)
    if "powersave" in governors:
        return Finding(
            "processor",
            Level.WARNING,
            f"{cores} cores, governor {', '.join(governors)}: slow to wake up",
            "while playing: sudo cpupower frequency-set -g performance",
        )
    named = f", governor {', '.join(governors)}" if governors else ""
    return Finding("processor", Level.OK, f"{cores} cores{named}")


def check_inputs(found: Probe) -> Finding:
    """Look for something to play into."""
    audio = [d for d in found.devices.get("audio", ()) if d.get("inputs")]
    keys = found.devices.get("midi_inputs", ())
    if not audio and not keys:
        text = "no audio input and no MIDI keyboard: only render, demo and play --tap"
        advice = "connect a microphone; on macOS allow the terminal to use it"
        return Finding("inputs", Level.WARNING, text, advice)
    default = next((d["name"] for d in audio if d.get("default_input")), "")
    text = f"{len(audio)} audio inputs, {len(keys)} MIDI inputs"
    return Finding("inputs", Level.OK, text + (f"; the system's is {default}" if default else ""))


def check_outputs(found: Probe) -> Finding:
    """Look for something to play through."""
    audio = [d for d in found.devices.get("audio", ()) if d.get("outputs")]
    if not audio:
        advice = "connect loudspeakers or headphones, or start PipeWire or JACK"
        sequencer = not _ON_LINUX or Path("/dev/snd/seq").exists()
        if not found.jack and not sequencer and not found.devices.get("midi_outputs"):
            text = "no audio output and no MIDI system: nothing sounds but what render writes"
            return Finding("outputs", Level.MISSING, text, advice)
        text = "no audio output: only MIDI to other programs, and takes on disk"
        return Finding("outputs", Level.WARNING, text, advice)
    default = next((d["name"] for d in audio if d.get("default_output")), "")
    text = f"{len(audio)} audio outputs"
    return Finding("outputs", Level.OK, text + (f"; the system's is {default}" if default else ""))


MACHINE_CHECKS: Final[dict[str, Check]] = {
    "portaudio": check_portaudio,
    "fluidsynth": check_fluidsynth,
    "soundfont": check_soundfont,
    "midi": check_midi,
    "jack": check_jack,
    "sequencer": check_sequencer,
    "reaper": check_reaper,
    "realtime": check_realtime,
    "limits": check_limits,
    "group": check_group,
    "processor": check_governor,
    "inputs": check_inputs,
    "outputs": check_outputs,
}
"""Name → check, in the order in which they are told."""
