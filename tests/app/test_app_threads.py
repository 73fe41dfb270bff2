"""What the processes ask of their threads."""

from __future__ import annotations

import subprocess
import sys

import pytest

from accompanist.app.threads import import_ahead, use_one_thread


def test_one_thread_is_asked_for_unless_somebody_has_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    use_one_thread()
    import os

    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


def test_what_is_there_is_imported_and_the_rest_passed_over() -> None:
    code = (
        "import sys; from accompanist.app.threads import import_ahead;"
        "import_ahead(('nothing.of.that_name', 'wave')); print('wave' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "True\n"


@pytest.mark.parametrize(
    "module", ["accompanist.app.engine.process", "accompanist.app.recording_player.process"]
)
def test_the_names_to_be_imported_ahead_exist(module: str) -> None:
    from importlib import import_module
    from importlib.util import find_spec

    names = import_module(module).AHEAD
    assert names
    assert all(find_spec(name) is not None for name in names)
    import_ahead(())


def test_the_stack_of_each_thread_is_told() -> None:
    code = (
        "import threading; from accompanist.app.threads import tell_where_threads_are;"
        "threading.Thread(target=threading.Event().wait, daemon=True).start();"
        "tell_where_threads_are()"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stderr.count("hread 0x") == 2
