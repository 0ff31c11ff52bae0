"""Pages by rules that are not live yet, beside those by rules that are."""

from __future__ import annotations

import pytest

from interests.models import Item
from recommender.ranking.rules import Pin, Rules
from recommender.services import comparing_rules
from recommender.services.comparing_rules import Survey
from tests import factories

pytestmark = pytest.mark.django_db
NOW = factories.NOW
FOUR = Rules(length=4, fallbacks=())


@pytest.fixture
def things() -> list[Item]:
    categories = [factories.category(name) for name in ("Drama", "Comedy")]
    return [factories.item(f"i{n}", categories=(categories[n // 4],)) for n in range(6)]


def people(things: list[Item]) -> None:
    """Give ann and ben slates of all items, in opposite orders."""
    publication = factories.publication()
    factories.slate(publication, factories.end_user("ann"), things)
    factories.slate(publication, factories.end_user("ben"), things[::-1])


def test_one_person_by_two_rules(things: list[Item]) -> None:
    people(things)

    found = comparing_rules.compare(
        FOUR, Rules(length=3, pins=(Pin("i5", 2),)), user_id="ann", now=NOW
    )

    assert [one.item_id for one in found.before] == ["i0", "i1", "i2", "i3"]
    assert [(one.item_id, one.rule) for one in found.after] == [
        ("i0", ""),
        ("i5", "pin"),
        ("i1", ""),
    ]
    assert not found.is_fallback
    assert comparing_rules.compare(FOUR, FOUR, user_id="nobody", now=NOW).is_fallback


def test_survey_counts_what_changes_for_all(things: list[Item]) -> None:
    people(things)
    only_drama = Rules(length=5, categories_in=("Drama",), fallbacks=())

    # ann: i0 i1 i2 i3 -> the same four; ben: i5 i4 i3 i2 -> i3 i2 i1 i0, two of them others.
    assert comparing_rules.survey(FOUR, only_drama, now=NOW) == Survey(
        num_people=2,
        num_people_changed=1,
        num_places=8,
        num_changed=2,
        categories_before=2,
        categories_after=1,
        num_categories=2,
        length=5,
        short=(4, 4),
        num_short_before=0,
    )


def test_survey_of_nobody(things: list[Item]) -> None:
    found = comparing_rules.survey(FOUR, FOUR, now=NOW)

    assert (found.num_people, found.num_places, found.short) == (0, 0, ())
