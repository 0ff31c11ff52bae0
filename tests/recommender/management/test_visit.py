from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from interests import tasks
from interests.models import Impression
from recommender.management.commands import visit
from recommender.services.visiting import Visits
from tests.recommender.services.test_visiting import simulated

pytestmark = pytest.mark.django_db


def call(*arguments: str) -> str:
    out = StringIO()
    call_command("visit", "--rate", "50", "--seed", "0", *arguments, stdout=out)
    return out.getvalue()


def test_so_many_visits_are_made_and_told_and_the_live_worker_woken(tmp_path, monkeypatch):
    simulated(tmp_path)
    woken: list[None] = []
    monkeypatch.setattr(tasks, "ask_for_refresh", lambda: woken.append(None))

    said = call("--visits", "12")

    shown = Impression.objects.filter(dwell_seconds=None).count()
    clicked = Impression.objects.exclude(dwell_seconds=None).count()
    assert said == (
        f"12 visits, {shown} items shown, {clicked} clicked ({100 * clicked / shown:.1f} %).\n"
    )
    assert 0 < len(woken) <= 12


def test_ctrl_c_ends_it_with_what_was_done(tmp_path, monkeypatch):
    simulated(tmp_path)
    once, visits = Visits.once, iter(range(3))

    def interrupted(self, **arguments):
        if next(visits, None) is None:
            raise KeyboardInterrupt
        return once(self, **arguments)

    monkeypatch.setattr(Visits, "once", interrupted)
    monkeypatch.setattr(tasks, "ask_for_refresh", lambda: None)

    assert re.match(r"3 visits, \d+ items shown", call())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--rate", "0"), "--rate must be above 0 and at most 50 visits a second."),
        (("--rate", "51"), "--rate must be above 0 and at most 50 visits a second."),
        (("--visits", "0"), "--visits must be 1 or more."),
        (("--seed", "-1"), "--seed must be 0 or more."),
        ((), "This site holds no simulated population"),
    ],
)
def test_what_cannot_be_is_refused(arguments, said):
    with pytest.raises(CommandError, match=re.escape(said)):
        call(*arguments)


def test_a_site_that_does_not_run_is_named(monkeypatch):
    def away(**_):
        raise OperationalError("connection refused\n")

    monkeypatch.setattr(visit, "Visits", away)

    with pytest.raises(CommandError, match=r"does not answer \(connection refused\).*make demo"):
        call()
