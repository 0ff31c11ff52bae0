from dataclasses import replace

import numpy as np
import pytest

from interests.drift.detector_sessions import learned_chances, session_odds
from interests.drift.detector_settings import DEFAULT

SETTINGS = replace(DEFAULT, binge_chances=(0.0, 0.5), binge_weights=(0.5, 0.5))


def test_both_parts_worked_by_hand():
    """Likelihood .1 if plain, the mean of .5 and .3 if a binge, with a chance of .25."""
    odds = session_odds(np.log([0.1]), np.log([[0.5, 0.3]]), np.array([[0.5, 0.5]]), SETTINGS)

    total = 0.75 * 0.1 + 0.25 * 0.4
    assert odds.chance == pytest.approx([0.25])
    assert odds.plain == pytest.approx([0.1 / total])
    assert odds.binge == pytest.approx([0.4 / total])
    assert odds.is_plain == pytest.approx([0.075 / total])


def test_a_session_of_thousands_of_events_neither_overflows_nor_vanishes():
    odds = session_odds(
        np.array([-9000.0]), np.array([[-300.0, -9000.0]]), np.ones((1, 2)) / 2, SETTINGS
    )

    assert odds.is_plain == pytest.approx([0.0])
    assert odds.binge == pytest.approx([4.0])


def test_binges_are_learned_from_sessions():
    before = np.array([[0.5, 0.5]])
    binge = session_odds(np.log([0.1]), np.log([[0.4, 0.4]]), before, SETTINGS)

    # Under no binges .1, under one in two (.1 + .4) / 2.
    assert learned_chances(before, binge, SETTINGS) == pytest.approx(np.array([[2 / 7, 5 / 7]]))
