"""Categories that are merged: what was known stays, what follows is a new version."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interests.models import Controls, DriftEvent, InterestState, RunState, TrackingRun
from interests.services import curating, tracking
from interests.tracking import mixture
from tests import factories
from tests.factories import NOW
from tests.interests.services.changing import START, catalogue, choices, live, track

pytestmark = pytest.mark.django_db


def merge(items, *, now=NOW):
    comedy, drama = (thing.categories.get() for thing in items[:2])
    return curating.merge_categories(category_keys=[comedy.pk, drama.pk], into=drama, now=now)


def test_before_the_first_tracking_there_is_nothing_to_follow():
    items = catalogue()

    merged = merge(items)

    assert (merged.num_items, merged.num_categories, merged.tracking_run) == (1, 1, None)
    assert TrackingRun.objects.count() == 0


def test_a_merge_asks_for_one_new_version_and_the_old_one_stays():
    items, ann = catalogue(), factories.end_user("ann")
    live(ann, [items[n] for n in choices(("comedy", 60), ("war", 40))])
    first = track()
    before = list(DriftEvent.objects.values()), list(InterestState.objects.values())
    comedy, drama = (thing.categories.get().pk for thing in items[:2])

    asked = merge(items).tracking_run
    again = curating.merge_categories(
        category_keys=[drama, items[2].categories.get().pk],
        into=items[2].categories.get(),
        now=NOW,
    ).tracking_run

    assert (asked.state, asked.tracker_version, asked.requested_at) == (
        RunState.WAITING,
        mixture.VERSION,
        NOW,
    )
    assert again == asked  # one that waits follows both
    assert (list(DriftEvent.objects.values()), list(InterestState.objects.values())) == before

    tracking.track_everybody(run_id=asked.pk)

    old, new = (DriftEvent.objects.get(tracking_run=run) for run in (first, asked))
    horror = items[2].categories.get().pk
    assert (old.falling[0], new.falling[0]) == (comedy, horror)
    assert (len(old.category_ids), len(new.category_ids)) == (7, 5)
    ann.refresh_from_db()
    assert ann.current_state.tracking_run == asked


def test_a_live_event_after_a_merge_goes_on_in_the_merged_categories():
    items, ann = catalogue(), factories.end_user("ann")
    live(ann, [items[n] for n in choices(("comedy", 60), ("war", 40))])
    track()
    merge(items)

    live(ann, [items[0]], begin=100, received_at=START + timedelta(days=60))
    tracking.renew_states(end_user_ids=[ann.pk], now=NOW)

    ann.refresh_from_db()
    drama = items[1].categories.get().pk
    assert drama in ann.current_state.category_ids
    assert len(ann.current_state.category_ids) == 6
    assert DriftEvent.objects.filter(withdrawn_at=None).count() == 1


def test_merge_carries_over_what_people_mute_and_boost():
    horror, terror, comedy, drama = (factories.category() for _ in range(4))
    muting, boosting, both = (factories.end_user() for _ in range(3))
    for person, muted, boosts in (
        (muting, [terror.pk, drama.pk], {}),
        (boosting, [], {str(terror.pk): 3.0, str(horror.pk): 2.0, str(comedy.pk): 0.5}),
        (both, [terror.pk], {str(horror.pk): 2.0}),
    ):
        Controls.objects.create(
            end_user=person, muted_category_ids=muted, boosts=boosts, updated_at=NOW
        )

    curating.merge_categories(category_keys=[horror.pk, terror.pk], into=horror, now=NOW)

    assert list(Controls.objects.order_by("pk").values_list("muted_category_ids", "boosts")) == [
        (sorted([horror.pk, drama.pk]), {}),
        ([], {str(horror.pk): 3.0, str(comedy.pk): 0.5}),
        ([horror.pk], {}),
    ]
