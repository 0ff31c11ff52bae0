from __future__ import annotations

import numpy as np
import pytest
from django.db import connection

from benchmarks import publishing
from interests.models import Interaction, Item
from tests import factories

SCORED = {"users": 2_000, "seconds": 2.0, "operations": 35e6, "matrix_rate": 70e9}
ROW = {"users": 10_000, "seconds": 12.5, "before_mb": 300.0, "peak_mb": 480.0}


def test_the_table_holds_the_shares_worked_out_by_hand(capsys):
    publishing._print(SCORED, [ROW])

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "matrix products, float32: 70 GFLOP/s"
    assert lines[2].split() == ["encode", "and", "score", "2,000", "2.0", "1,000"]
    # 10,000 at 1,000 a second are 10 s of 12.5: a fifth is left.
    assert lines[3].split() == ["publication", "10,000", "12.5", "800", "20%", "480", "300"]
    assert "35.0 MFLOP each, at 0.50 of the rate" in lines[4]


@pytest.mark.django_db
def test_the_log_to_train_on_has_every_item_once():
    factories.event(factories.end_user(), factories.item())
    for _ in range(119):
        factories.item()

    log = publishing._every_item_once()

    assert sorted(log.items.tolist()) == list(range(120))
    assert np.bincount(log.users).tolist() == [50, 50, 20]


@pytest.mark.django_db
def test_filling_gives_each_end_user_as_many_events():
    factories.event(factories.end_user("user-0"), factories.item())  # makes the kind of event
    Interaction.objects.all().delete()
    Item.objects.all().delete()
    with connection.cursor() as cursor:
        values = {"categories": 3, "items": 30, "events": 4, "begin": 1, "end": 6}
        cursor.execute(publishing.FILL_CATALOGUE, values)
        cursor.execute(publishing.FILL_EVENTS, values)

    events = Interaction.objects.values_list("end_user__user_id", flat=True)
    assert sorted(events) == sorted([f"user-{n}" for n in range(1, 6)] * 4)
    assert Item.objects.filter(categories__colour_rank=1).count() == 10
