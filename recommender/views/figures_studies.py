"""Figures of a study: how the best grew, where good settings lie, which settings matter."""

from __future__ import annotations

from collections.abc import Sequence

from recommender.charts import studies as charts
from recommender.charts.studies import Point
from recommender.selectors.pages_studies import StudyPage
from recommender.templatetags import words
from recommender.views.figures import Choice, Figure


def history(found: StudyPage, points: Sequence[Point]) -> Figure | None:
    """Return the trials with the best so far, None before the first has ended."""
    if not points:
        return None
    best = 0.0
    rows = []
    for point in points:
        best = max(best, point.value)
        rows.append([str(point.number), words.metric(point.value), words.metric(best)])
    return Figure(
        name="history",
        question="Does it still find better settings?",
        sentence=charts.history_sentence(points),
        plot=charts.history(points),
        header=["Trial", "NDCG@10", "Best so far"],
        rows=rows,
        file=f"study-{found.row.pk}-history",
    )


def slice_of(found: StudyPage, points: Sequence[Point], *, name: str) -> Figure | None:
    """Return the trials by one setting, with the others to choose from; None where there are none yet."""
    known = [point for point in points if name in point.params]
    if not known:
        return None
    best = max(points, key=lambda point: (point.value, -point.number)).number
    is_log = bool(found.space[name].get("is_log"))
    return Figure(
        name="slice",
        question=f"Where do good values of {charts.setting_name(name).lower()} lie?",
        sentence=charts.slice_sentence(points, name=name),
        plot=charts.slice_of(points, name=name, is_log=is_log, best=best),
        header=["Trial", charts.setting_name(name), "NDCG@10"],
        rows=[
            [str(one.number), charts.setting_value(one.params[name]), words.metric(one.value)]
            for one in known
        ],
        file=f"study-{found.row.pk}-{name.replace('.', '-')}",
        choices=[
            Choice(charts.setting_name(one), f"?setting={one}", one == name) for one in found.space
        ],
    )


def importances(found: StudyPage) -> Figure | None:
    """Return which settings matter, None where too few trials have ended to say."""
    if not found.importances:
        return None
    return Figure(
        name="importance",
        question="Which settings matter?",
        sentence=charts.importance_sentence(found.importances),
        plot=charts.importance_bars(found.importances),
        header=["Setting", "Share explained"],
        rows=[
            [charts.setting_name(name), words.percent(share)]
            for name, share in sorted(found.importances.items(), key=lambda item: -item[1])
        ],
        file=f"study-{found.row.pk}-importance",
        size="low",
    )
