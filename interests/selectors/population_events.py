"""What a description of the population is worked out from, some end users at a time.

Events are added up in the database; of each end user, period and category one number comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from interests.models import Interaction
from interests.selectors import copying

DAY_SECONDS = 86_400
# Of so many events one may lie before what is described.
NUM_OF_WHICH_ONE = 100

SHARED = """
    FROM interests_used_interaction AS event
    JOIN interests_eventkind AS kind ON kind.id = event.kind_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS size FROM interests_item_used_categories AS counted
        WHERE counted.item_id = event.item_id
    ) AS sizes
    LEFT JOIN interests_item_used_categories AS own ON own.item_id = event.item_id
    WHERE NOT event.is_time_doubtful AND kind.weight >= 0
    AND event.occurred_at >= %s AND event.occurred_at <= %s
"""
PART = "sum(1.0 / greatest(sizes.size, 1))::float8"
LARGEST = (
    f"SELECT coalesce(own.category_id, 0) {SHARED} GROUP BY 1 ORDER BY {PART} DESC, 1 LIMIT %s"
)
# The first day of a period, in days since 1970.
FIRST_DAY = "(extract(epoch FROM date_trunc(%s, {at}, 'UTC')) / 86400)::bigint"
PARTS = f"""
    SELECT event.end_user_id, {FIRST_DAY.format(at="event.occurred_at")},
        coalesce(own.category_id, 0)::bigint, {PART}
    {SHARED} AND event.end_user_id = ANY(%s::bigint[]) GROUP BY 1, 2, 3
"""
COUNTS = """
    SELECT end_user_id, count(*), (extract(epoch FROM min(occurred_at)) / 86400)::bigint
    FROM interests_used_interaction WHERE NOT is_time_doubtful GROUP BY 1 ORDER BY 1
"""
PEOPLE = """
    SELECT count(DISTINCT end_user_id) FROM interests_used_interaction
    WHERE NOT is_time_doubtful GROUP BY date_trunc(%s, occurred_at, 'UTC')
"""
# A text longer than a segment's name, or a key that is a name of our own, makes no segments.
ATTRIBUTES = """
    SELECT key FROM (
        SELECT pair.key, pair.value, count(*) AS people
        FROM interests_enduser AS person, jsonb_each_text(person.attributes) AS pair
        WHERE person.attributes != '{}' AND jsonb_typeof(person.attributes -> pair.key) IN ('string', 'number', 'boolean')
        AND length(pair.key) <= 100 AND length(pair.value) BETWEEN 1 AND 200
        GROUP BY 1, 2
    ) AS counted GROUP BY key HAVING count(*) <= %s AND count(*) FILTER (WHERE people >= %s) >= 2 ORDER BY 1
"""
VALUES = """
    SELECT person.id, wanted.key, person.attributes ->> wanted.key
    FROM interests_enduser AS person, unnest(%s::text[]) AS wanted(key)
    WHERE person.attributes ? wanted.key AND person.attributes ->> wanted.key != ''
"""
# The last state of each period: of the tracking run, and live ones that have seen more.
STATES = f"""
    WITH seen AS (
        SELECT end_user_id, max(events_through) AS through FROM interests_intereststate
        WHERE tracking_run_id = %s AND end_user_id = ANY(%s::bigint[]) GROUP BY 1
    ), last AS (
        SELECT DISTINCT ON (state.end_user_id, period) state.end_user_id, {FIRST_DAY.format(at="state.at")} AS period,
            state.category_ids, state.weights
        FROM interests_intereststate AS state LEFT JOIN seen USING (end_user_id)
        WHERE state.end_user_id = ANY(%s::bigint[]) AND state.at >= %s AND state.at <= %s
        AND (state.tracking_run_id = %s OR state.tracking_run_id IS NULL
            AND (seen.through IS NULL OR state.events_through > seen.through))
        ORDER BY state.end_user_id, period, state.at DESC, state.id DESC
    )
    SELECT end_user_id, period, pair.category_id::bigint, pair.weight
    FROM last, unnest(category_ids, weights) AS pair(category_id, weight) WHERE pair.weight > 0
"""
SCORES = "SELECT id, drift_score FROM interests_enduser WHERE drift_score IS NOT NULL ORDER BY id"
PART_COLUMNS = {"user": "i8", "day": "i8", "category": "i8", "amount": "f8"}


@dataclass(frozen=True)
class Window:
    """The periods that are described, oldest first.

    Attributes:
        period: "week", "month", "quarter" or "year"
        days: first day of each, in days since 1970, int64. [T]
        until: the newest event's time
    """

    period: str
    days: NDArray[np.int64]
    until: datetime

    @property
    def since(self) -> datetime:
        """Return the beginning of the first period."""
        return datetime.fromtimestamp(int(self.days[0]) * DAY_SECONDS, UTC)

    def dates(self) -> list[date]:
        """Return the first day of each period. [T]"""
        return [datetime.fromtimestamp(day * DAY_SECONDS, UTC).date() for day in self.days.tolist()]

    def places(self, days: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which period each first day begins."""
        return np.searchsorted(self.days, days)


def span() -> tuple[datetime, datetime] | None:
    """Return between which times the events lie, None where there is none.

    Doubtful times do not count, nor do the first hundredth of the events: a few from years ago would turn weeks
    into years for all the others.
    """
    times = Interaction.objects.filter(is_time_doubtful=False).values_list("occurred_at", flat=True)
    num_events = times.count()
    if not num_events:
        return None
    last = times.order_by("-occurred_at")[0]
    return times.order_by("occurred_at")[num_events // NUM_OF_WHICH_ONE], last


def people_in_periods(period: str) -> list[int]:
    """Return how many end users were there in each period with events, in no order."""
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE, [period])
        return [count for (count,) in cursor.fetchall()]


def largest_categories(window: Window, *, limit: int) -> list[int]:
    """Return the categories with most events, the largest first; 0 is "uncategorised"."""
    with connection.cursor() as cursor:
        cursor.execute(LARGEST, [window.since, window.until, limit])
        return [key for (key,) in cursor.fetchall()]


def parts(window: Window, *, end_users: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Return how many events of each end user, period ("day") and category there are, negative ones left out."""
    return copying.columns(
        query=PARTS,
        parameters=[window.period, window.since, window.until, end_users.tolist()],
        types=PART_COLUMNS,
    )


def last_states(
    window: Window, *, end_users: NDArray[np.int64], tracking_run: int | None
) -> dict[str, NDArray[Any]]:
    """Return the weights of each end user's last state in each period; "amount" is the weight."""
    keys = end_users.tolist()
    return copying.columns(
        query=STATES,
        parameters=[tracking_run, keys, window.period, keys, window.since, window.until, tracking_run],
        types=PART_COLUMNS,
    )  # fmt: skip


def counts() -> dict[str, NDArray[Any]]:
    """Return each end user with events ("user", ascending), how many ("num"), and the day of the first ("day")."""
    return copying.columns(query=COUNTS, types={"user": "i8", "num": "i8", "day": "i8"})


def segment_attributes(*, most_values: int, least_people: int) -> list[str]:
    """Return the attributes of end users with so few values that each is a segment."""
    with connection.cursor() as cursor:
        cursor.execute(ATTRIBUTES, [most_values, least_people])
        return [key for (key,) in cursor.fetchall()]


def attribute_values(attributes: Sequence[str]) -> list[tuple[int, str, str]]:
    """Return end user, attribute and value of everybody who has one."""
    if not attributes:
        return []
    with connection.cursor() as cursor:
        cursor.execute(VALUES, [list(attributes)])
        rows: list[tuple[int, str, str]] = cursor.fetchall()
    return rows


def drift_scores() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the end users with a drift score, ascending, and the score of their newest state."""
    found = copying.columns(query=SCORES, types={"user": "i8", "score": "f8"})
    return found["user"], found["score"]
