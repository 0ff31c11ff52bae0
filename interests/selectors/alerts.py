"""What alert rules look at: changes of end users, and what the population does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from interests.models import AlertRule, Category, DriftEvent, EndUser
from interests.selectors import alert_shares, drift_counts
from interests.selectors.alert_shares import Happening

Condition, Scope = AlertRule.Condition, AlertRule.Scope
# A change that was noticed in events older than this is history: a first tracking run finds years of it.
RECENT = timedelta(days=14)
# What a transaction wrote can come to light minutes after its time stamps; seen twice, it is raised once.
OVERLAP = timedelta(minutes=15)
PREVIEWED = timedelta(days=30)
# A preview stops counting here.
MOST_PREVIEWED = 5_000
NAME_LENGTH = 80
NUM_NAMES = 3


def new_happenings(rule: AlertRule, *, now: datetime) -> list[Happening]:
    """Return what came to light since the rule last looked, in the order of its time."""
    since = max(rule.created_at, (rule.looked_at or rule.created_at) - OVERLAP)
    if rule.condition == Condition.DRIFT_EVENT:
        rows = drift_events_that_count(since=since).filter(detected_at__gte=now - RECENT)
        return _changes(rule, rows)
    return alert_shares.new_happenings(rule, since=since, now=now, people=end_users_of(rule))


def past_happenings(rule: AlertRule, *, now: datetime) -> list[Happening]:
    """Return what a rule, stored or not, would have raised over the last 30 days by what is stored."""
    since = now - PREVIEWED
    if rule.condition == Condition.DRIFT_EVENT:
        rows = drift_events_that_count().filter(detected_at__gte=since, detected_at__lte=now)
        return without_repeats(_changes(rule, rows, limit=MOST_PREVIEWED))
    return alert_shares.past_happenings(rule, since=since, people=end_users_of(rule))


def drift_events_that_count(*, since: datetime | None = None) -> QuerySet[DriftEvent]:
    """Return the drift events of the newest finished tracking run and live ones, those since a time if given.

    What a run found counts from the time that the run was done.
    """
    newest = drift_counts.newest_run()
    rows = drift_counts.that_count(newest)
    if since is None:
        return rows
    is_live = Q(tracking_run=None)
    if newest is not None and (newest.finished_at or since) >= since:
        return rows.filter(~is_live | Q(created_at__gte=since))
    return rows.filter(is_live, created_at__gte=since)


def end_users_of(rule: AlertRule) -> QuerySet[EndUser] | None:
    """Return the end users that a rule is about; None: everybody.

    A segment is made of the values of one attribute.
    """
    if rule.scope == Scope.END_USER:
        return EndUser.objects.filter(pk__in=[rule.end_user_id])
    if rule.scope == Scope.SEGMENT:
        rows = EndUser.objects.annotate(value=KeyTextTransform(rule.segment_kind, "attributes"))
        return rows.filter(value=rule.segment)
    return None


def _changes(
    rule: AlertRule, rows: QuerySet[DriftEvent], *, limit: int | None = None
) -> list[Happening]:
    people = end_users_of(rule)
    if people is not None:
        rows = rows.filter(end_user__in=people.values("pk"))
    if rule.threshold is not None:
        rows = rows.filter(confidence__gte=rule.threshold)
    if rule.category_id is not None:
        key = [rule.category_id]
        rows = rows.filter(Q(rising__contains=key) | Q(falling__contains=key))
    found = list(rows.select_related("end_user").order_by("detected_at", "pk")[:limit])
    names = dict(Category.objects.values_list("pk", "name")) if found else {}
    return [_change(event, names) for event in found]


def _change(event: DriftEvent, names: dict[int, str]) -> Happening:
    rising, falling = _named(event.rising, names), _named(event.falling, names)
    begin, detected = (
        at.isoformat(timespec="seconds") for at in (event.begin_at, event.detected_at)
    )
    first = f"+{min(event.rising[:1], default=0)}-{min(event.falling[:1], default=0)}"
    return Happening(
        key=f"change:{event.end_user_id}:{event.begin_at:%Y-%m-%dT%H:%M}:{first}",
        subject=f"end user {event.end_user_id}",
        at=event.detected_at,
        text=_sentence(event, rising, falling),
        end_user_id=event.end_user_id,
        facts={
            "end_user": {"user_id": event.end_user.user_id},
            "change": {
                "begin_at": begin, "detected_at": detected,
                "rising": rising, "falling": falling, "confidence": round(event.confidence, 4),
                "is_return": event.is_return, "num_events": event.num_events,
            },
        },
    )  # fmt: skip


def _named(keys: Iterable[int], names: dict[int, str]) -> list[str]:
    return [names[key] for key in keys if key in names]


def _sentence(event: DriftEvent, rising: list[str], falling: list[str]) -> str:
    """Return what changed: "ann: since 4 March 2026 more Drama, less Horror (98 % sure, 120 events)"."""
    moves = [
        f"{word} {', '.join(names[:NUM_NAMES])}"
        for word, names in (("more", rising), ("less", falling))
        if names
    ]
    back = ["as it was before"] if event.is_return else []
    what = ", ".join([*moves, *back]) or "other interests"
    user_id = event.end_user.user_id
    who = user_id if len(user_id) <= NAME_LENGTH else f"{user_id[: NAME_LENGTH - 1]}…"
    sure = f"{100 * event.confidence:.0f} % sure, {event.num_events:,} events"
    return f"{who}: since {event.begin_at:%-d %B %Y} {what[:300]} ({sure})"


@dataclass(frozen=True)
class _Span:
    """When one change took place and where it went."""

    begin: str
    end: str
    rising: frozenset[str]
    falling: frozenset[str]

    def is_same(self, other: _Span) -> bool:
        """Tell whether both are one change: they overlap, and go the same way in some category.

        Another run estimates its begin anew, and a live event may come before the run's.
        """
        overlap = self.begin <= other.end and other.begin <= self.end
        is_alike = bool(self.rising & other.rising or self.falling & other.falling)
        return overlap and (is_alike or (self.begin, self.end) == (other.begin, other.end))


@dataclass
class Known:
    """What a rule has raised already, to tell what is new."""

    keys: set[str] = field(default_factory=set)
    spans: dict[str, list[_Span]] = field(default_factory=dict)

    def takes(self, *, key: str, subject: str, facts: dict[str, Any]) -> bool:
        """Remember what was raised; return False where it had been before."""
        if key in self.keys:
            return False
        span = _span(facts)
        earlier = self.spans.setdefault(subject, [])
        if span is not None:
            if any(span.is_same(other) for other in earlier):
                return False
            earlier.append(span)
        self.keys.add(key)
        return True


def _span(facts: dict[str, Any]) -> _Span | None:
    change = facts.get("change")
    if change is None:
        return None
    # Both are UTC in the same form, so that they sort as texts.
    rising, falling = frozenset(change["rising"]), frozenset(change["falling"])
    return _Span(change["begin_at"], change["detected_at"], rising, falling)


def without_repeats(happenings: Sequence[Happening], known: Known | None = None) -> list[Happening]:
    """Return what is neither known nor the same as one before it."""
    seen = known or Known()
    return [
        found
        for found in happenings
        if seen.takes(key=found.key, subject=found.subject, facts=found.facts)
    ]
