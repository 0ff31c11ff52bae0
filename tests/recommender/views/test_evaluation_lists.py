from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from recommender.models import EvaluationList, EvaluationQuestion, EvaluationRun
from tests import factories
from tests.recommender.views import pages

ADDRESS = "/evaluation/lists"


def evaluation(*, people: int = 1) -> EvaluationRun:
    """Make an evaluation in which EASE finds the one film that was held out, and ALS does not."""
    run = EvaluationRun.objects.create(**factories.done(split="leave-one-out", k=3))
    seen, wanted, both, one, other = (
        factories.item(f"{run.pk} {name}", title=name.capitalize())
        for name in ("seen", "wanted", "both", "one", "other")
    )
    for number in range(people):
        question = EvaluationQuestion.objects.create(
            evaluation_run=run, end_user=factories.end_user(f"person {number}"), num_events=12,
            seen=[seen.pk], seen_at=[factories.NOW - timedelta(days=2)], targets=[wanted.pk],
        )  # fmt: skip
        for name, items, ndcg in (
            ("ease", [both, wanted, one], 0.6309),
            ("als", [other, both], 0.0),
        ):
            EvaluationList.objects.create(
                question=question, algorithm=name, items=[item.pk for item in items], ndcg=ndcg
            )
    return run


def test_two_lists_stand_beside_what_was_chosen_with_hits_and_common_items_marked(
    analyst: Client,
) -> None:
    run = evaluation()

    response = analyst.get(f"{ADDRESS}?run={run.pk}&a=ease&b=als&user=person 0")

    held_out, before, first, second = (pages.table(response, place) for place in range(4))
    assert held_out == [["Held out", "Found"], ["Wanted", "yes"]]
    assert before == [["Before the cut, newest first", "When"], ["Seen", "2 Mar 2026"]]
    assert first == [
        ["#", "Item", "Marks"],
        ["1", "Both", "both"],
        ["2", "Wanted", "hit"],
        ["3", "One", ""],
    ]
    assert second == [["#", "Item", "Marks"], ["1", "Other", ""], ["2", "Both", "both"]]
    said = pages.text(response)
    assert "The last 1 of 12 events before the cut" in said
    assert "NDCG@3 0.6309, more than ALS; 1 of 1 found, 1 of 3 in both lists." in said
    assert "NDCG@3 0.0000, less than EASE; 0 of 1 found, 1 of 2 in both lists." in said


def test_the_newest_evaluation_and_its_first_person_are_shown_without_being_asked_for(
    analyst: Client,
) -> None:
    evaluation(people=2)

    context = analyst.get(ADDRESS).context

    assert context["comparison"].user_id == "person 0"
    assert {context["first"], context["second"]} == {"ease", "als"}


@pytest.mark.parametrize("people", [1, 3])
def test_page_asks_as_much_for_three_people_as_for_one(
    analyst: Client, django_assert_num_queries: DjangoAssertNumQueries, people: int
) -> None:
    run = evaluation(people=people)

    # Session, account, freshness in two, the run, names of algorithms and people, how many, question, lists, items.
    with django_assert_num_queries(11):
        analyst.get(f"{ADDRESS}?run={run.pk}")


def test_who_was_not_kept_is_told_so(analyst: Client) -> None:
    run = evaluation()

    said = pages.text(analyst.get(f"{ADDRESS}?run={run.pk}&user=nobody"))

    assert f"Evaluation {run.pk} kept no lists of nobody: of those asked about" in said
    assert "Nothing to compare" in said
    assert f"Evaluation {run.pk} has no lists of svd." in pages.text(
        analyst.get(f"{ADDRESS}?run={run.pk}&a=svd")
    )


def test_without_evaluations_or_lists_the_page_says_why(analyst: Client) -> None:
    assert "No evaluation has ended yet" in pages.text(analyst.get(ADDRESS))
    run = EvaluationRun.objects.create(**factories.done(split="time", k=3))

    assert "No lists are kept of this evaluation" in pages.text(analyst.get(ADDRESS))
    assert analyst.get(f"{ADDRESS}?run={run.pk + 1}").status_code == 404


def test_items_that_are_gone_and_empty_lists_are_said_in_words(analyst: Client) -> None:
    run = evaluation()
    EvaluationList.objects.filter(algorithm="als").update(items=[])
    EvaluationQuestion.objects.update(targets=[1_000_000], seen=[], seen_at=[])

    response = analyst.get(f"{ADDRESS}?run={run.pk}&a=ease&b=als")

    assert pages.table(response)[1] == ["an item that is gone", "by neither"]
    said = pages.text(response)
    assert "Nothing was known of this person before the cut." in said
    assert "It recommends nothing: every item that it knows was seen." in said
