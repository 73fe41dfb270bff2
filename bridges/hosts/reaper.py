"""REAPER, by a control surface "OSC" with the pattern file below (not tried with REAPER itself).

In a pattern file a letter stands before each address (n f b t r s i): the type, no part of it.
"""

from __future__ import annotations

from bridges.hosts.table import Blank, Heard, HostTable, News, Template

__all__ = ["PATTERN_FILE", "TABLE"]

_INSERT_MARKER = "/action/40157"

TABLE = HostTable(
    name="reaper",
    title="REAPER",
    port=8000,
    reply_port=9000,
    roll=(Template("/play", (1.0,), "f"),),
    stop=(Template("/stop", (1.0,), "f"),),
    locate=(Template("/time", (Blank.SECONDS,), "f"),),
    tempo=(Template("/tempo/raw", (Blank.QPM,), "f"),),
    highest_qpm=960.0,
    marker=(Template(_INSERT_MARKER, (1.0,), "f"),),
    heard=(
        Heard("/time", News.SECONDS),
        Heard("/play", News.ROLLING),
        Heard("/tempo/raw", News.QPM),
    ),
    remedy="is its OSC control surface set up with accompanist.ReaperOSC, ports 8000 and 9000?",
)

PATTERN_FILE = """\
# What accompanist says to REAPER and hears from it, and nothing else: no feedback of faders and
# meters floods the network.
#
# To install: put this file into the folder "OSC" of REAPER's resource path (Options > Show REAPER
# resource path), then Preferences > Control/OSC/web > Add > OSC (Open Sound Control),
# pattern config "accompanist", mode "Configure device IP + local port",
# device IP 127.0.0.1, device port 9000, local listen port 8000.

DEVICE_TRACK_COUNT 8
DEVICE_SEND_COUNT 0
DEVICE_RECEIVE_COUNT 0
DEVICE_FX_COUNT 0
DEVICE_FX_PARAM_COUNT 0
DEVICE_FX_INST_PARAM_COUNT 0
DEVICE_MARKER_COUNT 0
DEVICE_REGION_COUNT 0
REAPER_TRACK_FOLLOWS REAPER
DEVICE_TRACK_FOLLOWS DEVICE
DEVICE_TRACK_BANK_FOLLOWS DEVICE
DEVICE_FX_FOLLOWS DEVICE
DEVICE_ROTARY_CENTER 0

TIME f/time
BEAT s/beat/str
RECORD t/record
STOP t/stop
PLAY t/play
PAUSE t/pause
TEMPO f/tempo/raw
TRACK_VOLUME f/track/@/volume/db
TRACK_MUTE b/track/@/mute
VKB_MIDI_NOTE i/vkb_midi/@/note/@ f/vkb_midi/@/note/@
ACTION i/action s/action/str t/action/@
"""
