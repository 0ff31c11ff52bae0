"""What every algorithm promises, on a log whose right answer is known."""

from __future__ import annotations

from dataclasses import is_dataclass, replace

import numpy as np
import pytest

from recommender import algorithms
from recommender.algorithms import saving
from recommender.algorithms.carried import Carried
from recommender.algorithms.protocol import event_counts
from recommender.evaluation import drifting
from recommender.evaluation.splits import Questions
from tests.recommender.logs import drawn_log, log_of

SMALL = {
    "changes": {
        "width": 16,
        "max_epochs": 12,
        "patience": 12,
        "learning_rate": 0.01,
        "warmup_steps": 5,
    }
}
PERSONAL = [
    name
    for name, entry in algorithms.REGISTRY.items()
    if entry.family != algorithms.WITHOUT_A_PERSON
]
# Options that make a fit on a few hundred events quick.
OPTIONS = {name: SMALL for name, entry in algorithms.REGISTRY.items() if entry.module == "network"}
FUSIONS = [name for name, one in algorithms.REGISTRY.items() if one.family == algorithms.FUSION]
OPTIONS |= {name: {"members": ("most_popular", "item_knn", "recent_ease")} for name in FUSIONS}
OPTIONS["mlp"] = {"changes": {"max_epochs": 6, "learning_rate": 0.005}}
OPTIONS["lstm_classifier"] = {
    "changes": {"widths": (16, 16), "item_width": 8, "window": 8, "learning_rate": 0.01}
}
OPTIONS["random_forest"] = {"changes": {"num_trees": 20}}
OPTIONS["gradient_boosting"] = {"changes": {"num_trees": 30}}
ALL = pytest.mark.parametrize("name", algorithms.names())
# One knows the last choice only, one ranks by ratings, which here are the same for all, and one tries out.
CLEARLY = {"markov": 0.8, "knn_regression": 0.8, "lin_ucb": 0.7}
# Lists of another kind than popularity, which strangers get as everybody does.
OWN_LISTS = ("trending", "latest", "random")
POPULAR_FOR_STRANGERS = [name for name in algorithms.names() if name not in OWN_LISTS]


def made(name):
    return algorithms.make(name, **OPTIONS.get(name, {}))


def fitted_on(log, name):
    algorithm = made(name)
    return algorithm.fit(log, settings=algorithm.grid()[0], seed=0)


@ALL
def test_settings_are_frozen_and_there_is_at_least_one(name):
    grid = made(name).grid()

    assert grid
    for settings in grid:
        assert is_dataclass(settings)
        with pytest.raises(AttributeError):
            settings.anything = 1


@ALL
def test_scores_have_shape_and_no_nan_and_rule_out_what_was_never_chosen(name):
    log = drawn_log(num_items=1000)
    users = np.array([0, 1, 17], np.int32)

    scores = fitted_on(log, name).scores(log, users=users)

    assert scores.shape == (3, 1000)
    assert scores.dtype == np.float32
    assert not np.isnan(scores).any()
    counts = event_counts(log)
    assert np.isfinite(scores[:, counts > 0]).all()
    unknown = np.bincount(log.items, minlength=1000) == 0
    assert unknown.any()
    if not getattr(made(name), "scores_new_items", False):
        assert np.isneginf(scores[:, unknown]).all()


@ALL
def test_a_fit_and_a_seed_give_the_same_scores_again(name):
    log = drawn_log()
    users = np.arange(5, dtype=np.int32)

    first = fitted_on(log, name).scores(log, users=users)
    second = fitted_on(log, name).scores(log, users=users)

    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", POPULAR_FOR_STRANGERS)
def test_a_stranger_gets_what_most_people_choose(name):
    log = drawn_log()
    known = replace(log, user_ids=np.append(log.user_ids, "stranger"))
    stranger = np.array([log.num_users], np.int32)

    scores = fitted_on(log, name).scores(known, users=stranger)[0]

    counts = event_counts(log)
    assert counts[scores.argmax()] >= np.sort(counts)[-3]


@pytest.mark.parametrize("name", PERSONAL)
def test_people_get_more_of_the_half_they_like(name):
    log = drawn_log(num_events=2000)
    users = np.arange(log.num_users, dtype=np.int32)

    scores = fitted_on(log, name).scores(log, users=users)

    half = log.num_items // 2
    best = np.argsort(-scores, axis=1)[:, :5]
    is_own_half = (best >= half) == (users % 2 == 1)[:, None]
    assert is_own_half.mean() > CLEARLY.get(name, 0.9)


@ALL
def test_published_it_scores_as_evaluated_and_alone_as_beside_others(name):
    log, users = drawn_log(), np.array([3, 7, 20, 41], np.int32)
    bare = fitted_on(log, name)
    published = Carried(log.catalogue, bare)

    expected = bare.scores(log, users=users)

    # Sums of another length are rounded otherwise, and no more than that.
    is_known = np.isfinite(expected)
    close = {"rtol": 1e-4, "atol": 1e-5 * np.abs(expected[is_known]).max()}
    np.testing.assert_allclose(published.scores(log, users=users), expected, **close)
    for fitted in (bare, published):
        alone = [fitted.scores(log, users=users[row : row + 1])[0] for row in range(4)]
        np.testing.assert_allclose(np.stack(alone), expected, **close)


@ALL
def test_it_says_whether_the_order_of_a_history_changes_its_scores(name):
    log, users = drawn_log(), np.arange(8, dtype=np.int32)
    nothing = np.zeros(0, np.int32)
    asked = Questions(log, users, np.zeros(9, np.int64), nothing, nothing.astype(np.int64))
    mixed = drifting.shuffled(asked, seed=0).histories

    def changes(settings):
        fitted = made(name).fit(log, settings=settings, seed=0)
        kept, other = (fitted.scores(one, users=users) for one in (log, mixed))
        differences = np.abs(kept - other, where=np.isfinite(kept), out=np.zeros_like(kept))
        # More than sums in another order are rounded.
        return differences.max() > 1e-5 * np.abs(kept[np.isfinite(kept)]).max()

    # Of some it is a setting that decides.
    reads = any(changes(settings) for settings in made(name).grid())
    assert reads == getattr(made(name), "reads_order", False)


@ALL
def test_saved_and_loaded_it_scores_the_same_and_a_damaged_file_is_refused(name, tmp_path):
    log, users = drawn_log(), np.arange(8, dtype=np.int32)
    settings, fitted, path = made(name).grid()[0], fitted_on(log, name), tmp_path / name
    times = np.full(8, log.times.max() + 1)

    saving.save(fitted, path, algorithm=name, settings=settings, catalogue=log.catalogue)
    loaded = saving.load(path, catalogue=log.catalogue, algorithm=name)

    assert loaded.settings == settings
    for asked in (None, times):
        np.testing.assert_array_equal(
            loaded.fitted.scores(log, users=users, request_times=asked),
            fitted.scores(log, users=users, request_times=asked),
        )
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(saving.CannotLoad):
        saving.load(path, catalogue=log.catalogue)


@ALL
def test_what_a_network_or_a_matrix_cannot_be_made_of_is_answered_all_the_same(name):
    log = log_of([("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 1), ("bob", "b", 2)])

    scores = fitted_on(log, name).scores(log, users=np.array([0], np.int32))

    assert np.isfinite(scores).all()
