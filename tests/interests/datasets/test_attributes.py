"""Attributes of end users and devices of events, from files and through every change of a log."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interests import datasets
from interests.datasets import DatasetError, attributes, reading
from interests.datasets.attributes import Attributes
from tests.interests.datasets.test_reading import HEADER, write
from tests.recommender.logs import log_of

EVENTS = [f"{HEADER},device", "b,x,view,2026-01-01,phone", "a,x,view,2026-01-02, desk "]
EVENTS += ["b,y,view,2026-01-03,phone", "c,y,view,2026-01-04,"]


def known_log():
    """Return a log of ann, bob and eve with an attribute and a device each, and two events of ann's."""
    log = log_of([("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 3), ("eve", "b", 4)])
    return replace(
        log,
        attributes=Attributes(("town",), np.array([["Rome"], [""], ["Oslo"]], object)),
        devices=np.array([0, 1, -1, 0], np.int16),
        device_names=("phone", "desk"),
    )


def test_rows_become_text_and_what_is_no_plain_value_is_unknown():
    found = Attributes.of_rows(
        [
            {"age": 35, "member": True, "score": 1.5, "home": {"city": "Rome"}, "tags": ["a"]},
            {"age": " 40 ", "town": "x" * 201, "score": None, "void": ""},
            {},
        ]
    )

    assert found.names == ("age", "member", "score")
    assert found.values.tolist() == [["35", "true", "1.5"], ["40", "", ""], ["", "", ""]]
    assert Attributes.of_rows([{}, {"town": ""}]) is None


def test_of_too_many_attributes_the_best_known_are_kept(monkeypatch):
    monkeypatch.setattr(attributes, "MAX_ATTRIBUTES", 2)

    found = Attributes.of_rows([{"a": "1", "b": "1", "c": "1"}, {"c": "2", "d": "2", "b": "2"}])

    assert found.names == ("b", "c")


def test_read_users_and_devices_of_a_folder(tmp_path):
    write(tmp_path, "interactions.csv", *EVENTS)
    write(tmp_path, "users.csv", "user_id,age,town", "a,30,Rome", "z,9,", "b,,Oslo", "a,99,Nice")

    log = datasets.read(tmp_path)

    assert log.user_ids.tolist() == ["b", "a", "c"]
    assert log.attributes.names == ("age", "town")
    # The first line of somebody counts, as in the import; c has none.
    assert log.attributes.values.tolist() == [["", "Oslo"], ["30", "Rome"], ["", ""]]
    assert log.device_names == ("phone", "desk")
    assert log.devices.tolist() == [0, 1, 0, -1]


def test_of_too_many_devices_the_commonest_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_DEVICES", 1)

    log = datasets.read(write(tmp_path, "interactions.csv", *EVENTS))

    assert log.device_names == ("phone",)
    assert log.devices.tolist() == [0, -1, 0, -1]


def test_read_without_users_and_devices_knows_nothing(tmp_path):
    write(tmp_path, "interactions.csv", f"{HEADER},device", "a,x,view,2026-01-01,")
    write(tmp_path, "users.csv", "user_id", "a")

    log = datasets.read(tmp_path)

    assert (log.attributes, log.devices, log.device_names) == (None, None, ())


def test_read_users_of_movielens_without_where_they_live(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    write(old, "u.data", "1\t10\t3\t978300760")
    write(old, "u.user", "1|24|M|technician|85711")
    write(new, "ratings.dat", "1::10::5::978300760")
    write(new, "users.dat", "1::F::1::10::48067")

    first, second = (datasets.read(folder).attributes for folder in (old, new))

    assert first.names == second.names == ("age", "gender", "occupation")
    assert first.values.tolist() == [["24", "M", "technician"]]
    assert second.values.tolist() == [["1", "F", "10"]]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["user_id,age", "a,30,more", "b,40"], "users.csv cannot be read: Length of header"),
        (["user_id,age", "b,40", "a,30,more"], "users.csv cannot be read: .* in line 3, saw 3"),
        (["user_id,age", 'a,"30'], "users.csv cannot be read: .*EOF inside string"),
        (["user_id,age", ",30"], "users.csv has no user_id in about line 2"),
        (["age", "30"], "users.csv has no column user_id"),
        ([",".join(["user_id", *map(str, range(10_000))])], "has 10001 columns; 50 are read"),
    ],
)
def test_read_bad_users_say_what_to_do(tmp_path, lines, words):
    write(tmp_path, "interactions.csv", *EVENTS)
    write(tmp_path, "users.csv", *lines)

    with pytest.raises(DatasetError, match=words):
        datasets.read(tmp_path)


def test_read_short_lines_and_very_long_cells_say_nothing(tmp_path):
    write(tmp_path, "interactions.csv", *EVENTS)
    write(tmp_path, "users.csv", "user_id,town,about", "a", "b,Oslo," + "x" * 1_000_000)

    log = datasets.read(tmp_path)

    assert log.attributes.names == ("town",)
    assert log.attributes.values.tolist() == [["Oslo"], [""], [""]]


def test_taking_events_takes_their_devices_and_leaves_people_as_they_are():
    log = known_log()

    found = log.take(np.array([3, 0]))

    assert found.devices.tolist() == [0, 0]
    assert found.attributes.values.tolist() == [["Rome"], [""], ["Oslo"]]


def test_events_as_those_of_other_people_keep_what_is_known_of_them():
    log = known_log()

    found = log.take(np.array([3, 0, 1])).of_people(
        np.array([2, 0, 0]), users=np.array([0, 1, 2]), user_ids=np.array(["x", "y", "z"], object)
    )

    assert found.user_ids.tolist() == ["x", "y", "z"]
    assert found.attributes.values.tolist() == [["Oslo"], ["Rome"], ["Rome"]]
    assert found.devices.tolist() == [0, 0, 1]
    assert log.of_people(np.array([2, 1]), users=np.zeros(4)).user_ids.tolist() == ["eve", "bob"]


def test_a_log_with_other_people_or_events_than_its_attributes_and_devices_is_refused():
    log = known_log()

    with pytest.raises(ValueError, match="other end users"):
        replace(log, user_ids=log.user_ids[:2])
    with pytest.raises(ValueError, match="other events"):
        replace(log, users=log.users[:1])
