from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from interests.models import Category, EndUser, EventKind, ImportRun, Interaction, Item
from interests.services import importing, running

MOVIELENS = Path(__file__).parents[3] / "../shared/data/movielens-latest-small"
pytestmark = pytest.mark.django_db


def import_(folder, **settings):
    run = running.request(ImportRun, now=timezone.now(), source=str(folder), settings=settings)
    importing.import_folder(run_id=run.pk)
    run.refresh_from_db()
    return run


@pytest.mark.skipif(not MOVIELENS.exists(), reason="the shared data are not here")
def test_import_movielens_twice():
    run = import_(MOVIELENS)
    again = import_(MOVIELENS)

    assert (EndUser.objects.count(), Item.objects.count(), Interaction.objects.count()) == (
        610,
        9742,
        100836,
    )
    assert run.results["files"]["ratings.csv"]["good"] == 100836
    assert again.results["files"]["ratings.csv"]["duplicates"] == 100836
    assert Category.objects.count() == 19
