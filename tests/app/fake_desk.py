"""A desk that keeps what it is given and remembers what it was told to do."""

from __future__ import annotations

from accompanist.app.desk.protocol import DeskError, Values, Watcher
from accompanist.app.osc.table import TABLE, Kind, find, keys

__all__ = ["FakeDesk"]


class FakeDesk:
    """A piece of ``parts`` parts is loaded; ``refused`` names what it will not do now."""

    def __init__(self, parts: int = 3) -> None:
        self.numbers = tuple(range(1, parts + 1))
        self.values: dict[str, Values] = {}
        for key in keys(self.numbers):
            found = find(key)
            assert found is not None
            if found[0].kind in (Kind.STATE, Kind.READING):
                self.values[key] = found[0].default
        self.values["timemap"] = (3_913_000_000.25, 12.5, 2.0)
        self.values["status"] = ('{"state": "idle"}',)
        self.values["piece/info"] = ("La Folia", 16, parts)
        self.values["piece/marks"] = ("A", "B")
        self.done: list[tuple[str, Values]] = []
        self.refused: dict[str, DeskError] = {}
        self.watchers: list[Watcher] = []

    def get(self, key: str) -> Values:
        if key not in self.values:
            raise DeskError(404, f"there is no {key}")
        return self.values[key]

    def set(self, key: str, values: Values) -> None:
        if key in self.refused:
            raise self.refused[key]
        if self.values[key] != values:
            self.tell(key, values)

    def do(self, key: str, values: Values) -> None:
        if key in self.refused:
            raise self.refused[key]
        self.done.append((key, values))

    def parts(self) -> tuple[int, ...]:
        return self.numbers

    def watch(self, watcher: Watcher) -> None:
        self.watchers.append(watcher)

    def tell(self, key: str, values: Values) -> None:
        """Change something by itself, as the music does."""
        if any(entry.path == key for entry in TABLE if entry.kind is not Kind.SIGNAL) or key in (
            self.values
        ):
            self.values[key] = values
        for watcher in self.watchers:
            watcher(key, values)
