from __future__ import annotations

import pytest

from interests.models import TrainingRun
from recommender.models import PublicationRun
from recommender.selectors import publications
from recommender.services import comparing
from tests import factories
from tests.recommender.services.test_publishing import published


@pytest.mark.django_db
def test_what_is_kept_is_what_comparing_says() -> None:
    person, things = factories.end_user(), [factories.item() for _ in range(3)]
    older = factories.publication()
    newer = factories.publication(is_serving=False)
    factories.slate(older, person, things[:2])
    factories.slate(newer, person, things[1:])

    newer.results = comparing.with_serving(newer)
    newer.save()
    newer = PublicationRun.objects.get(pk=newer.pk)

    assert publications.kept_difference(older, newer) == publications.difference(older, newer)
    assert publications.kept_difference(factories.publication(), newer) is None
    assert comparing.with_serving(PublicationRun.objects.latest("pk")) == {}


@pytest.mark.django_db
def test_publishing_keeps_how_it_differs_from_what_served(training: TrainingRun) -> None:
    first = published(training)
    second = published(training)

    assert "difference" not in first.results
    kept = second.results["difference"]
    assert (kept["older"], kept["newer"], kept["share_changed"]) == (first.pk, second.pk, 0.0)
    assert kept["num_end_users"] == second.results["num_end_users"]
