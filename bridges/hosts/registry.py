"""All hosts that we know, by the names of the settings."""

from __future__ import annotations

from bridges.hosts import ableton_live, ardour, bitwig, hydrogen, reaper, sooperlooper
from bridges.hosts.table import HostDriver, HostTable, TableDriver

__all__ = ["HOSTS", "host_driver"]

HOSTS: dict[str, HostTable] = {
    module.TABLE.name: module.TABLE
    for module in (ardour, reaper, ableton_live, bitwig, sooperlooper, hydrogen)
}


def host_driver(name: str) -> HostDriver:
    """Give a driver for a host.

    >>> host_driver("ardour").roll()
    (Osc(address='/transport_play', arguments=(), types='', rest_s=0.0),)
    """
    return TableDriver(HOSTS[name])
