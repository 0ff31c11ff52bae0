"""Reasons for what an answer shows: those stored with the slate, else the interest that each item serves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from interests.models import EndUser
from recommender.ranking import reason_words, reasons
from recommender.ranking.composing import Placed
from recommender.ranking.reason_words import FALLBACK, Deed, Said
from recommender.ranking.reasons import StoredReason

# By primary keys; the categories are those that interests follow.
ITEMS = """
    SELECT item.id, coalesce(
        (SELECT json_object_agg(category.id, category.name)
         FROM interests_item_used_categories link
         JOIN interests_category category ON category.id = link.category_id
         WHERE link.item_id = item.id), '{}')
    FROM interests_item item WHERE item.id = ANY(%s::bigint[])
"""
EVENTS = """
    SELECT event.id, item.id, item.item_id, coalesce(nullif(item.title, ''), item.item_id),
           kind.name, kind.weight < 0, event.occurred_at,
           ARRAY(SELECT category_id FROM interests_item_used_categories WHERE item_id = item.id)
    FROM interests_interaction event
    JOIN interests_item item ON item.id = event.item_id
    JOIN interests_eventkind kind ON kind.id = event.kind_id
    WHERE event.id = ANY(%s::bigint[]) AND event.end_user_id = %s
"""


@dataclass(frozen=True, slots=True)
class EventFacts:
    """An event that is evidence; `categories` are keys of its item's."""

    pk: int
    item: int
    item_id: str
    title: str
    kind: str
    is_negative: bool
    occurred_at: datetime
    categories: Sequence[int]


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """An event that lifts an item, and by how much (log-odds)."""

    event: EventFacts
    gain: float


@dataclass(frozen=True, slots=True)
class Explained:
    """Why one item stands in an answer.

    Attributes:
        said: what there is to say
        evidence: the person's events that count most for it, most first; none while not worked out
    """

    said: Said
    evidence: tuple[EvidenceLine, ...] = ()

    def to_plain(self, *, language: str) -> dict[str, Any]:
        """Return `reason` (None where there is nothing true to say) and `evidence` as JSON values."""
        kind = reason_words.kind_of(self.said)
        return {
            "reason": {
                "kind": kind,
                "category": self.said.category or None,
                "weight": round(self.said.weight, 4) if self.said.category else None,
                "rule": self.said.rule or None,
                "together": self.said.together or None,
                "text": reason_words.sentence(self.said, language=language),
            }
            if kind
            else None,
            "evidence": [
                {
                    "item_id": line.event.item_id,
                    "kind": line.event.kind,
                    "occurred_at": line.event.occurred_at.astimezone(UTC).isoformat(),
                    "gain": line.gain,
                }
                for line in self.evidence
            ],
        }


def reasons_of(
    placed: Sequence[Placed],
    *,
    end_user: int | None,
    stored: Sequence[Mapping[str, Any]] | None,
) -> list[Explained]:
    """Return why each item of an answer is there, in the same order; three queries, one for strangers.

    For items without a stored reason that is the interest that each serves, from the weights now.

    Args:
        end_user: key, None for a stranger.
        stored: `Slate.reasons` of the slate that answers, None or empty where there are none.
    """
    categories = _categories([own.item for own in placed])
    is_personal = end_user is not None and not all(map(_is_fallback, placed))
    known = [StoredReason.from_plain(one) for one in stored or ()] if is_personal else []
    by_item = {one.item: one for one in known}
    weights = _weights(end_user) if end_user is not None and is_personal else {}
    wanted = {
        one.event for own in placed if own.item in by_item for one in by_item[own.item].events
    }
    events = _events(wanted, end_user) if wanted else {}
    return [
        _explained(own, by_item.get(own.item), categories.get(own.item, {}), weights, events)
        for own in placed
    ]


def _explained(
    placed: Placed,
    stored: StoredReason | None,
    categories: Mapping[int, str],
    weights: Mapping[int, float],
    events: Mapping[int, EventFacts],
) -> Explained:
    if _is_fallback(placed):
        return Explained(Said(rule=placed.rule))
    if stored is None:
        category, weight = reasons.interest_served(categories, weights)
        return Explained(
            Said(rule=placed.rule, category=categories.get(category, ""), weight=weight)
        )
    # An event may have been deleted since.
    evidence = tuple(
        EvidenceLine(events[one.event], one.gain) for one in stored.events if one.event in events
    )
    said = Said(
        rule=placed.rule,
        category=categories.get(stored.category, ""),
        weight=stored.weight,
        deeds=[_deed(line.event, stored.category) for line in evidence],
        together=stored.together if evidence else 0,
        crowd=stored.crowd,
    )
    return Explained(said, evidence)


def _deed(event: EventFacts, category: int) -> Deed:
    return Deed(
        title=event.title,
        kind=event.kind,
        is_negative=event.is_negative,
        is_of_interest=category in event.categories,
    )


def _is_fallback(placed: Placed) -> bool:
    return placed.rule.startswith(f"{FALLBACK}:")


def _weights(end_user: int) -> dict[int, float]:
    """Return the interest weights of a person now; none of somebody who has opted out."""
    rows = EndUser.objects.filter(pk=end_user, current_state__isnull=False)
    found = (
        rows.exclude(controls__is_opted_out=True)
        .values_list("current_state__category_ids", "current_state__weights")
        .first()
    )
    return dict(zip(*found, strict=True)) if found else {}


def _categories(items: Collection[int]) -> dict[int, dict[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(ITEMS, [list(items)])
        return {
            item: {int(key): name for key, name in named.items()}
            for item, named in cursor.fetchall()
        }


def _events(keys: Collection[int], end_user: int | None) -> dict[int, EventFacts]:
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, [list(keys), end_user])
        return {row[0]: EventFacts(*row) for row in cursor.fetchall()}
