"""A population of 100,000 end users as rows of a report, straight into the tables: for the pages that show it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product

import numpy as np

NUM_END_USERS, NUM_WEEKS, NUM_CATEGORIES = 100_000, 52, 20
# Somebody in five drifts, everybody in two has a drift event.
NUM_DRIFTERS, NUM_DRIFT_EVENTS, NUM_MARKS = 20_000, 50_000, 500
SEGMENTS = {"plan": 4, "country": 12, "first seen": 24, "activity": 3}
MONDAY = date(2025, 3, 3)

PEOPLE = """
    INSERT INTO interests_enduser (user_id, attributes, created_at, num_events, last_event_at, drift_score)
    SELECT 'user-' || n, '{}', now(), 30 + n %% 400, now() - n * interval '1 minute', 8.0 - 10.0 * n / %(people)s
    FROM generate_series(1, %(people)s) n
"""
DRIFT_EVENTS = """
    INSERT INTO interests_driftevent (
        end_user_id, detector_version, detected_at, begin_at, num_events, begin_event, confidence, score,
        category_ids, before, after, rising, falling, evidence, is_return, events_through, created_at)
    SELECT id, '1', last_event_at, last_event_at - interval '9 days', 100, 80, 0.97, 6.0, '{1,2}', '{0.6,0.4}',
        '{0.3,0.7}', '{2}', '{1}', '{}', FALSE, last_event_at, now()
    FROM interests_enduser ORDER BY id LIMIT %(events)s
"""
MARKS = """
    INSERT INTO interests_driftmark (end_user_id, detected_at, begin_at, verdict, note, made_at)
    SELECT id, last_event_at, last_event_at, CASE WHEN id %% 9 = 0 THEN 'wrong' ELSE 'right' END, '', now()
    FROM interests_enduser ORDER BY id LIMIT %(marks)s
"""
DRIFTERS = """
    INSERT INTO interests_drifter (run_id, rank, end_user_id, drift_score, p_value, q_value, rising, falling)
    SELECT %(run)s, row_number() OVER (ORDER BY id), id, drift_score, 1e-6, 0.2 * row_number() OVER (ORDER BY id) / %(drifters)s,
        '{2,3}', '{1}'
    FROM interests_enduser ORDER BY id LIMIT %(drifters)s
"""


def fill() -> str:
    """Write end users, a report, drift events and marks; return what there is in a line."""
    from django.db import connection

    from interests.models import Category, PopulationRun

    Category.objects.bulk_create(
        Category(name=f"Category {rank}", colour_rank=rank) for rank in range(NUM_CATEGORIES)
    )
    now = datetime.now(UTC)
    run = PopulationRun.objects.create(
        state="done", requested_at=now, started_at=now, finished_at=now,
        results={
            "period": "week", "num_end_users": NUM_END_USERS, "num_events": 60 * NUM_END_USERS,
            "num_tested": NUM_END_USERS,
        },
    )  # fmt: skip
    numbers = {
        "people": NUM_END_USERS, "events": NUM_DRIFT_EVENTS, "marks": NUM_MARKS,
        "drifters": NUM_DRIFTERS, "run": run.pk,
    }  # fmt: skip
    with connection.cursor() as cursor:
        for statement in (PEOPLE, DRIFT_EVENTS, MARKS, DRIFTERS):
            cursor.execute(statement, numbers)
    keys = list(Category.objects.order_by("pk").values_list("pk", flat=True))
    num_shares, num_flows = _write_shares(run.pk, keys), _write_flows(run.pk, keys)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return (
        f"{NUM_END_USERS:,} end users, {num_shares:,} shares, {num_flows:,} flows, "
        f"{NUM_DRIFTERS:,} drifters, {NUM_DRIFT_EVENTS:,} drift events"
    )


def addresses() -> dict[str, str]:
    """Return the pages of the population in the ways in which they are looked at."""
    from interests.models import Category

    first = Category.objects.order_by("pk").values_list("pk", flat=True)[0]
    since, until = MONDAY + timedelta(weeks=8), MONDAY + timedelta(weeks=9)
    return {
        "drift": "/drift",
        "drift, a category by first-seen month": f"/drift?category={first}&kind=first+seen&show=share",
        "drift, between two weeks": f"/drift?from={since}&to={until}",
        "drift, the last page of drifters": f"/drift?level=20&page={NUM_DRIFTERS // 20}",
        "overview": "/",
        "end users by drift score": "/end-users?segment=drifting&sort=-drift",
    }


def _write_shares(run_id: int, keys: list[int]) -> int:
    from interests.models import PopulationShare

    random = np.random.default_rng(0)
    names = [("all", "")]
    names += [(kind, f"{kind} {n}") for kind, count in SEGMENTS.items() for n in range(count)]
    rows = []
    for (kind, segment), week in product(names, range(NUM_WEEKS)):
        shares = random.dirichlet(np.full(len(keys), 50.0))
        rows.append(
            PopulationShare(
                run_id=run_id, segment_kind=kind, segment=segment, period=MONDAY + timedelta(weeks=week),
                category_ids=keys, shares=shares.tolist(), low=(shares * 0.9).tolist(),
                high=(shares * 1.1).tolist(), significances=random.standard_normal(len(keys)).tolist(),
                num_events=10_000, num_end_users=4_000,
            )
        )  # fmt: skip
    PopulationShare.objects.bulk_create(rows, batch_size=1000)
    return len(rows)


def _write_flows(run_id: int, keys: list[int]) -> int:
    from interests.models import PopulationFlow

    random = np.random.default_rng(1)
    rows = [
        PopulationFlow(
            run_id=run_id, period=MONDAY + timedelta(weeks=week), from_category_id=start,
            to_category_id=end, end_users=float(random.gamma(2.0, 2.0)) * (1000 if start == end else 1),
        )
        for week, start, end in product(range(1, NUM_WEEKS), keys, keys)
    ]  # fmt: skip
    PopulationFlow.objects.bulk_create(rows, batch_size=5000)
    return len(rows)
