"""What ``[input] bleed`` asks of the processes."""

from __future__ import annotations

import pytest

from accompanist.app.config.settings import Config
from accompanist.app.desk.settings import engine_settings_of, first_values, outputs_of
from accompanist.app.desk.store import Store


@pytest.mark.parametrize(
    ("bleed", "listened_past", "tapped"),
    [("auto", True, False), ("sound", True, True), ("off", False, False)],
)
def test_the_synthesiser_is_tapped_on_request(
    bleed: str, listened_past: bool, tapped: bool
) -> None:
    config = Config.model_validate({"input": {"bleed": bleed}})
    store = Store(first_values(config), lambda: 0.0)
    assert engine_settings_of(config, store, 0.0).bleed is listened_past
    assert outputs_of(config, store).tapped is tapped
