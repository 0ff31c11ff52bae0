"""Which attributes and devices count, and what they say of people of another log."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interests.datasets.attributes import Attributes
from recommender.algorithms import person_features
from recommender.algorithms.person_features import Known, PersonFeatures, common_devices
from tests.recommender.logs import log_of


def people(*rows, names=("age", "town")):
    """Return a log of people with these attributes, each with one event."""
    log = log_of([(f"u{number:02}", "a", 1) for number in range(len(rows))])
    return replace(log, attributes=Attributes(names, np.array(rows, object)))


def said(features, log):
    """Return what is said of each person: names of attributes with their value or range."""
    words = [
        f"{name} {value or tuple(bounds)}"
        for name, value, bounds in zip(
            features.names, features.values, features.bounds.tolist(), strict=True
        )
    ]
    known = features.of(log, users=np.arange(log.num_users))
    return [[words[place] for place in np.flatnonzero(row)] for row in known]


def test_values_that_five_people_share_count_and_rarer_ones_do_not():
    log = people(*[("", "Rome")] * 5, *[("", "Oslo")] * 4, ("", ""))

    features = PersonFeatures.learned(log)

    assert (features.names, features.values) == (("town",), ("Rome",))
    assert said(features, log) == [["town Rome"]] * 5 + [[]] * 5


def test_many_different_numbers_are_cut_at_their_quartiles():
    log = people(*[(str(age), "") for age in range(20, 40)], ("", ""), ("n/a", ""))

    features = PersonFeatures.learned(log)

    # Ages 20 to 39: the quartiles are 24.75, 29.5 and 34.25, five people between each two.
    first, second = (-np.inf, 24.75), (24.75, 29.5)
    assert features.count == 4
    found = said(features, people(("24", ""), ("24.75", ""), ("-3", ""), ("n/a", ""), ("", "")))
    assert found == [[f"age {first}"], [f"age {second}"], [f"age {first}"], [], []]


def test_few_different_numbers_are_values():
    log = people(*[("1", "")] * 6, *[("25", "")] * 5)

    assert said(PersonFeatures.learned(log), log) == [["age 1"]] * 6 + [["age 25"]] * 5


def test_another_log_is_read_by_names_and_values_whatever_else_it_has():
    features = PersonFeatures.learned(people(*[("30", "Rome")] * 5, *[("40", "Oslo")] * 5))
    live = people(("Rome", "x"), ("Nice", "y"), names=("town", "zone"))

    assert said(features, live) == [["town Rome"], []]
    assert said(features, replace(live, attributes=None)) == [[], []]


def test_people_without_an_event_do_not_count():
    log = people(*[("", "Rome")] * 5)

    assert PersonFeatures.learned(log.take(log.users > 0)).count == 0


def test_the_commonest_features_and_devices_are_kept(monkeypatch):
    monkeypatch.setattr(person_features, "MOST_FEATURES", 2)
    monkeypatch.setattr(person_features, "MOST_DEVICES", 1)
    log = people(*[("1", "Rome")] * 5, *[("2", "Rome")] * 6)
    log = replace(
        log, devices=np.array([1] * 5 + [2] * 6, np.int16), device_names=("tv", "desk", "phone")
    )

    assert PersonFeatures.learned(log).values == ("Rome", "2")
    assert common_devices(log) == ("phone",)


def test_people_and_the_device_of_their_last_event_stand_beside_each_other():
    log = people(*[("", "Rome")] * 5)
    log = replace(log, devices=np.array([0, 0, 0, 0, 0], np.int16), device_names=("phone",))
    known = Known.learned(log)

    found = known.at(
        log, users=np.array([0, 1]), starts=log.offsets[:2], ends=np.array([0, log.offsets[2]])
    )

    # Of the first nothing had happened yet.
    assert known.count == 2
    assert found.tolist() == [[True, False], [True, True]]


@pytest.mark.parametrize("least", [5, 6])
def test_devices_of_few_events_do_not_count(least, monkeypatch):
    monkeypatch.setattr(person_features, "LEAST_EVENTS", least)
    log = people(*[("", "")] * 5)
    log = replace(log, devices=np.zeros(5, np.int16), device_names=("phone",))

    assert common_devices(log) == (("phone",) if least == 5 else ())
