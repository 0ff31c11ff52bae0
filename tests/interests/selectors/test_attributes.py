"""Attributes of end users and devices of events out of the database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from interests.models import Controls
from interests.selectors import attributes, events
from tests.interests.selectors.test_events import NOON, end_user, event, item

pytestmark = pytest.mark.django_db


def person(user_id, **known):
    made = end_user(user_id)
    made.attributes = known
    made.save()
    return made


def done(person, thing, *, minutes, **known):
    made = event(person, thing, minutes=minutes)
    made.attributes = known or None
    made.save()


def test_attributes_and_devices_come_where_asked():
    thing = item("a")
    ann = person("ann", town=" Rome ", age=35, member=True, home={"city": "Rome"}, tags=["x"])
    bob, eve = person("bob", age="40"), person("eve")
    done(eve, thing, minutes=3, device="desk", page="/a")
    done(ann, thing, minutes=9, device="phone")
    done(ann, thing, minutes=1, device={"os": "x"})
    done(ann, thing, minutes=2, device=" phone ")
    done(bob, thing, minutes=1)

    found = events.interaction_log(with_attributes=True).log
    usual = events.interaction_log().log

    assert found.attributes.names == ("age", "member", "town")
    assert found.attributes.values.tolist() == [["35", "true", "Rome"], ["40", "", ""], [""] * 3]
    assert found.device_names == ("phone", "desk")
    # In order of time: what is no plain word is not known.
    assert found.devices.tolist() == [-1, 0, 0, -1, 1]
    assert (usual.attributes, usual.devices, usual.device_names) == (None, None, ())


def test_of_some_people_up_to_a_time_only_theirs_are_read():
    thing = item("a")
    ann, bob = person("ann", town="Rome"), person("bob", town="Oslo")
    done(ann, thing, minutes=1, device="phone")
    done(ann, thing, minutes=5, device="desk")
    done(bob, thing, minutes=1, device="watch")

    found = events.interaction_log(
        end_users=[ann.pk], until=NOON + timedelta(minutes=2), with_attributes=True
    ).log

    assert found.attributes.values.tolist() == [["Rome"]]
    assert [found.device_names[place] for place in found.devices] == ["phone"]
    assert "watch" not in found.device_names


def test_who_opted_out_is_not_read():
    thing = item("a")
    ann, bob = person("ann", town="Rome"), person("bob", land="Norway")
    done(ann, thing, minutes=1)
    done(bob, thing, minutes=1, device="watch")
    Controls.objects.create(end_user=bob, is_opted_out=True, updated_at=NOON)

    found = events.interaction_log(with_attributes=True).log

    assert found.attributes.names == ("town",)
    assert found.devices.tolist() == [-1]


def test_of_too_many_devices_the_commonest_are_told_apart(monkeypatch):
    monkeypatch.setattr(attributes, "BY_NUMBER", attributes.BY_NUMBER.replace("1000", "1"))
    thing, ann = item("a"), person("ann")
    for minutes, device in enumerate(["desk", "phone", "desk"]):
        done(ann, thing, minutes=minutes, device=device)

    found = events.interaction_log(with_attributes=True).log

    assert found.device_names == ("desk",)
    assert found.devices.tolist() == [0, -1, 0]


@pytest.mark.parametrize("number", [1, 3])
def test_attributes_and_devices_take_three_queries_for_any_number_of_people(number):
    thing = item("a")
    people = [person(f"u{index}", town="Rome") for index in range(number)]
    for one in people:
        done(one, thing, minutes=1, device="phone")
    catalogue, keys = events.load_catalogue(), [one.pk for one in people]

    # The COPY of events and that of devices are not counted here.
    with CaptureQueriesContext(
        connection,
    ) as usual:
        events.interaction_log(end_users=keys, catalogue=catalogue)
    with CaptureQueriesContext(connection) as further:
        events.interaction_log(end_users=keys, catalogue=catalogue, with_attributes=True)

    assert (len(usual), len(further)) == (1, 3)
