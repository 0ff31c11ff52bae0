"""Folds over people, what is asked of them, and what means answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interests.datasets.attributes import Attributes
from recommender import algorithms
from recommender.algorithms.examples import Task
from recommender.evaluation import rating_answers, single
from recommender.evaluation.single import CannotPredict
from tests.recommender.logs import DAY, drawn_log, log_of


def valued_log(**kinds):
    """Return a drawn log in which items with high numbers get high values."""
    log = drawn_log(**kinds)
    noise = np.random.default_rng(5).normal(0, 0.5, log.num_events)
    return replace(log, values=np.round(1 + log.items / 8 + noise).astype(np.float32))


def test_each_person_is_asked_in_one_fold_and_learned_from_in_the_others():
    log = drawn_log()

    folds = single.folds_of(log, num_folds=4, task=Task(), seed=0)

    asked = [np.unique(fold.histories.users) for fold in folds]
    assert [len(people) for people in asked] == [15, 15, 15, 15]
    assert sorted(np.concatenate(asked).tolist()) == list(range(60))
    for fold, people in zip(folds, asked, strict=True):
        assert not np.isin(fold.fit.users, people).any()
        assert fold.fit.num_events + fold.histories.num_events == log.num_events
        assert np.isin(fold.questions.users, people).all()
        assert set(fold.questions.labels.tolist()) == {0, 1}


def test_questions_are_about_items_that_others_had_chosen_before():
    log = drawn_log()

    for fold in single.folds_of(log, num_folds=3, task=Task(), seed=0):
        first = np.full(log.num_items, np.iinfo(np.int64).max)
        chosen = ~fold.fit.is_negative
        np.minimum.at(first, fold.fit.items[chosen], fold.fit.times[chosen])
        assert (first[fold.questions.items] < fold.questions.times).all()


def test_means_by_hand():
    rows = [("ann", "a", 1), ("ann", "b", 2), ("ann", "c", 3), ("bob", "a", 1), ("cem", "b", 1)]
    log = replace(log_of(rows), values=np.array([5, 1, 3, 4, 2], np.float32))
    fit, histories = log.take(log.users > 0), log.take(log.users == 0)
    task = Task("rating")
    questions = single.examples.sample(histories, single.Record.of_log(fit), task=task, seed=0)

    found = single._means(single.Fold(fit, histories, questions), task=task, seed=0)

    # The mean of bob and cem is 3; each mean is pulled to it by five.
    assert found["mean_of_all"].tolist() == [3, 3, 3]
    assert found["mean_of_person"] == pytest.approx([3, (5 + 15) / 6, (5 + 1 + 15) / 7])
    assert found["mean_of_item"] == pytest.approx([(4 + 15) / 6, (2 + 15) / 6, 3])


def test_learned_answers_beat_the_means():
    log = valued_log(num_events=1500)
    names = ("linear_regression", "gradient_boosting")

    choice = single.run(log, names=names, task=Task(), num_folds=3)
    rating = single.run(log, names=names, task=Task("rating"), num_folds=3)

    first = ["base_rate", "mean_of_item"]
    assert [each.algorithm for each in choice] == [*first, *names]
    for each in choice[2:]:
        assert each.measured.values["auc"] > choice[1].measured.values["auc"] + 0.1
    assert [each.algorithm for each in rating] == [
        "mean_of_all", "mean_of_person", "mean_of_item", *names,
    ]  # fmt: skip
    assert rating[2].measured.values["rmse"] < rating[0].measured.values["rmse"]
    for each in rating[3:]:
        assert each.measured.values["rmse"] < rating[0].measured.values["rmse"]
    assert {each.num_questions for each in choice} == {choice[0].num_questions}
    assert choice[0].measured.values["auc"] < 0.6
    assert len(choice[0].folds) == 3
    assert choice[0].share_of_yes == pytest.approx(0.25, abs=0.1)
    assert rating[0].share_of_yes is None


def test_a_likes_base_rate_is_that_of_the_others():
    log = valued_log()

    found = single.run(log, names=(), task=Task("like"), num_folds=2)

    assert [each.algorithm for each in found] == ["base_rate", "mean_of_person", "mean_of_item"]
    assert found[2].measured.values["auc"] > 0.6


def test_the_same_seed_gives_the_same_numbers():
    log = drawn_log()

    first, second = (
        single.run(log, names=("svm",), task=Task(), num_folds=2, seed=4) for _ in range(2)
    )

    for one, other in zip(first, second, strict=True):
        assert one.measured == other.measured
        assert one.folds == other.folds


def test_what_a_person_does_later_is_not_known():
    log = valued_log()
    late = log.times >= 250 * DAY
    changed = replace(log, values=np.where(late, np.float32(1), log.values))
    found = []
    for each in (log, changed):
        fold = single.folds_of(log, num_folds=2, task=Task(), seed=0)[0]
        is_own = np.isin(each.users, fold.histories.users)
        fold = replace(fold, histories=each.take(is_own))
        answer = single._ask("linear_regression", fold, task=Task(), seed=0).answers[0]
        found.append(answer[fold.questions.times < 250 * DAY])

    assert len(found[0]) > 50
    np.testing.assert_array_equal(found[0], found[1])


def test_names_are_those_that_can_answer():
    interest = tuple(
        name for name, one in algorithms.REGISTRY.items() if one.family == algorithms.INTEREST
    )

    assert single.names_for(["all"], task=Task()) == interest
    assert single.names_for(["svm", "mlp"], task=Task()) == ("svm", "mlp")
    assert set(interest) <= set(single.names_for(["all"], task=Task("rating")))
    with pytest.raises(CannotPredict, match="ease cannot. In the task choice these answer: all"):
        single.names_for(["ease"], task=Task())
    with pytest.raises(CannotPredict, match="None given"):
        single.names_for([" "], task=Task())
    with pytest.raises(algorithms.UnknownAlgorithm, match="no algorithm 'eaze'"):
        single.names_for(["eaze"], task=Task())


@pytest.mark.parametrize(
    ("num_folds", "task", "words"),
    [
        (1, "choice", "Folds must be from 2 to 50, not 1"),
        (61, "choice", "Folds must be from 2 to 50, not 61"),
        (20, "choice", "12 people cannot be dealt into 20 folds"),
        (2, "rating", "No event has a value, which the task rating needs. Use --task choice"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(num_folds, task, words):
    with pytest.raises(CannotPredict, match=words):
        single.folds_of(drawn_log(num_users=12), num_folds=num_folds, task=Task(task), seed=0)


def test_folds_without_a_question_are_refused_in_words():
    log = log_of([("ann", "a", 1), ("bob", "b", 2)])

    with pytest.raises(CannotPredict, match="a fold with nothing to ask about"):
        single.folds_of(log, num_folds=2, task=Task(), seed=0)


@pytest.mark.parametrize(
    "name", [name for name in rating_answers.SETTINGS if name in algorithms.REGISTRY]
)
def test_those_who_predict_ratings_are_asked_for_theirs(name):
    log = valued_log(num_events=1500)

    found = single.run(log, names=(name,), task=Task("rating"), num_folds=2)

    mean, ours = found[0].measured.values["rmse"], found[-1].measured.values["rmse"]
    assert found[-1].algorithm == name
    assert ours < 0.8 * mean


def test_a_moment_is_a_person_with_the_history_before_it():
    log = log_of([("ann", "a", 1), ("ann", "b", 2), ("ann", "c", 3), ("bob", "a", 1, "dislike"), ("bob", "b", 2)])  # fmt: skip
    log = replace(log, attributes=Attributes(("town",), np.array([["Rome"], ["Oslo"]], object)))

    apart, has_history = rating_answers.at_moments(
        log, users=np.array([0, 0, 1, 1], np.int32), ends=np.array([0, 2, 4, 5])
    )

    assert apart.users.tolist() == [1, 1, 2, 3, 3]
    assert apart.items.tolist() == [0, 1, 0, 0, 1]
    assert has_history.tolist() == [False, True, False, True]
    assert apart.attributes.values.tolist() == [["Rome"], ["Rome"], ["Oslo"], ["Oslo"]]
