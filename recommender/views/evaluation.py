"""How good the recommendations are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from recommender.selectors import pages_evaluation
from recommender.views import figures, files, paging
from recommender.views.frame import is_part_asked

QUESTIONS = {
    "leave-one-out": "Given all but a person's last event: is that last one in the list?",
    "time": "Given what was known on one day for everybody: is what they chose afterwards in the list?",
}


@login_required
def evaluation(request: HttpRequest) -> HttpResponseBase:
    split = request.GET.get("split", "")
    if split not in pages_evaluation.SPLITS:
        split = pages_evaluation.SPLITS[0]
    if is_part_asked(request):
        return _progress(request, split)
    past = pages_evaluation.past_runs(split=split)
    run_id = paging.number(request, "run", default=past[0].pk if past else 0)
    segment = request.GET.get("segment", "all")
    report = pages_evaluation.report(run_id=run_id, segment=segment) if run_id else None
    if report and request.GET.get("format") == "csv":
        return files.csv_file(f"evaluation-{report.run_id}", _HEADER, _rows(report))
    return render(request, "recommender/evaluation.html", _context(split, past, report))


def _progress(request: HttpRequest, split: str) -> HttpResponse:
    """Return the part that shows how far an evaluation is; once it has ended the whole page is due."""
    found = pages_evaluation.under_way(split=split)
    part = render(request, "recommender/parts/under_way.html", {"under_way": found})
    if found is None:
        part["HX-Refresh"] = "true"
    return part


def _context(
    split: str, past: list[pages_evaluation.PastRun], report: pages_evaluation.Report | None
) -> dict[str, Any]:
    return {
        "title": "Evaluation",
        "place": "Evaluation",
        "split": split,
        "splits": QUESTIONS,
        "question": QUESTIONS[split],
        "past": past,
        "under_way": pages_evaluation.under_way(split=split),
        "report": report,
        "figure": figures.metric_bars(report) if report else None,
        "sentence": figures.evaluation_sentence(report) if report else "",
        "order_sentence": figures.order_sentence(report) if report else "",
    }


_HEADER = ("algorithm", "metric", "value", "low", "high", "p_value", "end_users")


def _rows(report: pages_evaluation.Report) -> Iterator[tuple[Any, ...]]:
    for line in report.lines:
        for metric, cell in zip(report.metrics, line.cells, strict=True):
            if cell:
                yield (line.algorithm, metric, cell.value, cell.low, cell.high, cell.p_value, cell.num_users)  # fmt: skip
