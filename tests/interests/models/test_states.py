"""The database holds what the tables promise."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from interests.models import EndUser, InterestState


def state(end_user, weights):
    now = timezone.now()
    return InterestState(
        end_user=end_user, tracker_version="1", at=now, category_ids=[0, 1], weights=weights,
        long_term=[0.5, 0.5], short_term=[0.5, 0.5], event_shares=[0.0, 0.0], num_events=1,
        active_days=1, events_through=now, created_at=now,
    )  # fmt: skip


@pytest.mark.django_db
def test_interest_weights_that_do_not_sum_to_one_are_refused_by_the_database():
    person = EndUser.objects.create(user_id="a", created_at=timezone.now())
    state(person, [0.25, 0.75]).save()

    with transaction.atomic(), pytest.raises(IntegrityError, match="interest_weights_sum_to_one"):
        state(person, [0.25, 0.7]).save()

    assert InterestState.objects.count() == 1


@pytest.mark.django_db
def test_vector_extension_is_installed():
    with connection.cursor() as cursor:
        cursor.execute("SELECT '[3,4]'::vector <-> '[0,0]'::vector")

        assert cursor.fetchone() == (5.0,)
