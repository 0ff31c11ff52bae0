from __future__ import annotations

import threading

import pytest
from django.utils import timezone

from interests.models import ImportRun
from interests.services import reporting, running
from interests.services.reporting import Progress


@pytest.fixture
def hold(transactional_db):
    run = running.request(ImportRun, now=timezone.now(), source="folder")
    with running.held(ImportRun, run_id=run.pk) as held:
        yield held


def wait_for(condition, seconds=20):
    pause = threading.Event()
    for _ in range(seconds * 20):
        if condition():
            return True
        pause.wait(0.05)
    return False


def test_progress_is_written_while_the_work_is_busy(hold, monkeypatch):
    monkeypatch.setattr(reporting, "WRITE_SECONDS", 0.05)

    with Progress(hold, is_shown=False) as progress:
        progress.step("Counting sheep", 0.25)
        is_written = wait_for(
            lambda: ImportRun.objects.filter(step="Counting sheep", share_done=0.25).exists()
        )

    assert is_written


def test_progress_stops_the_work_when_asked(hold, monkeypatch):
    monkeypatch.setattr(reporting, "WRITE_SECONDS", 0.05)

    def is_stopped():
        try:
            progress.at(0.5)
        except running.RunStopped:
            return True
        return False

    with Progress(hold, is_shown=False) as progress:
        progress.step("Counting sheep", 0.25)
        running.ask_to_stop(ImportRun, run_id=hold.run.pk, now=timezone.now())
        was_stopped = wait_for(is_stopped)

    assert was_stopped


def test_progress_says_a_line_a_minute_where_there_is_no_terminal(hold, monkeypatch, capsys):
    with Progress(hold, is_shown=True) as progress:
        progress.step("Counting sheep", 0.25)
        monkeypatch.setattr(reporting, "LINE_SECONDS", -1.0)
        progress.at(0.5)

    assert capsys.readouterr().err == "Counting sheep: 50%\n"
