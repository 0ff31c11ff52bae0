"""What migrations do to rows that are there."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from recommender.evaluation import segments
from recommender.models import EvaluationRun, MetricValue
from tests.factories import done

pytestmark = pytest.mark.django_db


def test_the_part_of_new_end_users_gets_its_name_and_others_keep_theirs():
    migration = import_module("recommender.migrations.0019_new_end_users_before_any_event")
    run = EvaluationRun.objects.create(**done())
    for name in ("all", "new end users", "new end users after 1 event"):
        MetricValue.objects.create(
            evaluation_run=run, algorithm="ease", metric="ndcg@10", segment=name, value=0.5, num_users=3
        )  # fmt: skip

    def names():
        return list(MetricValue.objects.order_by("pk").values_list("segment", flat=True))

    migration.Migration.operations[0].code(apps, None)
    after = names()
    migration.Migration.operations[0].reverse_code(apps, None)

    assert after == ["all", segments.NEW_USERS, "new end users after 1 event"]
    assert names() == ["all", "new end users", "new end users after 1 event"]
