"""What goes wrong in real data and on real machines, from the log to what the network says of it."""

import dataclasses
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from interests.learning import preparation, progress, scoring, sequences, trainer
from interests.learning.config import TrainingConfig
from interests.learning.preparation import TooFewEvents
from tests.interests.learning import killed
from tests.interests.learning.logs import chain, log_of

CONFIG = TrainingConfig(
    width=8, num_heads=2, max_length=6, dropout=0.0, tokens_per_batch=64, max_epochs=2,
    warmup_steps=4,
)  # fmt: skip
CPU = torch.device("cpu")


def fit_and_score(log):
    """Train on a log; return the network's results and everybody's scores."""
    network = trainer.fit(log, config=CONFIG, device=CPU)
    return network.results, scoring.scores(network, log, users=np.arange(log.num_users))


def with_histories(more: list[list[int]], *, num_items: int = 12):
    """Return the chain's histories with some of other people after them."""
    known = chain()
    rows = [known.items[known.users == user].tolist() for user in range(known.num_users)]
    return log_of([*rows, *more], num_items=num_items)


def test_histories_of_one_event_teach_nothing_and_are_scored():
    log = with_histories([[3], [3], [7]])

    results, scores = fit_and_score(log)

    expected, _ = fit_and_score(with_histories([]))
    assert results["validation_users"] == expected["validation_users"]
    assert np.isfinite(scores).all()
    # Two with the same single event are told apart by nothing; the third is.
    assert scores[60].tolist() == scores[61].tolist() != scores[62].tolist()


def test_nobody_with_two_events_and_a_single_item_are_refused():
    with pytest.raises(TooFewEvents, match="nobody has two events"):
        fit_and_score(log_of([[0], [1], [2]], num_items=3))
    with pytest.raises(TooFewEvents, match="at least 2 different items; there are 1"):
        fit_and_score(log_of([[0] * 20] * 5, num_items=9))


def test_people_with_one_item_only_expect_it_again():
    log = with_histories([[5] * 8] * 20)

    _, scores = fit_and_score(log)
    prepared = preparation.prepare(log, config=CONFIG)

    assert scores[70].argmax() == 5
    # Their last event is a repeat, which validation never asks for.
    assert prepared.validation_users.max() < 60


def test_equal_times_train_as_one_moment():
    log = dataclasses.replace(chain(), times=np.full(480, 1_700_000_000_000_000))

    results, scores = fit_and_score(log)

    own = preparation.prepare(log, config=CONFIG).histories
    assert set(own.gaps.tolist()) == {0, 1}  # the first event of each, and no time at all
    assert np.isfinite(results["curves"]["loss"]).all()
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3.4e38])
def test_values_that_are_no_numbers_count_as_none(value):
    log = chain()
    log.values[::3] = np.linspace(1, 5, len(log.values[::3]))
    log.values[1::3] = value

    results, scores = fit_and_score(log)

    assert np.isfinite(results["curves"]["loss"]).all()
    assert np.isfinite(scores).all()


def test_fifty_thousand_events_of_one_person_are_cut_into_windows():
    many = (np.arange(50_000) % 12).tolist()
    log = with_histories([many])
    prepared = preparation.prepare(log, config=CONFIG)
    random = np.random.default_rng(0)
    windows = sequences.training_windows(prepared.histories, max_length=6, random=random)

    order = list(sequences.batch_order(windows, tokens_per_batch=64, random=random))
    config = dataclasses.replace(CONFIG, max_epochs=1, tokens_per_batch=256, learning_rate=0.02)
    network = trainer.fit(log, config=config, device=CPU)

    assert max(len(rows) * int(windows.lengths[rows].max()) for rows in order) <= 64
    # As many of their events are validated on as of anybody else: one at most.
    assert len(np.unique(prepared.validation_users)) == len(prepared.validation_users)
    assert np.isfinite(network.results["curves"]["loss"]).all()
    scores = scoring.scores(network, log, users=np.array([60]))[0]
    assert scores.argmax() == (many[-1] + 1) % 12
    shares = scoring.category_shares(network, log)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)


@pytest.mark.slow
def test_training_that_was_killed_in_a_pass_goes_on_with_the_same_losses(tmp_path):
    whole = trainer.fit(killed.LOG, config=killed.CONFIG, device=CPU)

    with subprocess.Popen(
        [sys.executable, "-m", killed.__name__, str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 240
        while not is_amid_a_pass(tmp_path):
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < deadline, "it took too long"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    resumed = trainer.fit(killed.LOG, config=killed.CONFIG, directory=tmp_path, device=CPU)

    assert process.returncode == -signal.SIGKILL
    assert len(resumed.results["resumed_in_passes"]) == 1
    assert resumed.results["curves"] == whole.results["curves"]
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[name], tensor), name


def is_amid_a_pass(folder) -> bool:
    try:
        standing = progress.standing_of(folder)
    except OSError:
        return False
    return standing.epoch >= 1 and standing.batches >= 1
