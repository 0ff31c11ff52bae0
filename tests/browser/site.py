"""A small site in which every page has something to show."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import Group, User
from django.utils import timezone

from interests.models import Category, EndUser, InterestState, Item, TrackingRun, TrainingRun
from recommender.models import EvaluationRun, MetricValue, SimilarItems
from tests import factories

PASSWORD = "a long password"
NUM_WEEKS = 10


def fill() -> EndUser:
    """Make an engineer "ada" and rows for every page; return the end user whose interests move."""
    account = User.objects.create_user("ada", "ada@example.org", PASSWORD)
    account.groups.add(Group.objects.get_or_create(name="engineer")[0])
    categories = [
        factories.category(name, colour_rank=rank)
        for rank, name in enumerate(("Drama", "Comedy", "Documentary"))
    ]
    things = [
        factories.item(f"i{n}", title=f"Film {n}", categories=(categories[n % 3],))
        for n in range(12)
    ]
    person = factories.end_user("ann")
    training = factories.training_run(
        results={"curves": {"loss": [5.0, 4.4, 4.1], "ndcg@10": [0.01, 0.03, 0.02]}}
    )
    _history(person, things, categories, training)
    publication = factories.publication(training_run=training)
    factories.slate(publication, person, things[6:])
    SimilarItems.objects.create(
        publication=publication, item=things[0], items=[things[1].pk], item_ids=["i1"], scores=[0.8]
    )
    _evaluation(training)
    TrainingRun.objects.create(
        state="started", requested_at=timezone.now(), started_at=timezone.now(), share_done=0.3,
        step="pass 3 of 10",
    )  # fmt: skip
    return person


def _history(
    person: EndUser, things: list[Item], categories: list[Category], training: TrainingRun
) -> None:
    run = TrackingRun.objects.create(**factories.done(tracker_version="mixture-1"))
    keys = [*(category.pk for category in categories), 0]
    now = timezone.now()
    for week in range(NUM_WEEKS):
        at = now - timedelta(weeks=NUM_WEEKS - week)
        share = 0.1 + 0.07 * week
        weights = [0.85 - share, 0.1, share, 0.05]
        for n in range(4):
            thing = things[(week + n) % len(things)]
            factories.event(person, thing, occurred_at=at - timedelta(hours=n), received_at=at)
        state = InterestState.objects.create(
            end_user=person, tracking_run=run, training_run=training, tracker_version="mixture-1",
            at=at, category_ids=keys, weights=weights, long_term=weights, short_term=weights,
            event_shares=weights, drift_score=None if week < 3 else 0.5 * week, num_events=4 * week + 4,
            active_days=week + 1, events_through=at, created_at=now,
        )  # fmt: skip
    EndUser.objects.filter(pk=person.pk).update(
        current_state=state, num_events=state.num_events, last_event_at=state.at,
        drift_score=state.drift_score,
    )  # fmt: skip


def _evaluation(training: TrainingRun) -> None:
    for split in EvaluationRun.Split:
        run = EvaluationRun.objects.create(
            **factories.done(split=split, k=10, training_run=training, results={"baseline": "ease"})
        )
        for name, value in (("most_popular", 0.02), ("ease", 0.04), ("interest_network", 0.05)):
            for metric in ("ndcg@10", "recall@10"):
                MetricValue.objects.create(
                    evaluation_run=run, algorithm=name, metric=metric, value=value,
                    low=value - 0.01, high=value + 0.01, num_users=610,
                    p_value=None if name == "ease" else 0.01,
                )  # fmt: skip
