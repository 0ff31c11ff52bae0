"""Rejected rows, mended by a curator and tried again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection, transaction

from interests.datasets import rows
from interests.datasets.layout import Layout, Table
from interests.models import ImportRun, RejectedRow
from interests.services import importing, staging
from interests.services.reporting import Nobody
from interests.services.staging import Part

MOST_AT_ONCE = 20_000  # within the time of a request


class CannotReplay(Exception):
    """The rows cannot be tried again; the message says why."""


@dataclass(frozen=True)
class Replayed:
    """What became of the rows that were tried again; `left` were not tried this time."""

    good: int
    duplicates: int
    bad: int
    left: int


def mend(*, row: RejectedRow, cells: Mapping[str, str]) -> None:
    """Write corrected cells into a rejected row.

    Raises:
        CannotReplay: it has gone in already.
    """
    if row.replayed_at is not None:
        raise CannotReplay("This row has gone in already.")
    clean = {name: text.replace("\0", "") for name, text in cells.items()}
    kept = {name: text for name, text in row.row.items() if name not in ("further", "text")}
    row.row = kept | clean
    row.save(update_fields=["row"])


def columns_of(run: ImportRun, file: str) -> tuple[str, ...]:
    """Return the columns of one of an import's files, for a form; none where it is not known."""
    return tuple(run.results.get("parts", {}).get(file, {}).get("columns", ()))


def replay(*, run: ImportRun, now: datetime, row_ids: Collection[int] | None = None) -> Replayed:
    """Try an import's rejected rows again, all or some; those still bad say why they are.

    Whoever gets new events is marked, so that state and slate follow.

    Raises:
        CannotReplay: the import was a dry run or changed nothing, so there is nothing to add to.
    """
    if run.results.get("is_dry_run", True):
        raise CannotReplay("This import changed nothing. Import the files first, then replay rows.")
    waiting = RejectedRow.objects.filter(import_run=run, replayed_at=None).order_by("file", "line")
    if row_ids is not None:
        waiting = waiting.filter(pk__in=row_ids)
    with transaction.atomic():
        total = waiting.count()
        found = list(waiting.select_for_update()[:MOST_AT_ONCE])
        by_file: dict[str, list[RejectedRow]] = defaultdict(list)
        for row in found:
            by_file[row.file].append(row)
        # Items and end users before the events that name them.
        order = sorted(by_file, key=lambda file: staging.PARTS.index(_part(run, file).name))
        counts = [_replay_file(run, file, by_file[file], now) for file in order]
    good, duplicates, bad = (
        (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0, 0)
    )
    return Replayed(good, duplicates, bad, total - len(found))


def _replay_file(
    run: ImportRun, file: str, rejected: Sequence[RejectedRow], now: datetime
) -> tuple[int, int, int]:
    part = _part(run, file)
    layout = Layout(
        format=run.results["format"],
        events=Table(Path(file)),
        kind=run.results["kind"],
        is_epoch=run.results["is_epoch"],
    )
    with staging.temporary_tables():
        staging.stage_blocks(part, _blocks(part, rejected))
        source = importing.checked(layout=layout, parts=(part,), progress=Nobody())
        stored = importing.store_parts(source, now=now, progress=Nobody(), is_marking=True)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT line, reason FROM {part.table}_bad")
            reasons = dict(cursor.fetchall())
    for row in rejected:
        reason = reasons.get(row.line)
        row.replayed_at = None if reason else now
        if reason:
            row.reason, row.detail = reason, staging.REASONS[reason]
    RejectedRow.objects.bulk_update(rejected, ["replayed_at", "reason", "detail"], batch_size=1000)
    counts = stored[part.file]
    return counts["good"], counts["duplicates"], counts["bad"]


def _part(run: ImportRun, file: str) -> Part:
    known = run.results["parts"][file]
    return Part(known["name"], file, tuple(known["columns"]), known["flags"])


def _blocks(part: Part, rejected: Sequence[RejectedRow]) -> Iterator[bytes]:
    """Yield rejected rows as COPY text; one that was never cut into cells stays bad as it was."""
    for row in rejected:
        cells = [str(row.row.get(column, "")) for column in part.columns]
        is_whole = set(part.columns) <= set(row.row) and "further" not in row.row
        if is_whole:
            yield rows.copy_row(row.line, cells).encode()
        else:
            yield rows.bad_row(row.line, row.reason, row.row, len(cells))
