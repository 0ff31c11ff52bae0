"""Whole evaluations of small logs, asked for otherwise than usual: with repeats, and lists of another length."""

from __future__ import annotations

import pytest

from recommender import algorithms
from recommender.evaluation import runner, splits
from recommender.evaluation.answers import Request
from tests.recommender.evaluation.test_runner import Counted, Mixing, Setting, _known, run
from tests.recommender.logs import drawn_log, log_of

# The fixture lets what is fitted there be measured as if it could be saved.
__all__ = ["_known"]

# Each has three items of their own, over and over; validation and test ask for one of these again.
ROUNDS = [(f"u{user}", f"{user}{item}", 3 * day + item) for user in range(6) for day in range(4) for item in range(3)]  # fmt: skip


@pytest.mark.parametrize("name", ["epsilon_greedy", "thompson_sampling", "lin_ucb"])
def test_explorations_show_again_what_was_chosen_where_repeats_are_asked_for(name):
    [result] = run(log_of(ROUNDS), name, has_repeats=True)

    # 18 items: all are in the pool, and those of one's own are far ahead of it.
    assert result.segments["all"].values["recall@10"] > 0.8


@pytest.mark.parametrize("name", ["logistic_regression", "mlp", "decision_tree"])
def test_what_learns_from_first_choices_says_that_it_cannot_tell_repeats(name):
    unfitted: dict[str, str] = {}
    cut = splits.split(log_of(ROUNDS), name="leave-one-out", has_repeats=True)
    made = [algorithms.make("item_knn"), algorithms.make(name)]

    found = runner.run(cut, algorithms=made, request=Request(has_repeats=True), unfitted=unfitted)

    assert [result.algorithm for result in found] == ["item_knn"]
    assert unfitted == {
        name: f"{name} learns from first choices alone and cannot tell what is chosen again. Leave it out, or "
        "ask without repeats."
    }


def test_what_fusions_learn_for_tens_is_shown_for_no_other_length():
    cut = splits.split(drawn_log(), name="leave-one-out")

    def validation(k):
        mixing = Mixing(Counted("one", Setting(1)), Counted("other", Setting(3)))
        return runner.run(cut, algorithms=[mixing], request=Request(k=k))[0].validation_ndcg

    assert validation(10) is not None
    assert validation(5) is None
