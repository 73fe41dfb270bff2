"""Any single pitch is named and explains its own sound better than a chord without it does."""

from __future__ import annotations

import numpy as np
import pytest

from accompanist.followers.bayes.any_pitch import AnyPitch
from accompanist.followers.bayes.templates import pitch_templates
from accompanist.hearing.bank import FilterBank

BANK = FilterBank(44_100)


@pytest.mark.parametrize("pitch", [43, 55, 60, 69, 81, 95])
@pytest.mark.parametrize("cents", [0.0, -40.0])
def test_the_pitch_that_sounds_explains_it_best(pitch: int, cents: float) -> None:
    sound = pitch_templates(BANK, np.array([pitch], dtype=np.int32), cents)[0]
    fit, which = AnyPitch(BANK, cents).best(sound)
    assert which == pitch % 12
    other = pitch_templates(BANK, np.array([pitch + 1], dtype=np.int32), cents)[0]
    assert fit > float(np.log(0.7 * other + 0.3 / len(BANK)) @ sound) + 0.2


def test_another_tuning_is_taken_up_within_a_second() -> None:
    sound = pitch_templates(BANK, np.array([69], dtype=np.int32), 50.0)[0]
    retuned, fresh = AnyPitch(BANK, 0.0), AnyPitch(BANK, 50.0)
    before = retuned.best(sound)[0]
    retuned.retune(50.0)
    for _ in range(24):  # steps of 40 ms
        after = retuned.best(sound)
    assert after == fresh.best(sound)
    assert after[0] > before
