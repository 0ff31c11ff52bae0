"""What is learned from: the rule for negatives, and labels, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender.algorithms import examples
from recommender.algorithms.examples import Task, UnknownTask
from recommender.algorithms.records import Record
from tests.recommender.logs import drawn_log, log_of


def sampled(log, *, task=None, seed=0):
    return examples.sample(log, Record.of_log(log), task=task or Task(), seed=seed)


def pairs(log, found, label):
    users, items = log.user_ids[found.users], log.catalogue.item_ids[found.items]
    kept = found.labels == label
    return list(zip(users[kept].tolist(), items[kept].tolist(), strict=True))


def test_the_first_half_of_the_log_is_only_past():
    log = drawn_log(num_users=30, num_events=600)

    found = sampled(log)

    assert (found.times >= np.sort(log.times)[300]).all()
    assert found.labels.sum() > 50


def test_positives_are_first_choices_of_items_that_others_had_chosen(monkeypatch):
    monkeypatch.setattr(examples, "PAST_SHARE", 0.0)
    rows = [("ann", "a", 2), ("ann", "b", 3), ("ann", "a", 4), ("bob", "a", 1), ("bob", "c", 5, "dislike")]  # fmt: skip
    log = log_of([*rows, ("cem", "c", 2)])

    found = sampled(log)

    # Bob's a and ann's b were new, her second a is a repeat; bob's dislike speaks for itself.
    assert pairs(log, found, 1) == [("ann", "a")]
    assert ("bob", "c") in pairs(log, found, 0)


def test_drawn_items_were_known_and_not_had_and_are_not_the_positive():
    log = drawn_log(num_users=30, num_events=600)
    found = sampled(log)
    first = np.full(log.num_items, np.iinfo(np.int64).max)
    choices = np.flatnonzero(~log.is_negative)
    np.minimum.at(first, log.items[choices], log.times[choices])
    event_of = found.moments.ends[found.rows]
    is_drawn = (found.labels == 0) & ~log.is_negative[event_of]

    assert is_drawn.sum() > 300
    assert (first[found.items[is_drawn]] < found.times[is_drawn]).all()
    for event, item in zip(event_of[is_drawn], found.items[is_drawn], strict=True):
        start = log.offsets[log.users[event]]
        assert item not in log.items[start : event + 1]


def test_negatives_do_not_depend_on_what_comes_later():
    log = drawn_log(num_users=30, num_events=600)
    late = log.times >= np.quantile(log.times, 0.7)
    other = np.where(late, (log.items + 3) % log.num_items, log.items).astype(np.int32)
    changed = replace(log, items=other)
    drawn = []
    for each in (log, changed):
        record = Record.of_log(each)
        drawing = examples._Drawing(each, record, np.random.default_rng(0))
        early = np.flatnonzero(~late & (each.times > np.quantile(each.times, 0.2)))
        drawn.append(drawing.draw(early, record.rank_at(each.times[early]), np.arange(len(early))))

    np.testing.assert_array_equal(drawn[0], drawn[1])


def test_popular_items_are_drawn_as_often_as_they_were_chosen():
    rows = [(f"u{number}", "a" if number % 4 else "b", number) for number in range(400)]
    log = log_of(rows)
    record = Record.of_log(log)
    drawing = examples._Drawing(log, record, np.random.default_rng(0))
    ranks = np.full(4000, 400)

    popular, evenly = drawing._popular(ranks), drawing._evenly(ranks)

    assert (popular == 0).mean() == pytest.approx(0.75, abs=0.03)
    assert (evenly == 0).mean() == pytest.approx(0.5, abs=0.03)


def test_a_walk_leads_to_the_choices_of_those_who_chose_the_same():
    rows = [("ann", "a", 3), ("bob", "a", 1), ("bob", "b", 2), ("cem", "c", 1), ("ann", "d", 4)]
    log = log_of(rows)
    drawing = examples._Drawing(log, Record.of_log(log), np.random.default_rng(0))
    event = int(np.flatnonzero(log.items == 3)[0])

    found = drawing._near(np.full(200, event), np.full(200, 4), np.full(200, 9))

    assert set(found.tolist()) == {0, 1}  # a and b, of ann herself and of bob; never c


def test_likes_are_values_from_the_persons_mean_or_from_a_threshold_on():
    rows = [("ann", item, day) for day, item in enumerate("abcd")] + [("bob", "a", 1), ("bob", "b", 2)]  # fmt: skip
    log = replace(log_of(rows), values=np.array([1, 5, 3, np.nan, 2, 2], np.float32))

    own = sampled(log, task=Task("like"))
    fixed = sampled(log, task=Task("like", like_from=5))
    ratings = sampled(log, task=Task("rating"))

    assert own.labels.tolist() == [0, 1, 1, 1, 1]
    assert fixed.labels.tolist() == [0, 1, 0, 0, 0]
    assert ratings.labels.tolist() == [1, 5, 3, 2, 2]


def test_each_person_has_at_most_so_many_moments(monkeypatch):
    monkeypatch.setattr(examples, "NUM_MOMENTS", 2)
    log = log_of([("ann", f"i{number}", number) for number in range(9)])
    log = replace(log, values=np.arange(9, dtype=np.float32))

    assert sampled(log, task=Task("rating")).labels.tolist() == [7, 8]
    monkeypatch.setattr(examples, "MAX_MOMENTS", 1)
    assert len(sampled(log, task=Task("rating")).labels) == 1


def test_the_same_examples_are_worked_out_once():
    log = drawn_log()

    first, before = examples.prepare(log, task=Task(), seed=0)
    second, shared = examples.prepare(log, task=Task(), seed=0)
    other, _ = examples.prepare(log, task=Task(), seed=1)

    assert second is first
    assert (before, shared) == (0, first.seconds)
    assert other is not first


def test_an_unknown_task_is_refused_in_words():
    with pytest.raises(UnknownTask, match="no task 'dance'. Choose from: choice, like, rating"):
        Task("dance")
