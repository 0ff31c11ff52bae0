"""Whose interests moved, and what the order of events is worth to a network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from interests.datasets.log import Catalogue
from recommender.algorithms import structure
from recommender.evaluation import answers, drifting, runner, splits
from recommender.evaluation.answers import Answer, Request
from tests.recommender.evaluation.test_runner import FOUR_EACH, Counted, Mixing, Oracle, Setting
from tests.recommender.logs import log_of


def answer_of(ndcg: list[float]) -> Answer:
    return Answer(np.zeros((len(ndcg), 1), np.int32), {"ndcg": np.array(ndcg)}, 0, 0.0)


def two_shelves(rows: list[tuple[str, str, int]]):
    """Return a log in which items a... are of one category and items b... of another, c... of a third."""
    log = log_of(rows)
    names = log.catalogue.item_ids.tolist()
    catalogue = Catalogue.build(item_ids=names, categories=[[name[0]] for name in names])
    return type(log)(**{**log.__dict__, "catalogue": catalogue})


def events(user: str, shelves: str) -> list[tuple[str, str, int]]:
    return [(user, f"{shelf}{day % 7}", day) for day, shelf in enumerate(shelves)]


def test_moved_tells_who_turned_from_who_stayed_and_leaves_out_who_did_little():
    rows = events("turned", "ac" * 30 + "bc" * 30)
    rows += events("stayed", "acb" * 40) + events("new", "ab" * 5)
    log = two_shelves(rows)

    found = drifting.moved(log)

    users = log.user_ids.tolist()
    assert [u for u, is_so in zip(users, found.is_drifting, strict=True) if is_so] == ["turned"]
    assert [u for u, is_so in zip(users, found.is_stable, strict=True) if is_so] == ["stayed"]


def test_moved_of_nobody_is_empty():
    found = drifting.moved(two_shelves(events("new", "ab")))

    assert (found.is_drifting.tolist(), found.is_stable.tolist()) == ([False], [False])


def test_shuffled_keeps_what_each_did_and_when_but_not_in_which_order():
    log = two_shelves(events("ann", "abc" * 9) + events("bob", "cab" * 9))
    questions = splits.split(log, name="leave-one-out", has_repeats=True).test

    mixed = drifting.shuffled(questions, seed=1).histories

    own = questions.histories
    for user in range(2):
        part = slice(*own.offsets[user : user + 2])
        assert sorted(mixed.items[part]) == sorted(own.items[part])
        assert mixed.items[part].tolist() != own.items[part].tolist()
        assert mixed.times[part].tolist() == own.times[part].tolist()
    again = drifting.shuffled(questions, seed=1).histories
    assert again.items.tolist() == mixed.items.tolist()


def test_order_effects_are_means_over_each_part_with_a_paired_test():
    rows = [(user, item, day) for user in "abcd" for day, item in enumerate("wxyz")]
    questions = splits.split(log_of(rows), name="leave-one-out").test
    people = drifting.Moved(
        is_drifting=np.array([True, True, False, False]),
        is_stable=np.array([False, False, True, False]),
    )

    found = drifting.order_effects(
        answer_of([1.0, 0.5, 0.2, 0.1]),
        answer_of([0.5, 0.0, 0.2, 0.5]),
        questions=questions,
        people=people,
        seed=0,
    )

    assert {name: (e.num_users, e.ndcg, e.shuffled_ndcg) for name, e in found.items()} == {
        "all": (4, pytest.approx(0.45), pytest.approx(0.3)),
        "drifting end users": (2, 0.75, 0.25),
        "stable end users": (1, 0.2, 0.2),
    }
    assert found["stable end users"].p_value is None
    assert found["all"].p_value == pytest.approx(0.5, abs=0.13)


@dataclass(frozen=True)
class NextNumber:
    """Ranks first the item whose number follows that of the last one in the history."""

    def scores(self, histories, *, users, request_times=None):
        scores = np.zeros((len(users), histories.num_items), np.float32)
        for row, user in enumerate(users):
            items = histories.items[slice(*histories.offsets[user : user + 2])]
            scores[row, (items[-1] + 1) % histories.num_items] = 1
        return scores


class Reader:
    """Is fitted to `NextNumber`."""

    name = "reader"
    is_baseline = False
    reads_order = True

    def grid(self):
        from recommender.algorithms.popularity import MostPopular

        return MostPopular().grid()

    def fit(self, log, *, settings, seed, budget_seconds=None, report=None):
        return NextNumber()


def test_what_reads_the_order_loses_by_shuffling_in_a_whole_evaluation(monkeypatch):
    monkeypatch.setattr(structure, "MODULES", {*structure.MODULES, __name__})
    rows = [(f"u{n}", f"i{(n + day) % 12:02}", day) for n in range(24) for day in range(8)]
    split = splits.split(log_of(rows), name="leave-one-out")

    [result] = runner.run(split, algorithms=[Reader()], request=Request(k=1))

    effect = result.order["all"]
    assert (effect.num_users, effect.ndcg) == (24, 1.0)
    assert effect.shuffled_ndcg < 0.5
    assert effect.p_value is not None and effect.p_value < 0.001
    assert result.as_json()["order"]["all"]["ndcg"] == 1.0


@pytest.mark.parametrize("algorithm", [Oracle(Setting(3)), Mixing(Counted("one", Setting(3)))])
def test_asking_from_shuffled_histories_fits_nothing_and_counts_for_no_time(monkeypatch, algorithm):
    split = splits.split(log_of(FOUR_EACH), name="leave-one-out")
    fitted = next(iter(algorithm.known.values())) if isinstance(algorithm, Mixing) else algorithm
    ask = answers.ask

    def slowly(asked, questions, **kwargs):
        answer = ask(asked, questions, **kwargs)
        is_shuffled = all(questions is not one for one in (split.test, split.validation))
        return replace(answer, seconds=answer.seconds + 1000.0 * is_shuffled)

    monkeypatch.setattr(structure, "MODULES", {*structure.MODULES, Oracle.__module__})
    monkeypatch.setattr(answers, "ask", slowly)
    monkeypatch.setattr(algorithm, "reads_order", True, raising=False)

    [result] = runner.run(split, algorithms=[algorithm], request=Request(k=1))

    assert result.order["all"].num_users == 2
    assert len(fitted.logs) == 1
    assert max(result.fit_seconds, result.choose_seconds, result.score_seconds) < 1000
