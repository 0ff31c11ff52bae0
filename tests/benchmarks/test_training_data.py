from __future__ import annotations

import numpy as np
import pytest

from benchmarks import training_data
from interests.datasets import DatasetError


def draw(seed=3):
    return training_data.simulate(num_users=300, num_items=400, num_events=24_000, seed=seed)


def num_distinct_pairs(users, items):
    """Return how many different (item, next item) there are within histories."""
    is_same = users[1:] == users[:-1]
    pairs = np.stack([items[:-1][is_same], items[1:][is_same]])
    return len(np.unique(pairs, axis=1).T)


def test_history_lengths_are_those_of_movielens_1m():
    lengths = training_data.history_lengths(
        num_users=6_040, num_items=3_416, num_events=1_000_000, rng=np.random.default_rng(1)
    )

    # MovieLens-1M itself: mean 165.6, median 96, 20 to 2,314.
    assert lengths.sum() == pytest.approx(1_000_000, rel=0.03)
    assert np.median(lengths) == pytest.approx(96, abs=6)
    assert 20 <= lengths.min() < 25
    assert lengths.max() <= 2_314
    # Log-normal above the shortest: the logarithms are as many below their mean as above.
    logs = np.log(lengths - 19)
    assert (logs < logs.mean()).mean() == pytest.approx(0.5, abs=0.03)


def test_history_lengths_are_at_most_the_catalogue():
    lengths = training_data.history_lengths(
        num_users=50, num_items=30, num_events=5_000, rng=np.random.default_rng(1)
    )

    assert lengths.max() == 30


def test_simulate_gives_sorted_histories_without_repeats():
    log = draw()

    pairs = np.stack([log.users, log.items], axis=1)
    assert (log.num_users, log.num_items) == (300, 400)
    assert len(np.unique(pairs, axis=0)) == log.num_events
    assert np.array_equal(log.sorted(ties="file").positions, np.arange(log.num_events))
    assert np.bincount(log.users, minlength=300).min() >= 20


def test_simulate_is_uneven_among_items():
    counts = np.sort(np.bincount(draw().items, minlength=400))[::-1]

    # Even items would give the first tenth a tenth of the events.
    assert 0.2 < counts[:40].sum() / counts.sum() < 0.6
    assert counts[-1] > 0


def test_simulate_puts_into_order_more_than_chance():
    log = draw()

    random = np.random.default_rng(0).random(log.num_events)
    shuffled = log.items[np.lexsort((random, log.users))]
    assert num_distinct_pairs(log.users, log.items) < 0.95 * num_distinct_pairs(log.users, shuffled)


def test_simulate_repeats_itself_for_a_seed():
    assert np.array_equal(draw().items, draw().items)
    assert not np.array_equal(draw().items[:100], draw(seed=4).items[:100])


def test_read_keeps_ties_as_in_the_file_and_leaves_negative_events_out(tmp_path):
    rows = ["user_id,item_id,kind,occurred_at"]
    for item, kind in (("z", "view"), ("y", "dislike"), ("x", "view")):
        rows.append(f"ada,{item},{kind},2026-01-01T00:00:00Z")
    (tmp_path / "interactions.csv").write_text("\n".join(rows) + "\n")

    log = training_data.read(folder=tmp_path, shape=None)

    assert log.catalogue.item_ids[log.items].tolist() == ["z", "x"]


def test_read_refuses_a_folder_that_is_none(tmp_path):
    with pytest.raises(DatasetError, match="is not a folder"):
        training_data.read(folder=tmp_path / "none", shape=None)
