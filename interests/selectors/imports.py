"""What the pages of imports show, as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

from django.db.models import Count, Q

from interests.models import ImportRun, RejectedRow

DOWNLOADED_AT_ONCE = 2000


@dataclass(frozen=True)
class ImportLine:
    """One import in the list."""

    pk: int
    state: str
    name: str
    requested_at: datetime
    requested_by: str
    share_done: float
    step: str
    error: str
    is_dry_run: bool
    good: int | None
    duplicates: int | None
    bad: int | None


def imports(*, limit: int, offset: int) -> tuple[list[ImportLine], int]:
    """Return imports, the newest first, and how many there are."""
    runs = ImportRun.objects.select_related("requested_by").order_by("-pk")
    return [_line(run) for run in runs[offset : offset + limit]], runs.count()


def name_of(run: ImportRun) -> str:
    """Return what was imported: the uploads' names, or the folder's last part."""
    uploaded = run.settings.get("uploaded")
    return ", ".join(uploaded) if uploaded else PurePath(run.source).name or run.source


def waiting_reasons(run: ImportRun) -> list[tuple[str, int]]:
    """Return the reasons of rows that have not gone in yet, the commonest first."""
    counts = (
        RejectedRow.objects.filter(import_run=run, replayed_at=None)
        .values_list("reason")
        .annotate(number=Count("pk"))
        .order_by("-number", "reason")
    )
    return list(counts)


def rejected_rows(
    run: ImportRun, *, reason: str, limit: int, offset: int
) -> tuple[list[RejectedRow], int]:
    """Return rejected rows in order of file and line, and how many there are."""
    chosen = Q(import_run=run) & (Q(reason=reason) if reason else Q())
    rows = RejectedRow.objects.filter(chosen).order_by("file", "line")
    return list(rows[offset : offset + limit]), rows.count()


def rejected_cells(run: ImportRun) -> Iterator[list[str]]:
    """Yield a header, then every rejected row as cells, without holding them all."""
    known = run.results.get("parts", {}).values()
    columns = list(dict.fromkeys(name for part in known for name in part["columns"]))
    yield ["file", "line", "reason", "detail", *columns]
    rows = RejectedRow.objects.filter(import_run=run).order_by("file", "line")
    for row in rows.iterator(chunk_size=DOWNLOADED_AT_ONCE):
        cells = [str(row.row.get(column, "")) for column in columns]
        yield [row.file, str(row.line), row.reason, row.detail, *cells]


def totals(results: dict[str, Any]) -> dict[str, int]:
    """Return lines, good, duplicates and bad over the files of a report."""
    files = results.get("files", {}).values()
    return {
        name: sum(file[name] for file in files) for name in ("lines", "good", "duplicates", "bad")
    }


def _line(run: ImportRun) -> ImportLine:
    counts = totals(run.results) if "files" in run.results else {}
    bad = counts.get("bad", sum(run.results.get("bad", {}).values()) if run.results else None)
    return ImportLine(
        pk=run.pk,
        state=run.state,
        name=name_of(run),
        requested_at=run.requested_at,
        requested_by=run.requested_by.get_username() if run.requested_by else "",
        share_done=run.share_done,
        step=run.step,
        error=run.error,
        is_dry_run=bool(run.settings.get("dry_run")),
        good=counts.get("good"),
        duplicates=counts.get("duplicates"),
        bad=bad,
    )
