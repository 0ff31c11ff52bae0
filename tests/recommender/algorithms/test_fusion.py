"""Mixtures of members whose worth is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from recommender import algorithms
from recommender.algorithms import fusing, lessons, weights
from recommender.algorithms.fusing import FusionSettings
from recommender.algorithms.lessons import Held, hold_out
from recommender.algorithms.mixtures import Cascade, Reciprocal, Votes, Weighted
from recommender.algorithms.people import GROUPS, Population
from recommender.algorithms.protocol import CannotFit
from recommender.algorithms.traits import Traits
from tests.recommender.logs import DAY, drawn_log, events_of, log_of

FUSIONS = [name for name, one in algorithms.REGISTRY.items() if one.family == algorithms.FUSION]


@dataclass(frozen=True)
class Table:
    """Says what it was given. scores: by user. [U, N]"""

    table: np.ndarray

    def scores(self, histories, *, users, request_times=None):
        return self.table[users].astype(np.float32)


def asked(num_users=200, num_items=30, seed=0):
    """Return questions of people who saw nothing, and their answers."""
    random = np.random.default_rng(seed)
    log = log_of([], item_ids=[f"i{n}" for n in range(num_items)])
    log = replace(log, user_ids=np.array([f"u{n}" for n in range(num_users)], object))
    users = np.arange(num_users, dtype=np.int32)
    targets = random.integers(0, num_items, num_users).astype(np.int32)
    questions = Held(log, users, np.arange(num_users + 1), targets, np.zeros(num_users, np.int64))
    return questions, random


def told(questions, random, strength):
    """Return a member that knows the answers as well as its strength says, above noise."""
    shape = (len(questions.users), questions.histories.num_items)
    table = random.normal(size=shape)
    table[questions.users, questions.items] += strength
    return Table(table)


def gathered(members, questions, **changes):
    log = questions.histories
    known = {"population": Population.of_log(log, seed=0), "traits": Traits.of_log(log)}
    return lessons.gather(members, questions, depth=20, seed=0, **known, **changes)


def test_held_out_is_the_last_event_of_who_has_another_and_nothing_after_it():
    log = log_of(
        [
            ("ann", "a", 1), ("ann", "b", 2), ("ann", "c", 3), ("ann", "d", 4, "dislike"),
            ("bob", "a", 1), ("cem", "a", 1), ("cem", "a", 2), ("cem", "b", 3, "dislike"),
        ]
    )  # fmt: skip

    before, held = hold_out(log)

    assert events_of(before) == [("ann", "a"), ("ann", "b"), ("bob", "a"), ("cem", "a")]
    # What cem chose last he had seen before: that is no question.
    assert log.user_ids[held.users].tolist() == ["ann"]
    assert log.catalogue.item_ids[held.items].tolist() == ["c"]
    assert held.times.tolist() == [3 * DAY]


def test_lessons_hold_the_candidates_and_what_members_say_of_them(monkeypatch):
    monkeypatch.setattr(lessons, "CANDIDATES", 2)
    log = log_of([("ann", "a", 1), ("bob", "b", 1)], item_ids=["a", "b", "c", "d"])
    members = [Table(np.array([[9, 1, 3, 2], [9, 9, 1, 2]])), Table(np.array([[9, 4, 1, 0], [3, 3, 0, 5]]))]  # fmt: skip
    held = Held(
        log, np.array([0, 1], np.int32), np.array([0, 1, 2]), np.array([3, 2], np.int32), np.zeros(2, np.int64)
    )  # fmt: skip

    found = gathered(members, held)

    # Ann has seen a: c and d of the first, b and c of the second. Nobody offers c to bob, who is not learned from.
    assert found.items.tolist() == [[1, 2, 3]]
    assert found.is_target.tolist() == [[False, False, True]]
    assert found.num_asked == 2
    places = 1 - found.on("rank")[0].T
    expected = np.log1p([[2, 0, 1], [0, 1, 2]]) / np.log1p(20)
    np.testing.assert_allclose(places, expected, atol=1e-6)


def test_ndcg_of_lessons_counts_those_nobody_can_answer_as_misses():
    questions, random = asked(num_users=4)
    perfect = told(questions, random, 100.0)
    known = replace(gathered([perfect], questions), num_asked=8)

    assert known.ndcg(known.on("z")[:, :, 0]).tolist() == [1, 1, 1, 1]
    assert known.mean_ndcg(known.on("z")[:, :, 0]) == 0.5
    assert lessons.ndcg_alone(perfect, questions, seed=0) == 1.0


def test_weights_follow_what_members_know():
    questions, random = asked(num_users=500)
    members = [told(questions, random, strength) for strength in (2.0, 0.0, 1.0)]

    found = weights.learned(gathered(members, questions), scales=["z"])

    strong, none, weak = found.weights
    assert strong == pytest.approx(2 * weak, rel=0.35)
    assert none < 0.1 * strong
    assert found.by_group.shape == (0, 3)


def test_groups_get_weights_of_their_own_near_everybodys():
    questions, random = asked(num_users=600)
    tables = [random.normal(size=(600, 30)) for _ in range(2)]
    # The first knows what even people want, the second what odd ones do.
    for user, item in zip(questions.users, questions.items, strict=True):
        tables[user % 2][user, item] += 4
    known = gathered([Table(table) for table in tables], questions)
    own = np.stack([known.users % 2 == 0, known.users % 2 == 1], axis=1).astype(np.float32)
    known = replace(known, groups=own)

    free = weights.learned(known, scales=["z"], group_penalty=1.0)
    held = weights.learned(known, scales=["z"], group_penalty=1e6)

    even, odd = free.weights + free.by_group
    assert even[0] > 3 * abs(even[1])
    assert odd[1] > 3 * abs(odd[0])
    assert np.abs(held.by_group).max() < 0.01
    assert known.mean_ndcg(free.scores(known)) > known.mean_ndcg(held.scores(known)) + 0.05


def test_cross_validation_learns_without_the_questions_it_asks():
    questions, random = asked(num_users=20)
    known = gathered([told(questions, random, 1.0)], questions)
    seen = []

    def learn(some):
        seen.append(set(some.users.tolist()))
        return Votes(10)

    weights.cross_validated(known, learn, seed=0)

    assert sorted(len(one) for one in seen) == [16] * 5
    assert set.intersection(*seen) == set()


def test_every_fusion_is_better_than_each_of_two_equal_members_with_noise_of_their_own():
    questions, random = asked(num_users=1000)
    members = {name: told(questions, random, 1.5) for name in ("one", "two")}
    known = gathered(list(members.values()), questions)
    alone = max(known.mean_ndcg(known.on("rank")[:, :, m]) for m in range(2))

    for name in FUSIONS:
        learned = algorithms.make(name).learn(
            members, questions, log=questions.histories, settings=FusionSettings(depth=20), seed=0
        )
        assert learned.validation_ndcg > 1.05 * alone, name


def test_mixtures_by_hand():
    questions, _ = asked(num_users=1, num_items=3)
    questions = replace(questions, items=np.array([0], np.int32))
    known = gathered([Table(np.array([[3, 2, 1]])), Table(np.array([[1, 3, 2]]))], questions)
    equal = Weighted(("min-max",), np.array([1, 1], np.float32), np.zeros((0, 2), np.float32))

    assert equal.scores(known).tolist() == [[1, 1.5, 0.5]]
    assert Votes(3).scores(known).tolist() == [[4, 5, 3]]
    expected = [1 / 61 + 1 / 63, 1 / 62 + 1 / 61, 1 / 63 + 1 / 62]
    assert Reciprocal(60).scores(known)[0] == pytest.approx(expected, rel=1e-5)
    # The first member admits items 0 and 1, both rank them; the third comes last.
    assert np.argsort(-Cascade(0, 2, equal).scores(known)[0]).tolist() == [1, 0, 2]


def test_a_fusion_may_miss_members_and_says_why_where_all_are_missing():
    log = log_of([("ann", "a", 1), ("ann", "b", 2, "dislike")])
    made = algorithms.make("fusion", members=("item_knn", "most_popular"))
    nothing = log.take(np.array([], int))

    fitted = made.fit(log, settings=made.grid()[0], seed=0)

    assert np.isfinite(fitted.scores(log, users=np.array([0], np.int32))).tolist() == [
        [True, False]
    ]
    with pytest.raises(CannotFit, match="fusion has no member that can be fitted. There are no"):
        made.fit(nothing, settings=made.grid()[0], seed=0)


def test_blocks_of_end_users_give_the_scores_of_all_at_once(monkeypatch):
    log = drawn_log()
    made = algorithms.make("fusion", members=("most_popular", "item_knn"))
    fitted = made.fit(log, settings=made.grid()[0], seed=0)
    users = np.arange(20, dtype=np.int32)

    whole = fitted.scores(log, users=users)
    monkeypatch.setattr(fusing, "BLOCK_CELLS", 3 * log.num_items)

    np.testing.assert_array_equal(fitted.scores(log, users=users), whole)


def test_people_are_told_apart_by_how_much_they_did_and_whether_they_turned():
    rows = [("few", f"a{n % 5}", n) for n in range(10)] + [("new", "a0", 1)]
    rows += [("turned", f"{'ab'[n >= 40]}{n % 5}", n) for n in range(60)]
    rows += [("stayed", f"{'ab'[n % 2]}{n % 5}", n) for n in range(60)]
    log = log_of(rows)
    names = log.catalogue.item_ids.tolist()
    catalogue = type(log.catalogue).build(item_ids=names, categories=[[name[0]] for name in names])
    log = replace(log, catalogue=catalogue)

    found = Population.of_log(log, seed=0).groups(log, users=np.arange(4, dtype=np.int32))

    groups = {
        user: {name for name, own in zip(GROUPS, row, strict=True) if own}
        for user, row in zip(log.user_ids, found, strict=True)
    }
    assert groups == {
        "few": {"few events"},
        "new": {"new"},
        "stayed": {"many events", "stable"},
        "turned": {"many events", "drifting"},
    }


def test_traits_tell_how_usual_late_old_and_like_the_history_an_item_is():
    rows = [("ann", "a", 0), ("bob", "a", 5), ("bob", "b", 10)]
    log = log_of(rows, item_ids=["a", "b", "c"])
    catalogue = type(log.catalogue).build(
        item_ids=["a", "b", "c"], categories=[["x"], ["y"], ["x", "y"]]
    )
    traits = Traits.of_log(replace(log, catalogue=catalogue))

    found = traits.at(
        replace(log, catalogue=catalogue),
        users=np.array([0, 1], np.int32),
        rows=np.repeat([0, 1], 3),
        items=np.tile([0, 1, 2], 2),
    )

    events, late, days, like_all, _ = found[:3].T
    assert np.argsort(-events).tolist() == [0, 1, 2]
    assert late.argmax() == 1
    assert days.argmax() == 0
    assert like_all == pytest.approx([1, 0, 1 / np.sqrt(2)])
    assert found[3:, 3] == pytest.approx([1 / np.sqrt(2), 1 / np.sqrt(2), 1])
