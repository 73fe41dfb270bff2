"""The daemon's settings on disk: read with patience for typing errors, written with comments."""

from __future__ import annotations

import json
import stat
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from accompanist.app.config.settings import Config
from accompanist.app.config.text import allowed, default_text
from accompanist.errors import AccompanistError, BadInputError, UsageError

__all__ = [
    "config_path",
    "differences",
    "parse_setting",
    "read_config",
    "write_default",
]

Tree = dict[str, Any]
MOST_BYTES = 1_000_000
"""A longer file is none of settings."""


def config_path() -> Path:
    """Where the settings are looked for: ``config.toml`` in our folder of the user's settings."""
    from platformdirs import user_config_path

    return user_config_path("accompanist") / "config.toml"


def parse_setting(text: str) -> tuple[str, Any]:
    """Take apart ``section.key=value``; the value is TOML, or text where it is not.

    >>> parse_setting("output.port=IAC Bus 1")
    ('output.port', 'IAC Bus 1')
    >>> parse_setting("clock.offset_ms = -3.5")
    ('clock.offset_ms', -3.5)

    Raises
    ------
    UsageError
        It is not of that form.
    """
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or "." not in key.strip("."):
        raise UsageError(f"--set {text}: wants section.key=value, as in clock.enabled=true")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value.strip()
    except (RecursionError, ValueError) as error:
        raise UsageError(f"--set {key}: no setting has a value like this") from error


def read_config(path: Path | None = None, overrides: Sequence[tuple[str, Any]] = ()) -> Config:
    """Read the settings; what is not set has its default.

    Parameters
    ----------
    path : Path, optional
        A file that must be there. Without it the usual one, which may be missing.
    overrides : sequence of (dotted key, value)
        What the command line says besides; the last one wins.

    Raises
    ------
    BadInputError
        The file cannot be read, or something in it makes no sense.
    UsageError
        An override makes no sense.
    """
    tree: Tree = {}
    where = path or config_path()
    try:
        tree = _read(where)
    except (FileNotFoundError, NotADirectoryError) as error:
        if path is not None:
            raise BadInputError(f"{where}: there is no such file") from error
    else:
        _validated(tree, str(where), BadInputError)
    if not overrides:
        return _validated(tree, str(where), BadInputError)
    for key, value in overrides:
        _put(tree, key, value)
    return _validated(tree, "--set", UsageError)


def differences(old: Config, new: Config) -> tuple[str, ...]:
    """Dotted keys whose values differ.

    >>> from accompanist.app.config.settings import ClockConfig
    >>> differences(Config(), Config(clock=ClockConfig(enabled=True)))
    ('clock.enabled',)
    """
    return tuple(_differing("", old.model_dump(), new.model_dump()))


def write_default(path: Path) -> None:
    """Write the commented file of defaults.

    Raises
    ------
    AccompanistError
        There is one already, or the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(default_text())
    except FileExistsError:
        raise AccompanistError(
            f"{path}: is there already and is left as it is; move it away for a fresh one"
        ) from None
    except OSError as error:
        raise AccompanistError(f"{path}: cannot be written ({error.strerror})") from error


# ---- reading -------------------------------------------------------------------------------------


def _read(path: Path) -> Tree:
    """Read a file of settings; FileNotFoundError, NotADirectoryError where there is none."""
    try:
        if stat.S_ISFIFO(path.stat().st_mode):  # it is read again, and must not be waited for
            raise BadInputError(f"{path}: is a pipe; name a file")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise BadInputError(f"{path}: is too long for a file of settings (1 MB at most)")
        return tomllib.loads(content.decode("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(f"{path}: is not TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path}: is not text in UTF-8") from error
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read ({error.strerror})") from error
    except (RecursionError, ValueError) as error:  # nested without end, numbers without end
        raise BadInputError(f"{path}: no settings look like this; see --write-config") from error


def _put(tree: Tree, key: str, value: Any) -> None:
    *tables, last = key.split(".")
    for name in tables:
        inner = tree.setdefault(name, {})
        if not isinstance(inner, dict):
            raise UsageError(f"--set {key}: {name} is no table")
        tree = inner
    tree[last] = value


def _validated(tree: Mapping[str, Any], where: str, kind: type[AccompanistError]) -> Config:
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        first, *more = error.errors()
        others = f" (and {len(more)} more)" if more else ""
        raise kind(f"{where}: {_complaint(first)}{others}") from error


def _complaint(error: ErrorDetails) -> str:
    """Say what is wrong with one value: key, what it is, what is allowed."""
    place = [part for part in error["loc"] if not _is_inner(part)]
    key = _dotted(place)
    model = _model_at(place[:-1])
    if error["type"] == "extra_forbidden":
        known = [] if model is None else list(model.model_fields)
        return f"{key}: there is no such setting; {_instead(str(place[-1]), place[:-1], known)}"
    if error["type"] == "missing":
        return f"{key}: is missing"
    if error["type"] == "value_error":
        return f"{key}: {error['msg'].removeprefix('Value error, ')}"
    given = json.dumps(error["input"], default=str, ensure_ascii=False)
    given = given if len(given) <= 60 else given[:57] + "..."
    while place and isinstance(place[-1], int):
        place.pop()
        model = _model_at(place[:-1])
    what = "" if model is None or not place else allowed(model, str(place[-1]))
    if not what:
        return f"{key}: {given} cannot be; allowed: a table of settings, or nothing"
    return f"{key}: {given} cannot be; allowed: {what}"


def _instead(name: str, table: Sequence[int | str], known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    if not close:
        return f"there are {', '.join(known)}"
    swapped = [other for other in close if sorted(other) == sorted(name)]
    return f"did you mean {_dotted([*table, (swapped or close)[0]])}?"


def _is_inner(part: int | str) -> bool:
    """Whether it names a branch of a union and not a key (``constrained-str``, ``tuple[int]``)."""
    return isinstance(part, str) and (part in ("str", "int", "float", "bool") or "[" in part)


def _dotted(place: Sequence[int | str]) -> str:
    text = ""
    for part in place:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _model_at(place: Sequence[int | str]) -> type[BaseModel] | None:
    model: type[BaseModel] = Config
    for part in place:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        inner = None if field is None else _model_in(field.annotation)
        if inner is None:
            return None
        model = inner
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        found = _model_in(inner)
        if found is not None:
            return found
    return None


def _differing(prefix: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name, value in old.items():
        if isinstance(value, dict):
            yield from _differing(f"{prefix}{name}.", value, new[name])
        elif value != new[name]:
            yield f"{prefix}{name}"
