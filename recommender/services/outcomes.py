"""Outcomes counted: what people saw, clicked and did after an answer, each exactly once.

New rows only say whose hours have changed; those are counted afresh from all rows that belong to them. So
counting twice changes nothing, and what comes late or out of order is counted as if it had come in time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from django.db import connection, transaction
from django.db.models import F, Max

from interests.models import Alias, Controls, Impression, Interaction
from recommender.evaluation import outcomes as adding
from recommender.evaluation.outcomes import SKEW, WINDOW, Deed
from recommender.models import OutcomeCount, OutcomeOfPerson, OutcomeRefusal
from recommender.ranking.answer_ids import AnswerId
from recommender.services import locking
from recommender.services.reading_answers import Reader, Reason, Row

# Longer than any request that stores events is at work: after that no smaller key can appear.
SETTLED_AFTER = timedelta(seconds=30)
# Rows of each table in one transaction.
ROWS_AT_ONCE = 50_000
# Of each person, the hours whose counts have changed.
Hours: TypeAlias = dict[int, set[datetime]]

_COLUMNS = (
    "row.end_user_id, row.recommendation_id, row.item_id, row.occurred_at, row.is_time_doubtful"
)
_IMPRESSIONS = f"""
    SELECT {_COLUMNS}, CASE WHEN row.dwell_seconds IS NULL THEN 'impression' ELSE 'dwell' END,
        row.dwell_seconds, row.received_at
    FROM interests_impression AS row
"""
_INTERACTIONS = f"""
    SELECT {_COLUMNS}, kind.outcome, row.value, row.received_at
    FROM interests_interaction AS row JOIN interests_eventkind AS kind ON kind.id = row.kind_id
"""
_ARRIVED = "WHERE row.id > %(after)s AND row.id <= %(through)s"
_OF_PEOPLE = """
    JOIN unnest(%(end_users)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[])
        AS wanted(end_user, since, until) ON wanted.end_user = row.end_user_id
    WHERE row.occurred_at >= wanted.since AND row.occurred_at <= wanted.until
"""
# Nothing is worked out of what somebody wants forgotten, nor of who opted out.
_USED = """
    AND row.recommendation_id <> '' AND NOT EXISTS (
        SELECT FROM interests_controls AS controls WHERE controls.end_user_id = row.end_user_id
        AND (controls.is_opted_out OR controls.forget_before > row.occurred_at)
    )
"""
_DELETE = """
    DELETE FROM recommender_outcomeofperson AS outcome
    USING unnest(%(end_users)s::bigint[], %(days)s::date[], %(hours)s::smallint[])
        AS stale(end_user, day, hour)
    WHERE outcome.end_user_id = stale.end_user AND outcome.day = stale.day
    AND outcome.hour = stale.hour
"""


def count(*, now: datetime) -> int:
    """Count what has arrived; return how many hours of people were counted. Safe to call at any time.

    A row is counted when it has been there for between half a minute and two minutes, if this is called
    each minute.
    """
    num_hours = _count_touched(now)
    while (num := _count_some(now)) is not None:
        num_hours += num
    return num_hours


def recount(*, since: datetime, until: datetime, now: datetime) -> int:
    """Count the hours of answers from `since` to before `until` afresh; return how many of people there are."""
    with transaction.atomic():
        locking.take(locking.Lock.OUTCOMES)
        reader = Reader()
        bounds = {"since": since - SKEW, "until": until + WINDOW}
        condition = "WHERE row.occurred_at >= %(since)s AND row.occurred_at <= %(until)s"
        rows = _rows(f"{condition}", bounds)
        hours, _ = _changed(rows, reader)
        stale = OutcomeOfPerson.objects.filter(day__gte=since.date(), day__lte=until.date())
        for outcome in stale:
            hours[outcome.end_user_id].add(_begin(outcome))
        wanted = {
            person: {hour for hour in own if since <= hour < until} for person, own in hours.items()
        }
        return _count_hours({key: own for key, own in wanted.items() if own}, reader, now)


def _count_some(now: datetime) -> int | None:
    """Count the next rows and return how many hours of people; None: nothing is left for now."""
    with transaction.atomic():
        locking.take(locking.Lock.OUTCOMES)
        state, _ = OutcomeCount.objects.get_or_create(pk=OutcomeCount.ONLY)
        is_counted = (state.impressions_through, state.interactions_through) == (
            state.impressions_noted,
            state.interactions_noted,
        )
        if is_counted or state.noted_at is None:
            _note(state, now)
            return None
        if now - state.noted_at < SETTLED_AFTER:
            return None
        until_impression = _part_end(Impression, state.impressions_through, state.impressions_noted)
        until_interaction = _part_end(
            Interaction, state.interactions_through, state.interactions_noted
        )
        rows = [
            *_fetch(_IMPRESSIONS + _ARRIVED, _between(state.impressions_through, until_impression)),
            *_fetch(_INTERACTIONS + _ARRIVED, _between(state.interactions_through, until_interaction)),
        ]  # fmt: skip
        reader = Reader()
        hours, refused = _changed(rows, reader)
        num_hours = _count_hours(hours, reader, now)
        _note_refused(refused)
        state.impressions_through, state.interactions_through = until_impression, until_interaction
        state.save()
        return num_hours


def _note(state: OutcomeCount, now: datetime) -> None:
    state.impressions_noted = max(_last_key(Impression), state.impressions_noted)
    state.interactions_noted = max(_last_key(Interaction), state.interactions_noted)
    state.noted_at = now
    state.save()


def _last_key(model: type[Impression | Interaction]) -> int:
    return model.objects.aggregate(last=Max("pk"))["last"] or 0


def _part_end(model: type[Impression | Interaction], after: int, through: int) -> int:
    """Return the key of the last of the next rows, however far apart their keys are."""
    keys = model.objects.filter(pk__gt=after, pk__lte=through).order_by("pk")
    last = keys.values_list("pk", flat=True)[ROWS_AT_ONCE - 1 : ROWS_AT_ONCE].first()
    return through if last is None else last


def _between(after: int, through: int) -> dict[str, int]:
    return {"after": after, "through": through}


def _count_touched(now: datetime) -> int:
    """Count everything afresh of those who took over a guest or changed their controls since the last count."""
    with transaction.atomic():
        locking.take(locking.Lock.OUTCOMES)
        state, _ = OutcomeCount.objects.get_or_create(pk=OutcomeCount.ONLY)
        since = (state.counted_at or now) - 2 * SETTLED_AFTER
        merged = Alias.objects.filter(created_at__gt=since).values_list("end_user_id", flat=True)
        controlled = Controls.objects.filter(updated_at__gt=since).values_list("pk", flat=True)
        touched = {*merged, *controlled}
        OutcomeCount.objects.update(counted_at=now)
        if not touched:
            return 0
        reader = Reader()
        rows = _rows("WHERE row.end_user_id = ANY(%(keys)s)", {"keys": list(touched)})
        hours, _ = _changed(rows, reader)
        for outcome in OutcomeOfPerson.objects.filter(end_user__in=touched):
            hours[outcome.end_user_id].add(_begin(outcome))
        return _count_hours(hours, reader, now)


def _changed(rows: list[Row], reader: Reader) -> tuple[Hours, Counter[tuple[Any, Reason]]]:
    """Return whose hours the rows change, and how many of them do not count, by day of arrival and reason."""
    reader.look_up(rows)
    hours: Hours = defaultdict(set)
    refused: Counter[tuple[Any, Reason]] = Counter()
    for row in rows:
        answer = reader.read(row) if row.what else None
        if isinstance(answer, AnswerId):
            hours[row.end_user].add(adding.hour_of(answer))
        elif answer is not None:
            refused[row.received_at.date(), answer] += 1
    return hours, refused


def _count_hours(hours: Mapping[int, set[datetime]], reader: Reader, now: datetime) -> int:
    """Replace the counts of these people's hours by what all their rows say."""
    if not hours:
        return 0
    bounds = {
        "end_users": list(hours),
        "since": [min(own) - SKEW for own in hours.values()],
        "until": [max(own) + timedelta(hours=1) + WINDOW for own in hours.values()],
    }
    rows = _rows(_OF_PEOPLE, bounds)
    reader.look_up(rows)
    deeds = [deed for row in rows if (deed := _deed(row, reader, hours))]
    flat = [(person, hour) for person, own in hours.items() for hour in own]
    with connection.cursor() as cursor:
        cursor.execute(
            _DELETE,
            {
                "end_users": [person for person, _ in flat],
                "days": [hour.date() for _, hour in flat],
                "hours": [hour.hour for _, hour in flat],
            },
        )
    OutcomeOfPerson.objects.bulk_create(
        [
            OutcomeOfPerson(
                end_user_id=origin.end_user,
                day=origin.hour.date(),
                hour=origin.hour.hour,
                placement=origin.placement,
                version=origin.version,
                run=origin.run,
                source=origin.source,
                variants=list(origin.variants),
                counted_at=now,
                **asdict(outcome),
            )
            for origin, outcome in adding.add_up(deeds).items()
        ],
        batch_size=2_000,
    )
    return len(flat)


def _deed(row: Row, reader: Reader, hours: Mapping[int, set[datetime]]) -> Deed | None:
    answer = reader.read(row) if row.what else None
    if not isinstance(answer, AnswerId) or adding.hour_of(answer) not in hours[row.end_user]:
        return None
    return Deed(row.end_user, row.text, answer, row.item, row.what, row.value or 0.0, row.at)


def _note_refused(refused: Mapping[tuple[Any, Reason], int]) -> None:
    for (day, reason), num in refused.items():
        row, _ = OutcomeRefusal.objects.get_or_create(day=day, reason=reason, defaults={"num": 0})
        OutcomeRefusal.objects.filter(pk=row.pk).update(num=F("num") + num)


def _rows(condition: str, parameters: Mapping[str, Any]) -> list[Row]:
    """Return the impressions and events under a condition."""
    return [
        *_fetch(_IMPRESSIONS + condition, parameters),
        *_fetch(_INTERACTIONS + condition, parameters),
    ]


def _fetch(query: str, parameters: Mapping[str, Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(query + _USED, dict(parameters))
        return [Row(*row) for row in cursor.fetchall()]


def _begin(outcome: OutcomeOfPerson) -> datetime:
    return datetime.combine(outcome.day, datetime.min.time(), UTC) + timedelta(hours=outcome.hour)
