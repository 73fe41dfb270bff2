"""Where compiled loops are kept when nothing of the user's can be written to."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["find_room_for_compiled"]

_VARIABLE = "NUMBA_CACHE_DIR"


def find_room_for_compiled() -> None:
    """Give Numba a folder of this run where it would find none; to be called before its import.

    It keeps what it has compiled beside the sources or in the user's cache folder, and refuses to
    work where neither can be written to: an installation of root's, a user without a home.
    """
    if os.environ.get(_VARIABLE) or os.access(Path(__file__).parent, os.W_OK):
        return

    from platformdirs import user_cache_path

    cache = user_cache_path("numba")
    ground = next(folder for folder in (cache, *cache.parents) if folder.exists())
    if os.access(ground, os.W_OK | os.X_OK):
        return
    # A folder of a known name in a place for all could be filled by somebody else beforehand.
    folder = tempfile.mkdtemp(prefix="accompanist-compiled-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[_VARIABLE] = folder
