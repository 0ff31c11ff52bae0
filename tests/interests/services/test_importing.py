from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from interests.models import (
    Category,
    ChangeMark,
    EndUser,
    EventKind,
    Interaction,
    Item,
    RejectedRow,
)
from interests.services import storing_events
from tests.interests.services.imports import GOOD, HEADER, counts, import_, refusal, write

pytestmark = pytest.mark.django_db


def test_import_stores_what_the_line_says(tmp_path):
    header = f"{HEADER},value,event_id,session_id,device"
    write(tmp_path, "u/1,i 😀,like,2026-01-01 11:30+01:30,4.5,e-1,s-1,phone", header=header)

    import_(tmp_path)

    event = Interaction.objects.select_related("end_user", "item", "kind").get()
    assert (event.event_id, event.end_user.user_id, event.item.item_id) == ("e-1", "u/1", "i 😀")
    assert (event.kind.name, event.value, event.session_id) == ("like", 4.5, "s-1")
    assert event.occurred_at.isoformat() == "2026-01-01T10:00:00+00:00"
    assert event.attributes == {"device": "phone"}
    assert not event.is_time_doubtful
    assert ChangeMark.objects.count() == 0


def test_import_catalogue_and_users(tmp_path):
    write(tmp_path, GOOD, "u1,i3,view,2026-01-01T10:00:00Z")
    write(
        tmp_path,
        "i1,First,A|B,1999",
        "i2,Second,A|(no genres listed),",
        "i1,Again,C,1",
        name="items.csv",
        header="item_id,title,categories,year",
    )
    write(tmp_path, "u1,Ada", "u2,Bo", name="users.csv", header="user_id,name")

    run = import_(tmp_path)

    first = Item.objects.get(item_id="i1")
    assert (first.title, first.attributes) == ("First", {"year": "1999"})
    assert sorted(first.categories.values_list("name", flat=True)) == ["A", "B"]
    assert list(Category.objects.order_by("colour_rank").values_list("name", flat=True)) == [
        "A",
        "B",
    ]
    assert not Item.objects.get(item_id="i3").is_described
    assert EndUser.objects.get(user_id="u2").attributes == {"name": "Bo"}
    assert counts(run, "items.csv") == (2, 1, 0)
    assert run.results["quality"]["unmatched_items"] == {
        "items": 1,
        "events": 1,
        "examples": ["i3"],
    }
    assert run.results["quality"]["without_category"] == 1


def test_import_new_catalogue_renews_items_and_keeps_colours(tmp_path):
    write(tmp_path, GOOD)
    header = "item_id,title,categories"
    write(tmp_path, "i1,Old,A|B", name="items.csv", header=header)
    import_(tmp_path)
    write(tmp_path, "i1,New,B|C", name="items.csv", header=header)

    run = import_(tmp_path)

    assert Item.objects.get().title == "New"
    assert sorted(Item.objects.get().categories.values_list("name", flat=True)) == ["B", "C"]
    ranks = dict(Category.objects.values_list("name", "colour_rank"))
    assert ranks == {"A": 0, "B": 1, "C": 2}
    assert run.results["files"]["items.csv"]["new_categories"] == ["C"]


def test_import_identical_lines_and_event_ids_count_once(tmp_path):
    header = f"{HEADER},event_id"
    lines = [f"{GOOD},", f"{GOOD},", f"{GOOD},e1", "u2,i2,view,2026-01-02,e1"]

    run = import_(write(tmp_path, *lines, header=header))

    assert counts(run) == (2, 2, 0)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("u1,i1,view", "wrong_number_of_fields"),
        ("u1,i1,view,2026-01-01,5,extra", "wrong_number_of_fields"),
        ('"u1,i1,view,2026-01-01,5', "broken_quotes"),
        ("u\0,i1,view,2026-01-01,5", "nul_byte"),
        (",i1,view,2026-01-01,5", "user_id_missing"),
        (f"{'u' * 600},i1,view,2026-01-01,5", "user_id_too_long"),
        ("u1, ,view,2026-01-01,5", "item_id_missing"),
        (f"u1,{'i' * 513},view,2026-01-01,5", "item_id_too_long"),
        ("u1,i1,,2026-01-01,5", "kind_missing"),
        (f"u1,i1,{'k' * 51},2026-01-01,5", "kind_too_long"),
        ("u1,i1,view,,5", "time_missing"),
        ("u1,i1,view,yesterday,5", "time_not_readable"),
        ("u1,i1,view,now,5", "time_not_readable"),
        ("u1,i1,view,infinity,5", "time_not_readable"),
        ("u1,i1,view,2026-13-01,5", "time_not_readable"),
        ("u1,i1,view,2026-01-01T25:00,5", "time_not_readable"),
        ("u1,i1,view,9999-12-31T23:00-05:00,5", "time_out_of_range"),
        ("u1,i1,view,2026-01-01,five", "value_not_a_number"),
        ("u1,i1,view,2026-01-01,NaN", "value_out_of_range"),
        ("u1,i1,view,2026-01-01,-inf", "value_out_of_range"),
        ("u1,i1,view,2026-01-01,1e10", "value_out_of_range"),
        ("u1,i1,view,2026-01-01,1e999", "value_not_a_number"),
    ],
)
def test_import_bad_line_is_set_aside_and_the_others_go_in(tmp_path, line, reason):
    write(tmp_path, f"{GOOD},", line, "u3,i3,view,2026-01-01,5", header=f"{HEADER},value")

    run = import_(tmp_path)

    rejected = RejectedRow.objects.get()
    assert counts(run) == (2, 0, 1)
    assert (rejected.file, rejected.line, rejected.reason) == ("interactions.csv", 3, reason)
    assert rejected.detail.endswith(".")
    assert run.results["bad"] == {reason: 1}


def test_import_rejected_row_is_kept_column_by_column(tmp_path):
    write(tmp_path, "u1,i1,view,never", "u1,i1,view,2026-01-01,5,6")

    import_(tmp_path)

    first, second = RejectedRow.objects.order_by("line")
    assert first.row == {
        "user_id": "u1",
        "item_id": "i1",
        "kind": "view",
        "occurred_at": "never",
    }
    assert second.row["further"] == "5,6"


def test_import_ids_of_500_characters_slashes_and_formulas_are_kept(tmp_path):
    ids = ["=cmd()", "a/b c", "ü" * 500, '"q""d,x"', "back\\slash", "\\N"]
    lines = [f"{text},i1,view,2026-01-01" for text in ids]

    run = import_(write(tmp_path, *lines))

    kept = set(EndUser.objects.values_list("user_id", flat=True))
    assert counts(run) == (6, 0, 0)
    assert kept == {"=cmd()", "a/b c", "ü" * 500, 'q"d,x', "back\\slash", "\\N"}


def test_import_times_outside_reason_are_kept_and_flagged(tmp_path):
    times = ["1970-01-01", "9998-01-01", "0001-06-01", "2020-01-01"]

    run = import_(write(tmp_path, *[f"u,i,view,{time}" for time in times]))

    flags = list(
        Interaction.objects.order_by("occurred_at").values_list("is_time_doubtful", flat=True)
    )
    assert flags == [True, True, False, True]
    assert run.results["quality"]["doubtful_times"] == 3


def test_import_unknown_kind_is_made_and_reported(tmp_path):
    run = import_(write(tmp_path, "u,i,wishlist,2026-01-01", "u,i,dislike,2026-01-01"))

    weights = dict(EventKind.objects.values_list("name", "weight"))
    assert (weights["wishlist"], weights["dislike"]) == (1.0, -1.0)
    assert "wishlist" in run.results["files"]["interactions.csv"]["new_kinds"]


def test_import_quality_counts(tmp_path):
    lines = [
        "u1,i1,view,2026-01-01T00:00:00Z",
        "u1,i2,view,2026-01-01T00:00:00Z",
        "u2,i1,view,2026-01-09T00:00:00Z",
    ]

    quality = import_(write(tmp_path, *lines)).results["quality"]

    assert quality["tied_in_time"] == 2
    assert quality["end_users_with_one_event"] == 1
    assert quality["longest_gap"] == {"days": 7, "after": "2026-01-01", "before": "2026-01-09"}
    assert quality["first_event_at"] == "2026-01-01T00:00:00+00:00"


def test_import_strict_with_a_bad_row_imports_nothing_and_keeps_the_reasons(tmp_path):
    write(tmp_path, GOOD, "u2,i2,view,never")

    error = refusal(tmp_path, strict=True)

    assert "1 rows are bad (1 time_not_readable)" in error
    assert RejectedRow.objects.get().reason == "time_not_readable"
    assert (EndUser.objects.count(), Item.objects.count()) == (0, 0)


def test_import_dry_run_reports_and_changes_nothing(tmp_path):
    write(tmp_path, GOOD, "u2,i2,wish,2026-01-01", "u2,i2,view,never")

    run = import_(tmp_path, dry_run=True)

    assert counts(run) == (2, 0, 1)
    assert run.results["is_dry_run"]
    assert (Interaction.objects.count(), EndUser.objects.count(), Item.objects.count()) == (0, 0, 0)
    assert not EventKind.objects.filter(name="wish").exists()
    assert RejectedRow.objects.count() == 1


def test_import_interrupted_leaves_nothing_and_a_rerun_is_exact(tmp_path, monkeypatch):
    write(tmp_path, *[f"u{n},i{n},view,2026-01-01" for n in range(10)])
    monkeypatch.setattr(storing_events, "CHUNK_ROWS", 4)
    at = []

    def away(self, share):
        at.append(share)
        if share > 0.7:
            raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr("interests.services.reporting.Progress.at", away)
        with pytest.raises(OperationalError):
            import_(tmp_path)
    left = (Interaction.objects.count(), EndUser.objects.count())
    run = import_(tmp_path)

    assert max(at) > 0.7
    assert left == (0, 0)
    assert counts(run) == (10, 0, 0)


def test_import_leaves_no_temporary_tables(tmp_path):
    import_(write(tmp_path, GOOD))

    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname LIKE 'import\\_%'")
        assert cursor.fetchall() == []
