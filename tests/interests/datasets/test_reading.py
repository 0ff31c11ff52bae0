from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interests import datasets
from interests.datasets import DatasetError

SHARED = Path(__file__).parents[3] / "../shared/data"
HEADER = "user_id,item_id,kind,occurred_at"


def write(folder, name, *lines, encoding="utf-8"):
    (folder / name).write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return folder


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data are not here")
@pytest.mark.parametrize(
    ("name", "users", "items", "events"),
    [
        ("movielens-latest-small", 610, 9742, 100836),
        ("drift-streams", 400, 2000, 69201),
        ("amazon-beauty", 22363, 12101, 198502),
    ],
)
def test_read_shared_data_has_the_known_numbers(name, users, items, events):
    log = datasets.read(SHARED / name)

    assert (log.num_users, log.num_items, log.num_events) == (users, items, events)


def test_read_recsite_form(tmp_path):
    write(
        tmp_path,
        "interactions.csv",
        f"{HEADER},value",
        "b,x,view,2026-01-01T00:00:01.5+01:00,",
        "a,y,wish,1970-01-01,2.5",
        "b,z,dislike,2026-01-02T00:00:00Z,-1",
    )
    write(tmp_path, "items.csv", "item_id,title,categories", "z,Zed,B|A", "y,Why,")

    log = datasets.read(tmp_path)

    assert log.user_ids.tolist() == ["b", "a"]
    assert log.users.tolist() == [0, 1, 0]
    assert log.catalogue.item_ids.tolist() == ["z", "y", "x"]
    assert log.catalogue.category_names == ("A", "B", "uncategorised")
    assert log.catalogue.shares.tolist() == [[0.5, 0.5, 0], [0, 0, 1], [0, 0, 1]]
    assert log.items.tolist() == [2, 1, 0]
    assert log.kind_names == ("view", "wish", "dislike")
    assert log.kind_weights.tolist() == [1.0, 1.0, -1.0]
    assert log.is_negative.tolist() == [False, False, True]
    assert log.times.tolist() == [1767222001500000, 0, 1767312000000000]
    assert np.isnan(log.values[0])
    assert log.values[1:].tolist() == [2.5, -1.0]
    assert log.positions.tolist() == [0, 1, 2]


def test_read_words_of_further_columns_and_nothing_else(tmp_path):
    write(tmp_path, "interactions.csv", HEADER, "a,x,view,2026-01-01", "a,z,view,2026-01-02")
    write(
        tmp_path,
        "items.csv",
        "item_id,title,categories,description,price,year,page,maker",
        "x,Ex,A,A fine thing,12.5,1995,https://example.com/x, Acme ",
        "y,Why,A,,3,,,",
    )

    catalogue = datasets.read(tmp_path).catalogue

    assert catalogue.item_ids.tolist() == ["x", "y", "z"]
    assert catalogue.descriptions.tolist() == ["A fine thing 1995 Acme", "", ""]
    assert catalogue.texts.tolist() == ["Ex A fine thing 1995 Acme", "Why ", " "]
    assert catalogue.take(np.array([1, 0])).texts.tolist() == [
        "Why ",
        "Ex A fine thing 1995 Acme",
    ]


def test_read_repeated_event_id_counts_once_and_equal_lines_twice(tmp_path):
    line = "a,x,view,2026-01-01"
    write(
        tmp_path,
        "interactions.csv",
        f"{HEADER},event_id",
        *[f"{line},{e}" for e in ("", "", "e", "e")],
    )

    assert datasets.read(tmp_path).num_events == 3


def test_read_movielens_1m_form(tmp_path):
    write(tmp_path, "ratings.dat", "1::10::5::978300760")
    write(tmp_path, "movies.dat", "10::Café::Drama|Comedy", encoding="latin-1")

    log = datasets.read(tmp_path)

    assert log.catalogue.titles.tolist() == ["Café"]
    assert log.catalogue.shares.tolist() == [[0.5, 0.5, 0.0]]
    assert (log.kind_names, log.values.tolist()) == (("rating",), [5.0])
    assert log.times.tolist() == [978300760000000]


def test_read_movielens_100k_form(tmp_path):
    flags = ["1", *["0"] * 18]
    write(tmp_path, "u.data", "1\t10\t3\t978300760", "1\t11\t4\t978300761")
    write(
        tmp_path,
        "u.item",
        "|".join(["10", "Odd", "", "", "", *flags]),
        "|".join(["11", "Toys", "", "", "", "0", "1", *["0"] * 17]),
    )

    log = datasets.read(tmp_path)

    assert log.catalogue.category_names == ("Action", "uncategorised")
    assert log.catalogue.shares.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_read_other_encodings(tmp_path, encoding):
    write(tmp_path, "interactions.csv", HEADER, "Zoë,x,view,2026-01-01", encoding=encoding)

    assert datasets.read(tmp_path).user_ids.tolist() == ["Zoë"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["user_id,item_id"], "has no column kind and no column occurred_at"),
        ([HEADER], "has no events, only its header"),
        ([HEADER, "a,x,view,never"], "not ISO 8601, .* in about line 2"),
        ([HEADER, "a,x,view,2026-01-01", ",x,view,2026-01-01"], "has no user_id in about line 3"),
        ([HEADER, "a,x,view,2026-01-01", "a,x,view"], "not ISO 8601, .* in about line 3"),
        ([f"{HEADER},value", "a,x,view,2026-01-01,lots"], "has a value that is no number"),
        ([f"{HEADER},value", "a,x,view,2026-01-01,inf"], "has a value that is no number"),
    ],
)
def test_read_bad_file_says_where_and_what_to_do(tmp_path, lines, words):
    write(tmp_path, "interactions.csv", *lines)

    with pytest.raises(DatasetError, match=words):
        datasets.read(tmp_path)


def test_read_folder_that_is_none(tmp_path):
    with pytest.raises(DatasetError, match="is not a folder"):
        datasets.read(tmp_path / "nowhere")


def test_read_empty_folder(tmp_path):
    with pytest.raises(DatasetError, match=r"\(it is empty\)"):
        datasets.read(tmp_path)


def test_read_one_event_of_one_item(tmp_path):
    log = datasets.read(write(tmp_path, "interactions.csv", HEADER, "a,x,view,2026-01-01"))

    assert (log.num_users, log.num_items, log.num_events) == (1, 1, 1)
    assert log.catalogue.category_names == ("uncategorised",)
