from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from interests.models import ImportRun, Interaction
from interests.services import importing, running, uploading

pytestmark = pytest.mark.django_db
EVENTS = b"user_id,item_id,kind,occurred_at\nu1,i1,view,2026-01-01\n"


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.RECSITE_HOME = tmp_path
    return tmp_path


def receive(*files):
    return uploading.receive(
        files=[SimpleUploadedFile(name, data) for name, data in files],
        requested_by=None,
        now=timezone.now(),
        settings={},
    )


def test_receive_keeps_the_files_until_they_are_imported(home):
    run = receive(("Interactions.CSV", EVENTS), ("items.csv", b"item_id\ni1\n"))

    folder = Path(run.source)
    kept = sorted(path.name for path in folder.iterdir())
    importing.import_folder(run_id=run.pk)

    assert folder == home / "uploads" / str(run.pk)
    assert kept == ["interactions.csv", "items.csv"]
    assert not folder.exists()
    assert Interaction.objects.count() == 1


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("events.csv", EVENTS)], '"events.csv" is not a name we know'),
        ([("items.csv", b"")], "There are no events among the files"),
        ([("interactions.csv", EVENTS)] * 2, "Two files have the same name"),
    ],
)
def test_receive_refuses_what_cannot_be_imported(files, words, home):
    with pytest.raises(uploading.CannotTake, match=words):
        receive(*files)

    assert ImportRun.objects.count() == 0
    assert not (home / "uploads").exists()


def test_receive_refuses_too_much(monkeypatch):
    monkeypatch.setattr(uploading, "UPLOAD_BYTES", 10)

    with pytest.raises(uploading.CannotTake, match="manage.py import_data FOLDER"):
        receive(("interactions.csv", EVENTS))


def test_receive_with_nowhere_to_write_leaves_no_run(home):
    (home / "uploads").write_text("in the way")

    with pytest.raises(uploading.CannotTake, match="could not be kept"):
        receive(("interactions.csv", EVENTS))

    assert ImportRun.objects.count() == 0


def test_files_of_imports_that_ended_without_being_read_go_with_the_next_import(home):
    stopped, waiting = (receive(("interactions.csv", EVENTS)) for _ in range(2))
    running.ask_to_stop(ImportRun, run_id=stopped.pk, now=timezone.now())
    unseen = home / "uploads" / "987654"  # of an upload that is being received
    unseen.mkdir()
    other = receive(("interactions.csv", EVENTS))

    importing.import_folder(run_id=other.pk)

    left = {path.name for path in (home / "uploads").iterdir()}
    assert left == {str(waiting.pk), "987654"}
