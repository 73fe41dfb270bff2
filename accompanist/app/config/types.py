"""What the settings are made of: tables that refuse the unknown, and kinds of values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

__all__ = ["Address", "Name", "Outputs", "Place", "Port", "Receiver", "Section", "as_tuple"]


def named(value: Any) -> Any:
    """Take a number where a device may be named by its number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def listed(value: Any) -> Any:
    """Take ``"midi,synth"`` and ``"none"`` for lists, as the command line has them."""
    if isinstance(value, str):
        words = [word.strip() for word in value.split(",") if word.strip()]
        return () if words == ["none"] else tuple(words)
    return tuple(value) if isinstance(value, list) else value


def at_home(value: Any) -> Any:
    return Path(value).expanduser() if isinstance(value, str | Path) and str(value) else value


def as_tuple(value: Any) -> Any:
    """Take a list for a tuple."""
    return tuple(value) if isinstance(value, list) else value


Name = Annotated[str, BeforeValidator(named)]
Place = Annotated[Path, BeforeValidator(at_home)]
Address = Annotated[str, Field(pattern=r"^/[^\s#*,?\[\]{}]+$")]
Receiver = Annotated[str, Field(pattern=r"^[^\s:]+:\d{1,5}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Outputs = Annotated[
    tuple[Literal["midi", "synth"], ...],
    BeforeValidator(listed, json_schema_input_type=list[Literal["midi", "synth"]]),
]


class Section(BaseModel):
    """A table of the file: nothing unknown, nothing of the wrong kind."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
