import pytest

from interests.learning.config import BadSettings, TrainingConfig
from tests.interests.learning.logs import chain, log_of


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"wdith": 64}, "There is no setting 'wdith'. There are: width, "),
        ({"width": "wide"}, "wrong type"),
        ({"width": 0}, "width must be 1 or more, not 0"),
        ({"width": 66, "num_heads": 2}, "width must be a multiple of 2"),
        ({"dropout": 1.0}, "dropout must be 0 or more and below 1"),
        ({"temperature": -0.1}, "temperature must be 0 or more, not -0.1"),
        ({"num_candidates": -1}, "num_candidates must be 0 or more"),
        ({"learning_rate": 0}, "must be above 0"),
    ],
)
def test_bad_settings_are_refused_by_name(settings, words):
    with pytest.raises(BadSettings, match=words):
        TrainingConfig.from_dict(settings)


def test_settings_go_to_a_dict_and_back():
    config = TrainingConfig(width=32, seed=5)

    assert TrainingConfig.from_dict(config.to_dict()) == config


def test_settings_follow_the_data_and_the_wishes():
    long = TrainingConfig.for_data(chain(length=500, num_users=3), dropout=0.25)
    empty = TrainingConfig.for_data(log_of([], num_items=0))

    assert (long.max_length, long.dropout, long.max_seconds) == (50, 0.25, None)
    assert empty.max_length == 16
