"""A process in a Link session, started by test_link.py inside a network of its own.

``link_peer.py follow|lead QPM``: prints a line of JSON ten times a second. Who follows leaves some
seconds after it has met the other one, who leads when it is alone again.
"""

from __future__ import annotations

import json
import sys
import time

from bridges.link import LinkSession

TOGETHER = 35
"""So many lines are printed together."""
PATIENCE_S = 40.0


def main(mode: str, qpm: float) -> None:
    began_s = time.monotonic()
    with LinkSession(mode, qpm=70.0 if mode == "follow" else qpm) as session:
        changes = together = 0
        while (now_s := time.monotonic()) < began_s + PATIENCE_S:
            quarter = (now_s % 10_000.0) * qpm / 60.0
            changes += session.lead(now_s, quarter, qpm)
            reading = session.read()
            if reading is not None:
                bar = ((reading.time_s % 10_000.0) * qpm / 60.0) % 4.0
                line = [reading.qpm, reading.phase, bar, reading.peers, changes]
                sys.stdout.write(json.dumps(line) + "\n")
                sys.stdout.flush()
                together += reading.peers
                if together >= TOGETHER if mode == "follow" else together and not reading.peers:
                    return
            time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
