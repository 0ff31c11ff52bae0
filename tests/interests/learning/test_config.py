import pytest
import torch

from interests.learning import config
from interests.learning.config import BadSettings, TrainingConfig
from tests.interests.learning.logs import chain, log_of


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"wdith": 64}, "There is no setting 'wdith'. There are: width, "),
        ({"width": "wide"}, "wrong type"),
        ({"encoder": "rnn"}, "encoder must be one of .*bidirectional, not 'rnn'"),
        ({"num_blocks": 0}, "num_blocks must be 1 or more, not 0; 0 only with several"),
        ({"num_interests": 2, "num_members": 2}, "With several interests num_members must be 1"),
        ({"num_interests": 2, "encoder": "bidirectional"}, "encoder not bidirectional"),
        ({"norm": "group"}, "norm must be one of rms, layer, batch, none, not 'group'"),
        ({"optimizer": "lion"}, "optimizer must be one of adamw, adam, sgd, not 'lion'"),
        ({"hidden_share": 0}, "hidden_share must be above 0 and below 1"),
        ({"reorder": 1.1}, "reorder at least 0 and at most 1"),
        ({"crop": 1}, "crop must be 0 or more and below 1"),
        ({"l1": -1}, "l1 must be 0 or more, not -1"),
        ({"width": 0}, "width must be 1 or more, not 0"),
        ({"width": 66, "num_heads": 2}, "width must be a multiple of 2"),
        ({"dropout": 1.0}, "dropout must be 0 or more and below 1"),
        ({"temperature": -0.1}, "temperature must be 0 or more, not -0.1"),
        ({"cooling": 0}, "cooling must be above 0 and at most 1, not 0"),
        ({"num_candidates": -1}, "num_candidates must be 0 or more"),
        ({"learning_rate": 0}, "must be above 0"),
    ],
)
def test_bad_settings_are_refused_by_name(settings, words):
    with pytest.raises(BadSettings, match=words):
        TrainingConfig.from_dict(settings)


def test_settings_go_to_a_dict_and_back():
    chosen = TrainingConfig(width=32, seed=5)

    assert TrainingConfig.from_dict(chosen.to_dict()) == chosen


def test_later_settings_tell_a_training_only_where_they_differ():
    now = TrainingConfig().to_dict()
    older = {name: value for name, value in now.items() if name not in config.LATER}

    assert TrainingConfig.from_dict(older) == TrainingConfig()
    assert TrainingConfig().telling() == older
    assert TrainingConfig(encoder="gru").telling() == older | {"encoder": "gru"}


def test_settings_follow_the_data_and_the_wishes():
    long = TrainingConfig.for_data(chain(length=500, num_users=3), dropout=0.25)
    empty = TrainingConfig.for_data(log_of([], num_items=0))

    assert (long.max_length, long.dropout, long.max_seconds) == (50, 0.25, None)
    assert empty.max_length == 16


def test_short_histories_get_a_wide_network_with_sharp_cosines_and_long_ones_do_not():
    short = TrainingConfig.for_data(chain(length=8, num_users=50))
    long = TrainingConfig.for_data(chain(length=60, num_users=50))

    assert (short.width, short.temperature, short.max_length) == (128, 0.1, 16)
    assert (long.width, long.temperature, long.max_length) == (64, 0.2, 50)
    assert (short.tokens_per_batch, long.tokens_per_batch) == (512, 512)


def test_large_catalogue_is_sampled_and_a_small_one_is_not():
    own = [list(range(first, first + 50)) for first in range(0, 5000, 50)]

    large = TrainingConfig.for_data(log_of(own, num_items=5000))
    small = TrainingConfig.for_data(log_of(own[:80], num_items=5000))

    assert (large.num_candidates, small.num_candidates) == (config.CANDIDATES, 0)


def test_budget_is_the_limit_and_pays_for_narrower_or_more_networks(monkeypatch):
    log = log_of([list(range(50)) for _ in range(100)], num_items=50)
    monkeypatch.setattr(config.costs, "matrix_rate", lambda device: 1e9)
    # 5,000 targets, 2 blocks of 10 x 64 x 64 weights and 50 items of 64: 7.3 s a pass.
    seconds = config.costs.seconds_per_pass(
        num_targets=5000, width=64, num_blocks=2, num_scored=50, operations_per_second=1e9
    )

    rich = TrainingConfig.for_data(log, budget_seconds=20 * seconds)
    poor = TrainingConfig.for_data(log, budget_seconds=10 * seconds)
    without = TrainingConfig.for_data(log)

    assert seconds == pytest.approx(7.3, abs=0.1)
    assert (rich.width, rich.max_seconds, rich.num_members) == (64, 20 * seconds, config.MEMBERS)
    assert (poor.width, poor.num_candidates) == (32, 0)
    assert (without.width, without.max_seconds, without.num_members) == (64, None, 1)


def test_matrix_rate_is_measured_once_and_plausible():
    rate = config.costs.matrix_rate(torch.device("cpu"))

    assert 1e8 < rate < 1e14
    assert config.costs.matrix_rate(torch.device("cpu")) == rate
