"""A site's first account, its first data and how far its runs are: what `manage.py demo` needs."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q

from interests.models import (
    EndUser,
    ImportRun,
    Interaction,
    Item,
    PopulationRun,
    Run,
    RunState,
    TrackingRun,
    TrainingRun,
)
from interests.services import running
from recommender.models import EvaluationRun, PublicationRun, Serving, Slate
from recommender.services import advancing, locking
from recsite.access import services as access
from recsite.access.models import ApiKey, Scope

USERNAME = "demo"
SIMULATED = "simulated"
# A newcomer waits for the first slates; own data is trained until it gets no better.
SIMULATED_TRAINING_SECONDS = 100
# In the order in which the chain takes them.
RUN_CLASSES: Sequence[type[Run]] = (
    ImportRun,
    TrainingRun,
    TrackingRun,
    PopulationRun,
    PublicationRun,
    EvaluationRun,
)


class OtherDataIsThere(Exception):
    """The site holds the simulated population; other people's events must not mix with it."""


@dataclass(frozen=True)
class FirstAccount:
    """What the demo prints; kept in a file that only its owner can read, for the next start."""

    username: str
    password: str
    api_key: str


@dataclass(frozen=True)
class Counts:
    """What the site holds."""

    end_users: int
    items: int
    events: int
    slates: int


@transaction.atomic
def first_account(*, path: Path, now: datetime) -> FirstAccount:
    """Return the account kept at `path` if it still works, else make one and keep it there."""
    kept = _kept_account(path)
    if kept is not None and _still_works(kept):
        return kept
    account_class = get_user_model()
    account, _ = account_class.objects.get_or_create(username=USERNAME)
    password = secrets.token_urlsafe(12)
    account.set_password(password)
    account.is_staff = account.is_superuser = account.is_active = True
    account.save()
    ApiKey.objects.filter(name=USERNAME, revoked_at=None).update(revoked_at=now)
    _, key = access.make_key(name=USERNAME, scopes=Scope.values, created_by=account, now=now)
    made = FirstAccount(USERNAME, password, key)
    _keep(made, path)
    return made


def is_import_due(*, folder: Path) -> bool:
    """Tell whether these files, as they are now, have not been imported or asked for yet.

    Raises:
        OtherDataIsThere: the site holds the simulated population and the folder is another.
    """
    simulated = ImportRun.objects.filter(settings__is_simulated=True).exclude(
        state__in=[RunState.FAILED, RunState.STOPPED]
    )
    if not _is_simulated(folder) and simulated.exists():
        raise OtherDataIsThere(
            "This site holds the simulated population, and your data should not mix with it. "
            f"Give it a site of its own: make demo DATA={folder} RECSITE_HOME=.recsite-own"
        )
    known = ImportRun.objects.filter(source=str(folder), settings__files=_files(folder))
    return not known.exclude(state__in=[RunState.FAILED, RunState.STOPPED]).exists()


def request_import(*, folder: Path, now: datetime) -> ImportRun:
    """Request the import of a folder; the caller enqueues it after commit."""
    return running.request(
        ImportRun,
        now=now,
        source=str(folder),
        settings={
            "files": _files(folder),
            "is_simulated": _is_simulated(folder),
            "training": {"max_seconds": SIMULATED_TRAINING_SECONDS}
            if _is_simulated(folder)
            else {},
        },
    )


def has_data() -> bool:
    """Tell whether there is anything to show, or on its way."""
    coming = ImportRun.objects.filter(state__in=advancing.ACTIVE)
    return Interaction.objects.exists() or coming.exists()


def is_simulated() -> bool:
    """Tell whether the simulated population has been imported."""
    return bool(simulated_folders())


def simulated_folders() -> list[Path]:
    """Return the folders of simulated people that were imported."""
    done = ImportRun.objects.filter(state=RunState.DONE, settings__is_simulated=True)
    return [Path(source) for source in done.values_list("source", flat=True)]


def active_runs() -> list[Run]:
    """Return the runs that wait or are at work, in the order of the chain."""
    active = Q(state__in=advancing.ACTIVE)
    return [
        run
        for run_class in RUN_CLASSES
        for run in run_class._default_manager.filter(active).order_by("pk")
    ]


def runs_ended_since(since: datetime) -> list[Run]:
    """Return the runs that ended after a time, in the order in which they did."""
    ended = [
        run
        for run_class in RUN_CLASSES
        for run in run_class._default_manager.filter(finished_at__gt=since)
    ]
    return sorted(ended, key=lambda run: (run.finished_at is None, run.finished_at))


@transaction.atomic
def is_all_done(*, now: datetime) -> bool:
    """Tell whether no run is active and none would be requested."""
    # A run requested between the two looks would be in neither.
    locking.take(locking.Lock.CHAIN)
    if active_runs():
        return False
    is_more = bool(advancing.advance(now=now))
    transaction.set_rollback(True)  # only looked
    return not is_more


def counts() -> Counts:
    """Count what the site holds."""
    return Counts(
        end_users=EndUser.objects.count(),
        items=Item.objects.count(),
        events=Interaction.objects.count(),
        slates=Slate.objects.filter(publication__in=Serving.objects.values("publication")).count(),
    )


def _kept_account(path: Path) -> FirstAccount | None:
    try:
        return FirstAccount(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _still_works(kept: FirstAccount) -> bool:
    account = get_user_model().objects.filter(username=kept.username, is_active=True).first()
    digest = access.digest_of(kept.api_key)
    return (
        account is not None
        and account.check_password(kept.password)
        and ApiKey.objects.filter(digest=digest, revoked_at=None).exists()
    )


def _keep(account: FirstAccount, path: Path) -> None:
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(number, "w") as file:
        json.dump(asdict(account), file, indent=2)
    draft.replace(path)


def _files(folder: Path) -> dict[str, list[int]]:
    """Return name -> size and time of change of each file, so that changed files count as new ones."""
    return {
        path.name: [path.stat().st_size, int(path.stat().st_mtime)]
        for path in sorted(folder.iterdir())
        if path.is_file()
    }


def _is_simulated(folder: Path) -> bool:
    return folder.name == SIMULATED
