"""The announcement on the network, which may fail and then only says so."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from bridges.zeroconf_announce import Announcement


def test_what_is_announced_can_be_found_and_is_taken_back() -> None:
    from zeroconf import ServiceStateChange, Zeroconf
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

    async def test() -> None:
        announcement = Announcement("accompanist test", "127.0.0.1", 7310, 7311)
        announcement.start()
        browsing = AsyncZeroconf(interfaces=["127.0.0.1"])
        ports: dict[str, int | None] = {}
        changes: list[ServiceStateChange] = []

        def changed(
            zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
        ) -> None:
            if name.startswith("accompanist test"):
                changes.append(state_change)

        kinds = ["_osc._udp.local.", "_oscjson._tcp.local."]
        browser = AsyncServiceBrowser(browsing.zeroconf, kinds, handlers=[changed])
        try:
            until_s = time.monotonic() + 6
            while len(ports) < 2 and time.monotonic() < until_s:
                for kind in kinds:
                    info = AsyncServiceInfo(kind, f"accompanist test.{kind}")
                    if await info.async_request(browsing.zeroconf, 500):
                        assert info.parsed_addresses() == ["127.0.0.1"]
                        ports[kind] = info.port
            if not ports:
                pytest.skip("no multicast on this machine's loopback")
            assert ports == {kinds[0]: 7310, kinds[1]: 7311}
            await announcement.stop()
            await asyncio.sleep(0.3)
            assert ServiceStateChange.Removed in changes
        finally:
            await announcement.stop()
            await browser.async_cancel()
            await browsing.async_close()

    asyncio.run(test())


def test_no_network_is_one_line_and_no_obstacle(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(interfaces: object) -> None:
        raise OSError(19, "No such device")

    monkeypatch.setattr("zeroconf.asyncio.AsyncZeroconf", no_network)
    caplog.set_level(logging.INFO, "bridges")

    async def test() -> None:
        announcement = Announcement("accompanist", "192.0.2.77", 7310)
        announcement.start()
        await asyncio.sleep(0.2)
        await announcement.stop()
        never = Announcement("accompanist", "127.0.0.1", 7310)
        await never.stop()

    asyncio.run(test())
    (record,) = [r for r in caplog.records if r.name.startswith("bridges")]
    assert (record.levelno, "not announced" in record.getMessage()) == (logging.INFO, True)


def test_leaving_before_it_is_announced_does_not_wait() -> None:
    async def test() -> None:
        announcement = Announcement("accompanist", "127.0.0.1", 7310, 7311)
        announcement.start()
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        await announcement.stop()
        assert time.monotonic() - begun < 4.0

    asyncio.run(test())
