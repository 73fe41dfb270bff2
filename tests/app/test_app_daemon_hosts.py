"""Hosts beside the desk: which are talked to."""

from __future__ import annotations

from accompanist.app.config.settings import Config
from accompanist.app.daemon.hosts import hosts_by_name
from bridges.hosts.registry import host_driver


def test_every_host_of_the_settings_has_a_driver() -> None:
    for name, _ in hosts_by_name(Config().hosts):
        assert host_driver(name) is not None
