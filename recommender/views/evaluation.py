"""How good the recommendations are: the leaderboard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from recommender.selectors import pages_evaluation, pages_leaderboard
from recommender.selectors.pages_evaluation import Report, Wish
from recommender.selectors.pages_leaderboard import Filters
from recommender.templatetags import words
from recommender.views import figures, files, paging
from recommender.views.frame import is_part_asked

QUESTIONS = {
    "leave-one-out": "Given all but a person's last event: is that last one in the list?",
    "time": "Given what was known on one day for everybody: is what they chose afterwards in the list?",
}
# The one choice of end users that is no part of them.
EACH_PART = "each"
# Best values come first at the first click where more is better, else the least.
COSTS = (("fit", "Fit"), ("score", "Answers"), ("memory", "Memory"))


@dataclass(frozen=True)
class Column:
    """A heading of the table, with the address that sorts by it."""

    name: str
    href: str
    direction: str = ""
    css: str = "number"
    title: str = ""


@login_required
def evaluation(request: HttpRequest) -> HttpResponseBase:
    split = request.GET.get("split", "")
    if split not in pages_evaluation.SPLITS:
        split = pages_evaluation.SPLITS[0]
    if is_part_asked(request):
        return _progress(request, split)
    past = pages_evaluation.past_runs(split=split)
    run_id = paging.number(request, "run", default=past[0].pk if past else 0)
    report = pages_evaluation.report(run_id=run_id, wish=_wish(request)) if run_id else None
    filters = Filters(
        query=_text(request, "q").strip(), family=_text(request, "family"), sort=_text(request, "sort")
    )  # fmt: skip
    if report and request.GET.get("format") == "csv":
        return files.csv_file(f"evaluation-{report.run_id}", _HEADER, _rows(report, filters))
    context = _context(split, past, report)
    if report:
        context |= _table(request, report, filters)
    return render(request, "recommender/evaluation.html", context)


def _wish(request: HttpRequest) -> Wish:
    segment = _text(request, "segment")
    is_by_part = segment == EACH_PART
    return Wish(
        segment=pages_evaluation.EVERYBODY if is_by_part else segment,
        metric=_text(request, "metric"),
        is_by_part=is_by_part,
        baseline=_text(request, "baseline"),
    )


def _text(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\0", "")[:100]


def _progress(request: HttpRequest, split: str) -> HttpResponse:
    """Return the part that shows how far an evaluation is; once it has ended the whole page is due."""
    found = pages_evaluation.under_way(split=split)
    part = render(request, "recommender/parts/under_way.html", {"under_way": found})
    if found is None:
        part["HX-Refresh"] = "true"
    return part


def _context(
    split: str, past: Sequence[pages_evaluation.PastRun], report: Report | None
) -> dict[str, Any]:
    return {
        "title": "Leaderboard",
        "place": "Leaderboard",
        "split": split,
        "splits": QUESTIONS,
        "question": QUESTIONS[split],
        "past": past,
        "under_way": pages_evaluation.under_way(split=split),
        "report": report,
        "figure": figures.metric_bars(report) if report else None,
        "costs": figures.accuracy_over_time(report) if report else None,
        "sentence": figures.evaluation_sentence(report) if report else "",
        "order_sentence": figures.order_sentence(report) if report else "",
    }


def _table(request: HttpRequest, report: Report, filters: Filters) -> dict[str, Any]:
    sort = pages_leaderboard.sort_of(report, filters.sort)
    groups = pages_leaderboard.groups(report, filters)
    return {
        "filters": filters,
        "sort": sort,
        "groups": groups,
        "num_shown": sum(len(group.lines) for group in groups),
        "unfitted": pages_leaderboard.unfitted(report, filters),
        "families": pages_leaderboard.families(report),
        "names": sorted(line.algorithm for line in report.lines),
        "best": report.lines[0].algorithm,
        "second": report.lines[1].algorithm if report.lines[1:] else report.lines[0].algorithm,
        "each_part": EACH_PART,
        "is_narrowed": bool(filters.query or filters.family),
        "columns": _columns(request, report, sort),
    }


def _columns(request: HttpRequest, report: Report, sort: str) -> list[Column]:
    def column(key: str, name: str, *, is_more_better: bool = False, **fields: str) -> Column:
        is_here, is_falling = sort.removeprefix("-") == key, sort.startswith("-")
        falls_next = not is_falling if is_here else is_more_better
        direction = ("descending" if is_falling else "ascending") if is_here else ""
        query = request.GET.copy()
        query["sort"] = f"-{key}" if falls_next else key
        return Column(name, "?" + query.urlencode(), direction, **fields)

    is_by_part = report.wish.is_by_part
    shown = [
        column(key, words.words(key) if is_by_part else words.metric_name(key), is_more_better=True)
        for key in report.columns
    ]
    if is_by_part:
        shown[0] = column(pages_evaluation.EVERYBODY, "All end users", is_more_better=True)
    ndcg = f"NDCG@{report.k}"
    return [
        column("algorithm", "Algorithm", css=""),
        *shown,
        column("difference", f"{ndcg} − baseline", is_more_better=True,
               title=f"Difference to {words.algorithm(report.baseline)} over the same end users"),
        column("p", "p", title=f"Paired test of {ndcg} against {words.algorithm(report.baseline)}"),
        *(column(key, name) for key, name in COSTS),
        Column("End users", ""),
    ]  # fmt: skip


_HEADER = (
    "algorithm", "metric", "value", "low", "high", "p_value", "end_users", "family", "segment", "fit_seconds",
    "score_seconds", "memory_bytes",
)  # fmt: skip


def _rows(report: Report, filters: Filters) -> Iterator[tuple[Any, ...]]:
    """Yield each number that the table shows, with the p-value against the evaluation's own baseline."""
    metric, segment = report.wish.metric or report.metrics[0], report.segment
    for group in pages_leaderboard.groups(report, filters):
        for line in group.lines:
            costs = line.costs
            for column, cell in zip(report.columns, line.cells, strict=True):
                if cell is None:
                    continue
                place = (metric, column) if report.wish.is_by_part else (column, segment)
                yield (
                    line.algorithm, place[0], cell.value, cell.low, cell.high, cell.p_value, cell.num_users,
                    line.family, place[1], costs.fit_seconds, costs.score_seconds, costs.memory_bytes,
                )  # fmt: skip
