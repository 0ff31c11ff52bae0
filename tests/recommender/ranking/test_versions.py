from __future__ import annotations

from dataclasses import replace

import numpy as np

from interests.datasets.attributes import Attributes
from recommender.ranking import versions
from tests.recommender.logs import DAY, log_of

OWN = log_of([("ann", "a", 1), ("ann", "b", 2), ("ann", "c", 3, "dislike")])


def test_each_version_is_a_user_with_the_events_it_keeps():
    found = versions.of_one_person(OWN, kept=[np.array([0, 1]), np.array([]), np.array([0, 2])])

    assert found.offsets.tolist() == [0, 2, 2, 4]
    assert found.items.tolist() == [0, 1, 0, 2]
    assert found.times.tolist() == [DAY, 2 * DAY, DAY, 3 * DAY]


def test_supposed_events_follow_the_newest_an_hour_apart():
    found = versions.with_supposed(OWN, items=[1, 0], kinds=[0, 1])

    assert found.items.tolist() == [0, 1, 2, 1, 0]
    assert found.kinds.tolist() == [0, 0, 1, 0, 1]
    assert (np.diff(found.times[2:]) == versions.HOUR_MICROSECONDS).all()
    assert found.positions[3:].tolist() == [versions.SUPPOSED] * 2
    assert found.users.tolist() == [0] * 5


def test_supposed_events_have_the_usual_value_of_their_kind():
    rated = replace(OWN, values=np.array([3, 5, np.nan], np.float32))

    found = versions.with_supposed(rated, items=[2, 2], kinds=[0, 1])

    assert found.values[3] == 4
    assert np.isnan(found.values[4])


def test_nothing_supposed_is_the_log_itself():
    assert versions.with_supposed(OWN, items=[], kinds=[]).items.tolist() == [0, 1, 2]


def test_versions_keep_what_is_known_of_the_person_and_a_supposed_event_has_no_device():
    log = replace(
        log_of([("ann", "a", 1), ("ann", "b", 2)]),
        attributes=Attributes(("town",), np.array([["Rome"]], object)),
        devices=np.array([0, 1], np.int16),
        device_names=("phone", "desk"),
    )

    supposed = versions.with_supposed(log, items=[0], kinds=[0])
    found = versions.of_one_person(supposed, kept=[np.array([1]), np.array([0, 2])])

    assert found.attributes.values.tolist() == [["Rome"], ["Rome"]]
    assert found.devices.tolist() == [1, 0, -1]
