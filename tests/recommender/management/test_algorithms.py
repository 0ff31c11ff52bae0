from __future__ import annotations

import io
import json
from pathlib import Path

from django.core.management import call_command

from recommender import algorithms
from recommender.algorithms import Entry
from recommender.management import algorithm_table

TABLE = Path(__file__).parents[3] / "docs" / "algorithms" / "README.md"


def printed(*arguments: str) -> str:
    out = io.StringIO()
    call_command("algorithms", *arguments, stdout=out)
    return out.getvalue()


def test_every_algorithm_has_a_line_under_its_family(monkeypatch):
    monkeypatch.setattr(
        algorithms,
        "REGISTRY",
        {
            "most_popular": Entry("popularity", "MostPopular", "without a person", "By events."),
            "ease": Entry("linear", "Ease", "factors and linear", "In closed form."),
            "latest": Entry("latest", "Latest", "without a person", "Newest first."),
        },
    )

    assert printed().splitlines() == [
        "Without a person:",
        " * most_popular  By events.",
        "   latest        Newest first.",
        "",
        "Factors and linear:",
        " * ease          In closed form.",
        "",
        "3 algorithms. * is compared where nothing else is asked for (usual).",
    ]


def test_json_holds_the_whole_registry():
    rows = json.loads(printed("--json"))

    assert sorted(row["name"] for row in rows) == sorted(algorithms.REGISTRY)
    [ease] = [row for row in rows if row["name"] == "ease"]
    assert ease == {
        "name": "ease",
        "family": "factors and linear",
        "summary": algorithms.REGISTRY["ease"].summary,
        "source": "Steck, WWW 2019",
        "is_usual": True,
    }


def test_what_nobody_published_has_no_source():
    assert algorithm_table.source_of(algorithms.REGISTRY["most_popular"]) == ""


def test_table_in_the_documents_lists_exactly_the_registry():
    said = "Write it anew: manage.py algorithms --markdown > docs/algorithms/README.md"

    assert TABLE.read_text(encoding="utf-8") == algorithm_table.markdown(), said
