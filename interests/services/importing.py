"""A folder of files -> end users, items and events.

Files are copied as text into temporary tables and checked there; then one transaction writes everything
and ends the run. Whatever interrupts it leaves nothing behind, and doing it again is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from interests import datasets
from interests.datasets import DatasetError
from interests.datasets.layout import Layout
from interests.models import ImportRun, RejectedRow, RunState
from interests.services import quality, running, staging, storing, storing_events, uploading
from interests.services.reporting import Progress, Watcher
from interests.services.running import CannotRun, Hold
from interests.services.staging import Part

# Shares of the whole import, for the progress that is shown.
STAGED, CHECKED, DESCRIBED, STORED = 0.2, 0.3, 0.35, 0.95


@dataclass(frozen=True)
class Source:
    """A folder whose files are staged.

    Attributes:
        layout: what the files mean
        parts: items, users, events, where there are any, in this order
        num_bad: lines that cannot be used
    """

    layout: Layout
    parts: tuple[Part, ...]
    num_bad: int


def import_folder(*, run_id: int, report_to_terminal: bool = False) -> None:
    """Do one import. Settings: `strict`: a bad row stops it; `dry_run`: report only.

    Raises:
        running.RunNotClaimed: it has ended, or somebody else is at it.
        running.CannotRun: the folder cannot be read, or it is strict and a row is bad.
        running.RunStopped: somebody asked for it.
    """
    uploading.clear_leftovers()
    with (
        running.held(ImportRun, run_id=run_id) as hold,
        Progress(hold, is_shown=report_to_terminal) as progress,
        staging.temporary_tables(),
    ):
        RejectedRow.objects.filter(import_run_id=run_id).delete()
        try:
            folder = ImportRun.objects.values_list("source", flat=True).get(pk=run_id)
            source = _stage(Path(folder), progress)
        except DatasetError as error:
            uploading.discard(hold.run)
            raise CannotRun(str(error)) from error
        if source.num_bad and hold.run.settings.get("strict"):
            _refuse(hold, source)
        _store(hold, source, progress)
        uploading.discard(hold.run)


def store_parts(
    source: Source, *, now: datetime, progress: Watcher, is_marking: bool
) -> dict[str, Any]:
    """Write staged rows; return what became of each file's lines. Call inside a transaction.

    Args:
        is_marking: mark whoever has new events, for a live worker to see to them.
    """
    files: dict[str, Any] = {}
    for part in source.parts:
        if part.name == "items":
            progress.step("Storing items", CHECKED)
            stored = storing.store_items(part, now=now)
        elif part.name == "users":
            progress.step("Storing end users", CHECKED)
            stored = storing.store_users(part, now=now)
        else:
            progress.step("Storing events", DESCRIBED)
            stored = storing_events.store_events(
                part,
                layout=source.layout,
                now=now,
                is_marking=is_marking,
                on_share=lambda share: progress.at(DESCRIBED + share * (STORED - DESCRIBED)),
            )
        files[part.file] = {"part": part.name} | stored.as_dict()
    return files


def _stage(folder: Path, progress: Progress) -> Source:
    """Copy the files of a folder into temporary tables and find their bad lines."""
    layout = datasets.recognise(folder)
    tables = [
        (name, table)
        for name, table in (
            ("items", layout.items),
            ("users", layout.users),
            ("events", layout.events),
        )
        if table is not None
    ]
    parts = [staging.part_of(table, name=name) for name, table in tables]
    num_bytes = max(sum(table.path.stat().st_size for _, table in tables), 1)
    num_read = 0

    def count_bytes(size: int) -> None:
        nonlocal num_read
        num_read += size
        progress.at(STAGED * num_read / num_bytes)

    for part, (_, table) in zip(parts, tables, strict=True):
        progress.step(f"Reading {part.file}", STAGED * num_read / num_bytes)
        staging.stage_file(part, table, on_read=count_bytes)
    return checked(layout=layout, parts=tuple(parts), progress=progress)


def checked(*, layout: Layout, parts: tuple[Part, ...], progress: Watcher) -> Source:
    """Find the bad lines of what is staged."""
    progress.step("Checking rows", STAGED)
    num_bad = sum(staging.find_bad(part, is_epoch=layout.is_epoch) for part in parts)
    return Source(layout, parts, num_bad)


def _refuse(hold: Hold, source: Source) -> None:
    """Keep the bad rows and the report, and stop."""
    with transaction.atomic():
        for part in source.parts:
            storing.store_bad(part, run_id=hold.run.pk)
        hold.mine().update(results=_head(source))
    uploading.discard(hold.run)
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in _head(source)["bad"].items())
    raise CannotRun(
        f"Nothing was imported: {source.num_bad:,} rows are bad ({reasons}) and the import is strict. "
        "Mend them, or import without strict: good rows go in, bad ones are set aside."
    )


def _store(hold: Hold, source: Source, progress: Progress) -> None:
    is_dry_run = bool(hold.run.settings.get("dry_run"))
    with transaction.atomic():
        with transaction.atomic():  # a dry run undoes this much
            files = store_parts(source, now=timezone.now(), progress=progress, is_marking=False)
            progress.step("Looking at the quality", STORED)
            facts = {
                "files": files,
                "quality": quality.report_on_events(),
                "is_dry_run": is_dry_run,
            }
            transaction.set_rollback(is_dry_run)
        for part in source.parts:
            storing.store_bad(part, run_id=hold.run.pk)
        hold.end(RunState.DONE, results=_head(source) | facts)


def _head(source: Source) -> dict[str, Any]:
    return {
        "format": source.layout.format,
        "kind": source.layout.kind,
        "is_epoch": source.layout.is_epoch,
        "parts": {
            part.file: {"name": part.name, "columns": part.columns, "flags": part.flags}
            for part in source.parts
        },
        "bad": quality.bad_by_reason([part.table for part in source.parts]),
    }
