"""Data sets in their own formats, made into a list of takes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from accompanist.app.evaluating.manifest import ManifestTake
from accompanist.errors import BadInputError

__all__ = ["DATASETS", "dataset_takes"]

DATASETS = ("bach10", "musicnet")


@contextmanager
def dataset_takes(name: str, folder: Path) -> Iterator[list[ManifestTake]]:
    """List the takes of a data set; what has to be written for them is gone afterwards.

    Parameters
    ----------
    name : str
        One of `DATASETS`.
    folder : Path
        As it was unpacked.

    Raises
    ------
    BadInputError
        There is no such folder, nothing of that data set in it, or a file of it is damaged; the
        message names the file.
    """
    if not folder.is_dir():
        raise BadInputError(f"{folder}: no such folder; name the one into which {name} is unpacked")
    with tempfile.TemporaryDirectory(prefix="accompanist-") as written:
        match name:
            case "bach10":
                from accompanist.app.evaluating.bach10 import bach10_takes

                yield bach10_takes(folder, Path(written))
            case _:
                from accompanist.app.evaluating.musicnet import musicnet_takes

                yield musicnet_takes(folder, Path(written))
