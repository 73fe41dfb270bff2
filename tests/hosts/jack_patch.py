"""A JACK client that lists, connects and disconnects the ports of others.

Commands come on stdin, one JSON list a line: ``["ports"]``, ``["connections", PORT]``,
``["connect", FROM, TO]``, ``["disconnect", FROM, TO]``, ``["frame"]``; each is answered by one
JSON line. One lasting client instead of a `jack_lsp` each time: clients that come and go while a
large one opens have been seen to confuse jackd 1.9.21.
"""

from __future__ import annotations

import json
import sys

import jack


def main() -> None:
    """Serve until stdin ends."""
    client = jack.Client(f"patch{sys.argv[1]}", no_start_server=True)
    print(json.dumps("ready"), flush=True)  # noqa: T201
    for line in sys.stdin:
        print(json.dumps(_answer(client, json.loads(line))), flush=True)  # noqa: T201


def _answer(client: jack.Client, command: list[str]) -> object:
    try:
        match command:
            case ["ports"]:
                return [port.name for port in client.get_ports()]
            case ["connections", name]:
                port = client.get_port_by_name(name)
                return [other.name for other in client.get_all_connections(port)]
            case ["frame"]:
                return [client.frame_time]
            case ["connect", source, target]:
                client.connect(source, target)
            case ["disconnect", source, target]:
                client.disconnect(source, target)
            case _:
                return {"error": f"unknown: {command}"}
    except jack.JackError as error:
        return {"error": str(error)}
    return []


if __name__ == "__main__":
    main()
