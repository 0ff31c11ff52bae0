"""Files that come through the browser: kept in a folder of their own until their import has ended."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from interests.models import ImportRun, Run, RunState
from interests.services import running

# What a folder may hold; a file takes one of these names on disk or none.
EVENT_FILES = ("interactions.csv", "ratings.csv", "ratings.dat", "u.data")
FILES = (*EVENT_FILES, "items.csv", "users.csv", "movies.csv", "movies.dat", "u.item")
UPLOAD_BYTES = 2 * 2**30  # together; larger data come by `manage.py import_data`


class CannotTake(Exception):
    """The files cannot be taken; the message says why and what to do."""


def receive(
    *,
    files: Sequence[UploadedFile[Any]],
    requested_by: AbstractBaseUser | None,
    now: datetime,
    settings: dict[str, Any],
) -> ImportRun:
    """Keep uploaded files and make the waiting import of them; the caller enqueues it after commit.

    Raises:
        CannotTake: names we do not know, no events among them, too much, or a full disk.
    """
    names = [_known_name(file.name or "") for file in files]
    if len(set(names)) < len(names):
        raise CannotTake("Two files have the same name. Send each once.")
    if not any(name.removesuffix(".gz") in EVENT_FILES for name in names):
        raise CannotTake(
            f"There are no events among the files. Add one of {', '.join(EVENT_FILES)}."
        )
    if sum(file.size or 0 for file in files) > UPLOAD_BYTES:
        raise CannotTake(
            f"The files have more than {UPLOAD_BYTES // 2**30} GB together. Copy them to the server and run "
            "`manage.py import_data FOLDER`."
        )
    with transaction.atomic():
        run = running.request(
            ImportRun,
            now=now,
            requested_by=requested_by,
            settings=settings | {"uploaded": sorted(names)},
        )
        folder = _folder(run)
        try:
            folder.mkdir(parents=True)
            for name, file in zip(names, files, strict=True):
                with (folder / name).open("wb") as target:
                    for chunk in file.chunks():
                        target.write(chunk)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise CannotTake(
                f"The files could not be kept: {error.strerror}. Free some space on the server."
            ) from error
        run.source = str(folder)
        run.save(update_fields=["source"])
    return run


def clear_leftovers() -> None:
    """Remove the files of uploads whose import failed or was stopped: nothing reads them again."""
    found = {
        int(folder.name): folder
        for folder in Path(django_settings.RECSITE_HOME).glob("uploads/*")
        if folder.name.isdecimal()
    }
    # An upload that is being received has no run to be seen yet.
    ended = ImportRun.objects.filter(pk__in=found).exclude(
        state__in=[RunState.WAITING, RunState.STARTED]
    )
    for run_id in ended.values_list("pk", flat=True):
        shutil.rmtree(found[run_id], ignore_errors=True)


def discard(run: Run) -> None:
    """Remove an upload's files once nothing will read them again; folders of others stay."""
    if run.settings.get("uploaded"):
        shutil.rmtree(_folder(run), ignore_errors=True)


def _known_name(name: str) -> str:
    plain = name.lower()
    if plain.removesuffix(".gz") not in FILES:
        raise CannotTake(
            f'"{name[:100]}" is not a name we know. Name the files {", ".join(FILES)}, or the same with .gz.'
        )
    return plain


def _folder(run: Run) -> Path:
    return Path(django_settings.RECSITE_HOME) / "uploads" / str(run.pk)
