from __future__ import annotations

from datetime import timedelta

import pytest

from interests.models import Controls, EndUser, InterestState
from recommender.ranking.composing import Placed
from recommender.ranking.reason_words import kind_of, sentence
from recommender.ranking.reasons import Evidence, StoredReason
from recommender.selectors import reasons
from recommender.selectors.reasons import Explained, reasons_of
from tests import factories
from tests.factories import NOW


def wants(person: EndUser, weights: dict[int, float]) -> None:
    shares = list(weights.values())
    state = InterestState.objects.create(
        end_user=person, tracker_version="t", at=NOW, category_ids=list(weights), weights=shares,
        long_term=shares, short_term=shares, event_shares=shares, num_events=3, active_days=1,
        events_through=NOW, created_at=NOW,
    )  # fmt: skip
    EndUser.objects.filter(pk=person.pk).update(current_state=state)


class Site:
    """A person who wants sea stories, and a slate of four items, the first three explained."""

    def __init__(self) -> None:
        self.sea, self.bread = factories.category("Sea stories"), factories.category("Bread")
        self.person = factories.end_user("ann")
        self.done = [
            factories.item(f"done {n}", title=title, categories=(self.sea,))
            for n, title in enumerate(["The Lighthouse Keeper", "Storm"])
        ]
        self.events = [
            factories.event(self.person, item, kind="like", occurred_at=NOW - timedelta(hours=n))
            for n, item in enumerate(self.done)
        ]
        self.items = [
            factories.item("whale", categories=(self.sea, self.bread)),
            factories.item("rye", categories=(self.bread,)),
            factories.item("bare"),
            factories.item("wave", categories=(self.sea,)),
        ]
        wants(self.person, {self.sea.pk: 0.6, self.bread.pk: 0.004, 0: 0.396})
        stored = [
            StoredReason(
                self.items[0].pk,
                self.sea.pk,
                0.31,
                tuple(
                    Evidence(event.pk, event.item_id, gain)
                    for event, gain in zip(self.events, (1.5, 0.25), strict=True)
                ),
            ),
            StoredReason(self.items[1].pk, self.bread.pk, 0.004, crowd="popular"),
            StoredReason(self.items[2].pk),
        ]
        self.stored = [own.to_plain() for own in stored]

    def ask(self, *rules: str, **changes) -> list[Explained]:
        placed = [
            Placed(item.pk, item.item_id, rank, 1.0, rule)
            for rank, (item, rule) in enumerate(zip(self.items, rules, strict=True), start=1)
        ]
        named = {"end_user": self.person.pk, "stored": self.stored}
        return reasons_of(placed, **{**named, **changes})


@pytest.fixture
def site(db) -> Site:
    return Site()


def texts(found: list[Explained], language: str = "en") -> list[str]:
    return [sentence(own.said, language=language) for own in found]


BECAUSE = (
    "Because you liked “The Lighthouse Keeper” and 1 other in Sea stories, which makes up 31 % of what "
    "you want now."
)
SERVES_SEA = "It belongs to Sea stories, which makes up 60 % of what you want now."


def test_stored_reasons_are_told_and_the_interest_of_what_has_none(site):
    found = site.ask("", "", "", "")

    assert texts(found) == [
        BECAUSE,
        "Popular with everybody.",
        "",
        SERVES_SEA,
    ]
    assert found[0].to_plain(language="zh-Hans") == {
        "reason": {
            "kind": "history", "category": "Sea stories", "weight": 0.31, "rule": None,
            "together": None,
            "text": "因为您喜欢“Sea stories”中的《The Lighthouse Keeper》等 2 项，这类内容占您当前兴趣的 31%。",
        },
        "evidence": [
            {"item_id": "done 0", "kind": "like", "occurred_at": NOW.isoformat(), "gain": 1.5},
            {"item_id": "done 1", "kind": "like", "gain": 0.25,
             "occurred_at": (NOW - timedelta(hours=1)).isoformat()},
        ],
    }  # fmt: skip
    assert found[2].to_plain(language="en") == {"reason": None, "evidence": []}


def test_the_rule_that_placed_an_item_is_told_first(site):
    found = site.ask("pin", "boost", "exploration", "fallback:popular_30d")

    assert texts(found) == [
        "Chosen by the editors.",
        "Put forward by the editors.",
        "Something different.",
        "Popular in the last 30 days.",
    ]
    assert [len(own.evidence) for own in found] == [2, 0, 0, 0]
    assert found[3].to_plain(language="en")["reason"] == {
        "kind": "popular", "category": None, "weight": None, "rule": "fallback:popular_30d",
        "together": None,
        "text": "Popular in the last 30 days.",
    }  # fmt: skip


@pytest.mark.parametrize("stored", [None, []])
def test_without_stored_reasons_it_is_the_interest_that_each_serves(site, stored):
    found = site.ask("", "", "", "", stored=stored)

    assert texts(found) == [SERVES_SEA, "", "", SERVES_SEA]
    assert [own.evidence for own in found] == [()] * 4


def test_nothing_of_the_person_is_told_to_a_stranger_or_where_all_is_popular(site):
    assert texts(site.ask("", "", "", "", end_user=None)) == [""] * 4
    popular = site.ask(*["fallback:popular_7d"] * 4)
    assert texts(popular) == ["Popular in the last 7 days."] * 4
    assert [own.said.weight for own in popular] == [0.0] * 4


def test_who_has_opted_out_has_no_interests_here(site):
    Controls.objects.create(end_user=site.person, is_opted_out=True, updated_at=NOW)

    assert texts(site.ask("pin", "", "", "", stored=None)) == ["Chosen by the editors.", "", "", ""]


def test_an_event_that_is_gone_or_anothers_is_not_told(site):
    other = factories.event(factories.end_user("bob"), site.done[0])
    site.stored[0]["events"] = [[other.pk, site.done[0].pk, 2.0], *site.stored[0]["events"]]
    site.events[0].delete()

    (first, *_) = site.ask("", "", "", "")

    assert [line.event.item_id for line in first.evidence] == ["done 1"]
    assert first.said.deeds[0].title == "Storm"


def test_categories_out_of_use_serve_no_interest(site):
    type(site.sea).objects.filter(pk=site.sea.pk).update(is_used=False)

    (_, _, _, last) = site.ask("", "", "", "")

    assert kind_of(last.said) == ""


def test_the_number_of_queries_does_not_grow(site, django_assert_num_queries):
    placed = [Placed(site.items[0].pk, "whale", 1, 1.0)]
    with django_assert_num_queries(3):
        site.ask("", "", "", "")
    with django_assert_num_queries(3):
        reasons_of(placed, end_user=site.person.pk, stored=site.stored)
    with django_assert_num_queries(1):
        reasons_of(placed, end_user=None, stored=None)


def test_no_items_no_reasons(db):
    assert reasons.reasons_of([], end_user=1, stored=None) == []
