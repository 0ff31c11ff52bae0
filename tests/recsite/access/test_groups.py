"""The three groups have just the rights that the product gives them."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from recsite.access import groups

pytestmark = pytest.mark.django_db


def rights(name):
    rows = Group.objects.get(name=name).permissions.values_list(
        "content_type__app_label", "codename"
    )
    return {f"{app}.{codename}" for app, codename in rows}


def test_each_group_may_what_those_before_it_may():
    analyst, curator, engineer = (rights(name) for name in groups.GROUPS)

    assert analyst < curator < engineer
    beside_viewing = {right for right in analyst if not right.split(".")[1].startswith("view_")}
    marks = {f"interests.{action}_driftmark" for action in ("add", "change", "delete")}
    assert beside_viewing == {"interests.change_alert", *marks}


def test_only_engineers_see_keys_and_start_trainings():
    analyst, curator, engineer = (rights(name) for name in groups.GROUPS)

    theirs = {"access.view_apikey", "access.add_apikey", "interests.add_trainingrun",
              "recommender.change_publicationrun"}  # fmt: skip
    assert theirs <= engineer
    assert theirs & (curator | analyst) == set()
    assert {"interests.change_item", "interests.change_rejectedrow"} <= curator


def test_migrating_again_sets_the_rights_right_and_leaves_other_groups_alone():
    before = rights("analyst")
    group, other = Group.objects.get(name="analyst"), Group.objects.create(name="other")
    extra = Permission.objects.get(codename="add_apikey")
    group.permissions.clear()
    group.permissions.add(extra)
    other.permissions.add(extra)

    call_command("migrate", verbosity=0)

    assert rights("analyst") == before
    assert rights("other") == {"access.add_apikey"}
