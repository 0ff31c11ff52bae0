"""Imports for curators: upload files, see what came of them, mend and replay what was set aside."""

from __future__ import annotations

import csv
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from interests import tasks
from interests.models import ImportRun, RejectedRow, RunState
from interests.selectors import imports as selected
from interests.services import replaying, uploading

PAGE_SIZE = 40
LAST_PAGE = 1_000_000
# A spreadsheet runs what begins with these as a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
CELL_LENGTH = 5000


class _Files(forms.FileInput):
    allow_multiple_selected = True


class _FilesField(forms.FileField):
    """Several files in one field."""

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        files = data or [None] if isinstance(data, (list, tuple)) else [data]
        return [super(_FilesField, self).clean(file, initial) for file in files]


class UploadForm(forms.Form):
    """Files and how to take them."""

    chosen = _FilesField(
        label="Files",
        widget=_Files(attrs={"accept": ".csv,.dat,.data,.item,.gz"}),
        help_text="interactions.csv with user_id,item_id,kind,occurred_at; items.csv and users.csv if you "
        "have them; or MovieLens files as they are. Each may be packed as .gz.",
    )
    mode = forms.ChoiceField(
        label="What if a row is bad?",
        choices=[
            ("normal", "Set it aside and take the good ones"),
            ("strict", "Import nothing at all"),
            ("dry_run", "Only look: report and change nothing"),
        ],
    )


@login_required
def imports(request: HttpRequest) -> HttpResponse:
    """List the imports, the newest first."""
    page = _page(request)
    rows, total = selected.imports(limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
    context = {
        "title": "Imports",
        "place": "Imports",
        "rows": rows,
        "is_running": any(row.state in (RunState.WAITING, RunState.STARTED) for row in rows),
        "pages": _pages(request, page=page, shown=len(rows), total=total),
    }
    is_part = getattr(request, "htmx", False)
    return render(
        request, f"interests/{'parts/imports_table' if is_part else 'imports'}.html", context
    )


@login_required
@permission_required("interests.add_importrun", raise_exception=True)
def upload(request: HttpRequest) -> HttpResponse:
    """Take files and start their import."""
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_valid():
        settings = {name: form.cleaned_data["mode"] == name for name in ("dry_run", "strict")}
        try:
            run = uploading.receive(
                files=form.cleaned_data["chosen"],
                requested_by=request.user if request.user.is_authenticated else None,
                now=timezone.now(),
                settings=settings,
            )
        except uploading.CannotTake as error:
            form.add_error("chosen", str(error))
        else:
            transaction.on_commit(partial(tasks.enqueue_run, run))
            return redirect("interests:import", pk=run.pk)
    context = {"title": "New import", "place": "Imports", "trail": _trail(), "form": form}
    return render(request, "interests/upload.html", context, status=422 if form.errors else 200)


@login_required
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one import: how far it is, or what came of it and what was set aside."""
    run = get_object_or_404(ImportRun.objects.select_related("requested_by"), pk=pk)
    page, reason = _page(request), request.GET.get("reason", "")[:50]
    rows, total = selected.rejected_rows(
        run, reason=reason, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE
    )
    reasons = selected.waiting_reasons(run)
    may_change = request.user.has_perm("interests.change_rejectedrow")
    is_applied = run.state == RunState.DONE and not run.results.get("is_dry_run", True)
    context = {
        "title": f"Import {pk}",
        "place": "Imports",
        "trail": _trail(),
        "run": run,
        "name": selected.name_of(run),
        "has_ended": run.finished_at is not None,
        "files": run.results.get("files", {}),
        "totals": selected.totals(run.results),
        "quality": run.results.get("quality"),
        "new_kinds": [
            k for f in run.results.get("files", {}).values() for k in f.get("new_kinds", ())
        ],
        "kinds": _largest_first((run.results.get("quality") or {}).get("kinds", {})),
        "reasons": reasons,
        "num_waiting": sum(number for _, number in reasons),
        "reason": reason,
        "rows": [(row, _cells(run, row)) for row in rows],
        "can_replay": may_change and is_applied,
        "pages": _pages(request, page=page, shown=len(rows), total=total),
    }
    return render(request, "interests/import.html", context)


@login_required
@permission_required("interests.change_rejectedrow", raise_exception=True)
def mend(request: HttpRequest, pk: int, row_pk: int) -> HttpResponse:
    """Correct one rejected row and try it again."""
    row = get_object_or_404(
        RejectedRow.objects.select_related("import_run"), pk=row_pk, import_run=pk
    )
    columns = replaying.columns_of(row.import_run, row.file)
    if request.method == "POST":
        cells = {name: request.POST.get(f"cell-{name}", "")[:CELL_LENGTH] for name in columns}
        try:
            with transaction.atomic():
                replaying.mend(row=row, cells=cells)
                done = replaying.replay(run=row.import_run, now=timezone.now(), row_ids=[row.pk])
        except replaying.CannotReplay as error:
            messages.error(request, str(error))
            return redirect("interests:import", pk=pk)
        if not done.bad:
            transaction.on_commit(tasks.ask_for_refresh)
            messages.success(request, f"Line {row.line:,} of {row.file} {_went(done)}.")
            return redirect("interests:import", pk=pk)
        row.refresh_from_db()
    context = {
        "title": f"Line {row.line}",
        "place": "Imports",
        "trail": [*_trail(), (f"Import {pk}", reverse("interests:import", args=[pk]))],
        "row": row,
        "cells": [(name, row.row.get(name, "")) for name in columns],
        "further": row.row.get("further") or row.row.get("text"),
    }
    return render(
        request, "interests/mend.html", context, status=422 if request.method == "POST" else 200
    )


@login_required
@permission_required("interests.change_rejectedrow", raise_exception=True)
@require_POST
def replay(request: HttpRequest, pk: int) -> HttpResponse:
    """Try all of an import's rejected rows again, after kinds, limits or rows were changed."""
    run = get_object_or_404(ImportRun, pk=pk)
    try:
        done = replaying.replay(run=run, now=timezone.now())
    except replaying.CannotReplay as error:
        messages.error(request, str(error))
    else:
        transaction.on_commit(tasks.ask_for_refresh)
        left = f" {done.left:,} more were not tried: press again." if done.left else ""
        messages.info(
            request,
            f"{done.good:,} rows went in, {done.duplicates:,} were there already, "
            f"{done.bad:,} are still bad.{left}",
        )
    return redirect("interests:import", pk=pk)


@login_required
def download(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Return an import's rejected rows as a CSV file that no spreadsheet runs."""
    run = get_object_or_404(ImportRun, pk=pk)
    writer = csv.writer(_Echo())
    lines = (
        writer.writerow([_harmless(cell) for cell in cells])
        for cells in selected.rejected_cells(run)
    )
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="import-{pk}-rejected.csv"'
    return answer


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _cells(run: ImportRun, row: RejectedRow) -> list[tuple[str, str]]:
    """Return a row's cells in the order of its file; JSON in the database keeps none."""
    columns = [*replaying.columns_of(run, row.file), "further", "text"]
    return [(name, str(row.row[name])) for name in columns if name in row.row]


def _largest_first(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _went(done: replaying.Replayed) -> str:
    return "went in" if done.good else "was there already"


def _trail() -> list[tuple[str, str]]:
    return [("Imports", reverse("interests:imports"))]


def _page(request: HttpRequest) -> int:
    text = request.GET.get("page", "")
    return (
        min(max(int(text), 1), LAST_PAGE)
        if text.isascii() and text.isdigit() and len(text) < 10
        else 1
    )


def _pages(request: HttpRequest, *, page: int, shown: int, total: int) -> dict[str, Any]:
    """Return where a page stands among its fellows, with their addresses, the filters kept."""
    first = (page - 1) * PAGE_SIZE

    def address(number: int) -> str:
        query = request.GET.copy()
        query["page"] = str(number)
        return f"?{query.urlencode()}"

    return {
        "first": first + 1 if shown else 0,
        "last": first + shown,
        "total": total,
        "previous": address(page - 1) if page > 1 else "",
        "following": address(page + 1) if first + shown < total else "",
    }
