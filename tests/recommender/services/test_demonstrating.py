from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.db import connection, transaction

from interests.models import ImportRun, RunState, TrainingRun
from recommender.services import demonstrating, locking
from recsite.access.models import ApiKey
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "interactions.csv").write_text("user_id,item_id,kind,occurred_at\n")
    return folder


@pytest.fixture
def simulated(tmp_path: Path) -> Path:
    folder = tmp_path / demonstrating.SIMULATED
    folder.mkdir()
    return folder


def test_the_first_account_can_log_in_and_its_file_is_its_owners_alone(tmp_path, rf) -> None:
    path = tmp_path / "demo.json"

    account = demonstrating.first_account(path=path, now=NOW)

    user = get_user_model().objects.get()
    request = rf.get("/")
    assert authenticate(request, username="demo", password=account.password) == user
    assert (user.is_staff, user.is_superuser) == (True, True)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_start_finds_the_same_account(tmp_path) -> None:
    first = demonstrating.first_account(path=tmp_path / "demo.json", now=NOW)

    assert demonstrating.first_account(path=tmp_path / "demo.json", now=NOW) == first


def test_a_revoked_key_or_a_broken_file_gets_a_new_account_and_one_working_key(tmp_path) -> None:
    path = tmp_path / "demo.json"
    first = demonstrating.first_account(path=path, now=NOW)
    ApiKey.objects.update(revoked_at=NOW)
    second = demonstrating.first_account(path=path, now=NOW)
    path.write_text("{")

    third = demonstrating.first_account(path=path, now=NOW)

    assert len({first.api_key, second.api_key, third.api_key}) == 3
    assert ApiKey.objects.filter(revoked_at=None).count() == 1
    assert get_user_model().objects.count() == 1


def test_files_are_imported_once_until_they_change_or_their_import_failed(folder: Path) -> None:
    assert demonstrating.is_import_due(folder=folder)
    run = demonstrating.request_import(folder=folder, now=NOW)
    assert not demonstrating.is_import_due(folder=folder)

    (folder / "interactions.csv").write_text("user_id,item_id,kind,occurred_at\na,b,view,2026\n")
    assert demonstrating.is_import_due(folder=folder)
    demonstrating.request_import(folder=folder, now=NOW)
    assert not demonstrating.is_import_due(folder=folder)

    ImportRun.objects.exclude(pk=run.pk).update(state=RunState.FAILED, finished_at=NOW)
    assert demonstrating.is_import_due(folder=folder)


def test_own_data_does_not_mix_with_the_simulated_population(folder, simulated) -> None:
    demonstrating.request_import(folder=simulated, now=NOW)

    with pytest.raises(demonstrating.OtherDataIsThere) as refused:
        demonstrating.is_import_due(folder=folder)

    assert str(refused.value) == (
        "This site holds the simulated population, and your data should not mix with it. "
        f"Give it a site of its own: make demo DATA={folder} RECSITE_HOME=.recsite-own"
    )


def test_only_the_simulated_population_has_a_limit_on_its_training(folder, simulated) -> None:
    own = demonstrating.request_import(folder=folder, now=NOW)
    made = demonstrating.request_import(folder=simulated, now=NOW)

    assert own.settings["training"] == {}
    assert made.settings["training"] == {"max_seconds": demonstrating.SIMULATED_TRAINING_SECONDS}


def test_all_is_done_when_nothing_runs_and_nothing_more_is_called_for() -> None:
    assert demonstrating.is_all_done(now=NOW)
    ImportRun.objects.create(**factories.done(source="folder", finished_at=NOW))
    factories.event(factories.end_user(), factories.item(), received_at=NOW)

    assert not demonstrating.is_all_done(now=NOW)
    assert not TrainingRun.objects.exists()  # it only looked


@pytest.mark.django_db(transaction=True)
def test_a_run_requested_while_it_looks_is_not_overlooked() -> None:
    has_lock = threading.Event()

    def request_a_training() -> None:
        with transaction.atomic():
            locking.take(locking.Lock.CHAIN)
            TrainingRun.objects.create(requested_at=NOW)
            has_lock.set()
            _wait_until_somebody_waits_for_the_lock()
        connection.close()

    thread = threading.Thread(target=request_a_training)
    thread.start()
    assert has_lock.wait(30)

    is_all_done = demonstrating.is_all_done(now=NOW)

    thread.join()
    assert not is_all_done


def _wait_until_somebody_waits_for_the_lock() -> None:
    deadline = time.monotonic() + 30
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            if cursor.fetchone():
                return
            time.sleep(0.02)
    raise AssertionError("nobody waits for the lock")


def test_the_site_has_data_once_an_import_is_on_its_way(folder: Path) -> None:
    assert not demonstrating.has_data()

    demonstrating.request_import(folder=folder, now=NOW)

    assert demonstrating.has_data()


@pytest.mark.parametrize(
    ("is_simulated", "state"), [(True, "done"), (True, "failed"), (False, "done")]
)
def test_a_site_is_simulated_once_that_population_is_in(is_simulated, state):
    ImportRun.objects.create(
        **factories.done(settings={"is_simulated": is_simulated}) | {"state": state}
    )

    assert demonstrating.is_simulated() == (is_simulated and state == "done")
