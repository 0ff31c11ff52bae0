"""What the tests of imports share: small folders, and what became of them."""

from __future__ import annotations

import pytest
from django.utils import timezone

from interests.models import ImportRun, Interaction, RunState
from interests.services import importing, running

HEADER = "user_id,item_id,kind,occurred_at"
GOOD = "u1,i1,view,2026-01-01T10:00:00Z"


def import_(folder, **settings):
    run = running.request(ImportRun, now=timezone.now(), source=str(folder), settings=settings)
    try:
        importing.import_folder(run_id=run.pk)
    finally:
        run.refresh_from_db()
    return run


def write(folder, *lines, name="interactions.csv", header=HEADER, encoding="utf-8", end="\n"):
    text = end.join([header, *lines]) + end
    (folder / name).write_bytes(text.encode(encoding))
    return folder


def counts(run, name="interactions.csv"):
    file = run.results["files"][name]
    assert file["lines"] == file["good"] + file["duplicates"] + file["bad"]
    return file["good"], file["duplicates"], file["bad"]


def refusal(folder, **settings):
    with pytest.raises(running.CannotRun) as caught:
        import_(folder, **settings)
    run = ImportRun.objects.latest("pk")
    assert (run.state, run.error) == (RunState.FAILED, str(caught.value))
    assert Interaction.objects.count() == 0
    return run.error
