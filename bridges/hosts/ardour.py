"""Ardour, by its OSC surface (7.3 and later). It takes no tempo over OSC in any version."""

from __future__ import annotations

from bridges.hosts.table import Blank, Heard, HostTable, News, Template

__all__ = ["TABLE"]

_REST_S = 0.4
"""A locate or a start that comes while 7.3 still fades out makes it hang or abort."""

TABLE = HostTable(
    name="ardour",
    title="Ardour",
    port=3819,
    # No /set_surface: the port that it names gets the answers to all senders on this machine.
    hello=(Template("/strip/list"),),
    roll=(Template("/transport_play"),),
    stop=(Template("/transport_stop", rest_s=_REST_S),),
    locate=(Template("/locate", (Blank.SAMPLES, 0), "ii", _REST_S),),
    locate_rolling=(Template("/locate", (Blank.SAMPLES, 1), "ii", _REST_S),),
    marker=(Template("/add_marker", (Blank.TEXT,), "s"),),
    ask=(Template("/transport_frame"), Template("/transport_speed")),
    heard=(
        Heard("/transport_frame", News.SAMPLES),
        Heard("/transport_speed", News.ROLLING),
        Heard("/reply", News.SAMPLE_RATE, 1, first="end_route_list"),
    ),
    remedy="is it running, with Preferences > Control Surfaces > Open Sound Control on?",
)
