from __future__ import annotations

import pytest
from django.utils import timezone

from interests.models import ChangeMark, ImportRun, Interaction, Item, RejectedRow
from interests.services import importing, replaying, running
from interests.services.replaying import CannotReplay, Replayed

pytestmark = pytest.mark.django_db
HEADER = "user_id,item_id,kind,occurred_at,value"


@pytest.fixture
def run(tmp_path):
    return import_(
        tmp_path, "u1,i1,view,2026-01-01,1", "u2,i2,view,never,2", "u3,i3,view,2026-01-01,x"
    )


def import_(folder, *lines, **settings):
    (folder / "interactions.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    made = running.request(ImportRun, now=timezone.now(), source=str(folder), settings=settings)
    importing.import_folder(run_id=made.pk)
    made.refresh_from_db()
    return made


def test_replay_mended_row_goes_in_and_marks_its_person(run):
    row = RejectedRow.objects.get(line=3)
    now = timezone.now()

    replaying.mend(row=row, cells={"occurred_at": "2026-02-01"})
    done = replaying.replay(run=run, now=now, row_ids=[row.pk])

    row.refresh_from_db()
    event = Interaction.objects.get(end_user__user_id="u2")
    assert done == Replayed(good=1, duplicates=0, bad=0, left=0)
    assert (event.occurred_at.isoformat(), event.value) == ("2026-02-01T00:00:00+00:00", 2.0)
    assert row.replayed_at == now
    assert [mark.end_user_id for mark in ChangeMark.objects.all()] == [event.end_user_id]


def test_replay_all_says_why_rows_are_still_bad(run):
    row = RejectedRow.objects.get(line=3)
    replaying.mend(row=row, cells={"user_id": "", "occurred_at": "2026-02-01"})

    done = replaying.replay(run=run, now=timezone.now())

    assert done == Replayed(good=0, duplicates=0, bad=2, left=0)
    reasons = list(RejectedRow.objects.order_by("line").values_list("reason", "replayed_at"))
    assert reasons == [("user_id_missing", None), ("value_not_a_number", None)]


def test_replay_twice_is_a_duplicate_only_once_tried(run):
    row = RejectedRow.objects.get(line=4)
    replaying.mend(row=row, cells={"value": "3"})
    replaying.replay(run=run, now=timezone.now(), row_ids=[row.pk])

    again = replaying.replay(run=run, now=timezone.now(), row_ids=[row.pk])

    row.refresh_from_db()
    assert again == Replayed(good=0, duplicates=0, bad=0, left=0)
    assert Interaction.objects.count() == 2
    with pytest.raises(CannotReplay, match="has gone in already"):
        replaying.mend(row=row, cells={"value": "4"})


def test_replay_row_that_is_there_already_is_a_duplicate(run):
    row = RejectedRow.objects.get(line=3)
    replaying.mend(
        row=row,
        cells={"user_id": "u1", "item_id": "i1", "occurred_at": "2026-01-01", "value": "1"},
    )

    done = replaying.replay(run=run, now=timezone.now(), row_ids=[row.pk])

    assert done == Replayed(good=0, duplicates=1, bad=0, left=0)
    assert ChangeMark.objects.count() == 0


def test_replay_more_than_at_once_says_how_many_are_left(run, monkeypatch):
    monkeypatch.setattr(replaying, "MOST_AT_ONCE", 1)

    assert replaying.replay(run=run, now=timezone.now()).left == 1


def test_replay_line_with_too_few_fields_after_mending(tmp_path):
    run = import_(tmp_path, "u1,i1,view")
    row = RejectedRow.objects.get()
    still = replaying.replay(run=run, now=timezone.now())
    cells = dict(zip(HEADER.split(","), ["u1", "i1", "view", "2026-01-01", ""], strict=True))

    replaying.mend(row=row, cells=cells)
    done = replaying.replay(run=run, now=timezone.now())

    assert (still.bad, done.good) == (1, 1)


def test_replay_item_of_a_catalogue(tmp_path):
    (tmp_path / "items.csv").write_text("item_id,title\n,Lost\n")
    run = import_(tmp_path, "u1,i1,view,2026-01-01,")
    row = RejectedRow.objects.get(file="items.csv")

    replaying.mend(row=row, cells={"item_id": "i9"})
    replaying.replay(run=run, now=timezone.now())

    assert Item.objects.get(item_id="i9").title == "Lost"


def test_replay_of_a_dry_run_is_refused(tmp_path):
    run = import_(tmp_path, "u1,i1,view,never,", dry_run=True)

    with pytest.raises(CannotReplay, match="This import changed nothing"):
        replaying.replay(run=run, now=timezone.now())
