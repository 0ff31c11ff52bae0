"""Two people with 10,000 states and events each, straight into the tables: for the pages of one person."""

from __future__ import annotations

from datetime import UTC, datetime

NUM_STATES, NUM_CATEGORIES, NUM_ITEMS, NUM_CHANGES = 10_000, 20, 500, 12

ITEMS = """
    INSERT INTO interests_item (item_id, title, description, attributes, is_described, is_hidden, created_at)
    SELECT 'item-' || n, 'Title ' || n, '', '{}', TRUE, FALSE, now() FROM generate_series(1, %(items)s) n
"""
CATEGORIES = """
    INSERT INTO interests_item_categories (item_id, category_id)
    SELECT item.id, category.id FROM interests_item item JOIN interests_category category
    ON category.colour_rank IN (item.id %% 20, (item.id + 7) %% 20)
"""
# A state every hour, so that a figure has to leave most of them out.
STATES = """
    INSERT INTO interests_intereststate (
        end_user_id, tracking_run_id, tracker_version, at, category_ids, weights, long_term, short_term,
        event_shares, vector, drift_score, num_events, active_days, events_through, created_at)
    SELECT person.id, %(run)s, '1', now() - (%(states)s - n) * interval '1 hour', share.ids, share.weights,
        share.weights, share.weights, share.weights,
        (SELECT '[' || string_agg('0.1', ',') || ']' FROM generate_series(1, 64))::vector,
        3 * sin(n / 200.0), n, 1 + n / 24, now(), now()
    FROM interests_enduser person CROSS JOIN generate_series(1, %(states)s) n
    CROSS JOIN LATERAL (
        SELECT array_agg(id ORDER BY id) AS ids, array_agg(raw / total ORDER BY id) AS weights FROM (
            SELECT id, raw, sum(raw) OVER () AS total FROM (
                SELECT id, 2 + sin((n + person.id * 500) / 900.0 + colour_rank) AS raw FROM interests_category
            ) AS waves
        ) AS shares
    ) AS share
"""
EVENTS = """
    INSERT INTO interests_interaction (
        event_id, end_user_id, item_id, kind_id, occurred_at, received_at, session_id, recommendation_id,
        is_time_doubtful)
    SELECT person.id || '-' || n, person.id, (SELECT min(id) FROM interests_item) + (n * 37) %% %(items)s,
        (SELECT id FROM interests_eventkind WHERE name = 'view'), now() - (%(states)s - n) * interval '1 hour',
        now(), '', '', FALSE
    FROM interests_enduser person CROSS JOIN generate_series(1, %(states)s) n
"""
CHANGES = """
    INSERT INTO interests_driftevent (
        end_user_id, tracking_run_id, detector_version, detected_at, begin_at, num_events, begin_event, confidence,
        score, category_ids, before, after, rising, falling, evidence, is_return, events_through, created_at)
    SELECT person.id, %(run)s, '1', now() - n * interval '30 days', now() - (n * 30 + 4) * interval '1 day',
        %(states)s - 700 * n, %(states)s - 700 * n - 60, 0.97, 6.0, ids.all_ids,
        array_fill(0.05::float8, ARRAY[20]), array_fill(0.05::float8, ARRAY[20]), ids.all_ids[1:2], ids.all_ids[3:4],
        (SELECT array_agg(id) FROM (SELECT id FROM interests_interaction WHERE end_user_id = person.id LIMIT 20) few),
        FALSE, now(), now()
    FROM interests_enduser person CROSS JOIN generate_series(1, %(changes)s) n
    CROSS JOIN (SELECT array_agg(id ORDER BY id) AS all_ids FROM interests_category) AS ids
"""
NEWEST = """
    UPDATE interests_enduser person SET current_state_id = state.id, num_events = %(states)s,
        last_event_at = state.at, drift_score = state.drift_score
    FROM interests_intereststate state WHERE state.end_user_id = person.id AND state.num_events = %(states)s
"""


def fill() -> str:
    """Write two people with their states, events, changes and lists; return what there is in a line."""
    from django.db import connection

    from interests.models import Category, EndUser, TrackingRun, TrainingRun
    from recommender.models import PublicationRun, Serving

    now = datetime.now(UTC)
    done = {"state": "done", "requested_at": now, "started_at": now, "finished_at": now}
    Category.objects.bulk_create(
        Category(name=f"Category {rank}", colour_rank=rank) for rank in range(NUM_CATEGORIES)
    )
    EndUser.objects.bulk_create(
        EndUser(user_id=f"user-{number}", created_at=now) for number in (1, 2)
    )
    run = TrackingRun.objects.create(**done, tracker_version="1")
    publication = PublicationRun.objects.create(
        **done, training_run=TrainingRun.objects.create(**done)
    )
    Serving.objects.create(publication=publication, since=now)
    numbers = {
        "states": NUM_STATES, "items": NUM_ITEMS, "changes": NUM_CHANGES, "run": run.pk,
    }  # fmt: skip
    with connection.cursor() as cursor:
        for statement in (ITEMS, CATEGORIES, STATES, EVENTS, CHANGES, NEWEST):
            cursor.execute(statement, numbers)
        _lists(publication.pk)
        cursor.execute("ANALYZE")
    return f"2 end users with {NUM_STATES:,} states and events each, {NUM_CHANGES} changes"


def addresses() -> dict[str, str]:
    """Return the pages that one person has."""
    from interests.models import DriftEvent

    event = DriftEvent.objects.order_by("pk")[NUM_CHANGES // 2]
    person = f"/end-users/{event.end_user_id}"
    return {
        "end user": person,
        "end user, short-term": f"{person}?show=short",
        "drift event": f"{person}/drift/{event.pk}",
        "two end users": "/end-users/compare?a=user-1&b=user-2",
        "as of": f"{person}/as-of?at={event.detected_at:%Y-%m-%dT%H:%M}",
    }


def _lists(publication: int) -> None:
    from django.utils import timezone

    from interests.models import EndUser, Item
    from recommender.models import Slate

    items = list(Item.objects.order_by("pk")[:200])
    for person in EndUser.objects.all():
        Slate.objects.create(
            publication_id=publication,
            end_user=person,
            items=[item.pk for item in items],
            item_ids=[item.item_id for item in items],
            scores=[1.0 - rank / 200 for rank in range(200)],
            generated_at=timezone.now(),
        )
