"""Folders and files as people really send them: forms, encodings, line ends, packing."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from interests.models import (
    Category,
    EndUser,
    Interaction,
    Item,
    RejectedRow,
)
from tests.interests.services.imports import GOOD, HEADER, counts, import_, refusal, write

MOVIELENS = Path(__file__).parents[3] / "../shared/data/movielens-latest-small"
pytestmark = pytest.mark.django_db


@pytest.mark.skipif(not MOVIELENS.exists(), reason="the shared data are not here")
def test_import_movielens_has_all_and_twice_changes_nothing():
    run = import_(MOVIELENS)
    again = import_(MOVIELENS)

    assert EndUser.objects.count() == 610
    assert Item.objects.count() == 9742
    assert Interaction.objects.count() == 100836
    assert counts(run, "ratings.csv") == (100836, 0, 0)
    assert counts(again, "ratings.csv") == (0, 100836, 0)
    assert again.results["files"]["movies.csv"]["written"] == 0
    assert Category.objects.order_by("colour_rank").first().name == "Drama"
    assert run.results["quality"]["tied_in_time"] > 20_000


def test_import_quoted_field_over_two_lines_is_one_row(tmp_path):
    write(tmp_path, '"u\n1",i1,view,2026-01-01', "u2,i1,view,bad")

    run = import_(tmp_path)

    assert counts(run) == (1, 0, 1)
    assert EndUser.objects.get().user_id == "u\n1"
    assert RejectedRow.objects.get().line == 4


def test_import_quote_left_open_costs_its_line_only(tmp_path):
    lines = [f"u{n},i1,view,2026-01-01" for n in range(300)]

    run = import_(write(tmp_path, 'u,"i1,view,2026-01-01', *lines))

    assert counts(run) == (300, 0, 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_import_other_encodings_and_line_ends(tmp_path, encoding, end):
    write(tmp_path, "Zoë,i1,view,2026-01-01", encoding=encoding, end=end)

    run = import_(tmp_path)

    assert counts(run) == (1, 0, 0)
    assert EndUser.objects.get().user_id == "Zoë"


def test_import_mixed_line_ends_and_blank_lines(tmp_path):
    text = f"{HEADER}\r\n{GOOD}\n\n   \r\nu2,i1,view,2026-01-01\ru3,i1,view,2026-01-01"
    (tmp_path / "interactions.csv").write_bytes(text.encode())

    run = import_(tmp_path)

    assert counts(run) == (3, 0, 0)


def test_import_field_of_ten_megabytes_is_set_aside(tmp_path):
    write(tmp_path, GOOD, "u" * 10_000_000 + ",i1,view,2026-01-01", "u2,i1,view,2026-01-01")

    run = import_(tmp_path)

    assert counts(run) == (2, 0, 1)
    assert RejectedRow.objects.get().reason == "line_too_long"


def test_import_gzip(tmp_path):
    (tmp_path / "interactions.csv.gz").write_bytes(gzip.compress(f"{HEADER}\n{GOOD}\n".encode()))

    run = import_(tmp_path)

    assert counts(run, "interactions.csv.gz") == (1, 0, 0)


def test_import_gzip_bomb_is_refused(tmp_path):
    bomb = gzip.compress(f"{HEADER}\n".encode() + b"0" * 50_000_000)
    (tmp_path / "interactions.csv.gz").write_bytes(bomb)

    assert "unpacks to more than" in refusal(tmp_path)


def test_import_damaged_gzip_is_refused(tmp_path):
    packed = gzip.compress(f"{HEADER}\n{GOOD}\n".encode() * 100)
    (tmp_path / "interactions.csv.gz").write_bytes(packed[:-20])

    assert "Unpack it or send it again." in refusal(tmp_path)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("", "interactions.csv is empty."),
        ("user_id,item_id,kind", "interactions.csv has no column occurred_at."),
        ("user_id;item_id;kind;occurred_at", "has no column user_id and no column item_id"),
        (f"{HEADER},kind", 'names the column "kind" more than once'),
        (f"{HEADER},", "a column without a name"),
        (HEADER + "".join(f",c{n}" for n in range(60)), "has 64 columns; 50 are read"),
    ],
)
def test_import_unusable_header_is_refused(tmp_path, header, words):
    (tmp_path / "interactions.csv").write_text(header)

    assert words in refusal(tmp_path)


def test_import_header_only_is_done_with_nothing(tmp_path):
    run = import_(write(tmp_path))

    assert counts(run) == (0, 0, 0)
    assert run.results["quality"]["events"] == 0


def test_import_missing_folder_is_refused(tmp_path):
    assert "is not a folder" in refusal(tmp_path / "nowhere")


def test_import_folder_without_events_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("")

    assert "it holds notes.txt" in refusal(tmp_path)


def test_import_files_larger_than_a_block(tmp_path):
    lines = [f'u{n},"i{n % 50}",view,2026-01-01T00:00:00.{n:06d}Z' for n in range(30_000)]

    run = import_(write(tmp_path, *lines, "u,i,view,never"))

    assert counts(run) == (30_000, 0, 1)
    assert RejectedRow.objects.get().line == 30_002


def test_import_movielens_1m_form(tmp_path):
    (tmp_path / "ratings.dat").write_text("1::10::5::978300760\n2::11::x::978300761\n")
    (tmp_path / "movies.dat").write_bytes("10::Café::Drama|Comedy\n".encode("latin-1"))

    run = import_(tmp_path)

    event = Interaction.objects.get()
    assert counts(run, "ratings.dat") == (1, 0, 1)
    assert (event.item.title, event.value, event.kind.name) == ("Café", 5.0, "rating")
    assert event.occurred_at.isoformat() == "2000-12-31T22:12:40+00:00"


def test_import_movielens_100k_form(tmp_path):
    (tmp_path / "u.data").write_text("1\t10\t5\t978300760\n")
    flags = ["0"] * 19
    flags[4] = flags[5] = "1"
    (tmp_path / "u.item").write_text("|".join(["10", "Toys", "", "", "", *flags]) + "\n")

    import_(tmp_path)

    item = Item.objects.get()
    assert sorted(item.categories.values_list("name", flat=True)) == ["Children's", "Comedy"]
    assert (item.title, item.attributes) == ("Toys", {})


@pytest.mark.parametrize(
    ("events", "users", "line"),
    [("u.data", "u.user", "1|24|M|technician|85711"), ("ratings.dat", "users.dat", "1::M::24::technician::85711")],
)  # fmt: skip
def test_import_users_of_movielens_without_where_they_live(tmp_path, events, users, line):
    between = "\t" if events == "u.data" else "::"
    (tmp_path / events).write_text(between.join(["1", "10", "5", "978300760"]) + "\n")
    (tmp_path / users).write_text(f"{line}\n2{line}\n")

    import_(tmp_path)

    assert EndUser.objects.get(user_id="1").attributes == {
        "age": "24", "gender": "M", "occupation": "technician",
    }  # fmt: skip
