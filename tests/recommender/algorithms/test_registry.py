"""Names lead to algorithms, and torch comes only with the network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from recommender import algorithms

ROOT = Path(__file__).parents[3]


def test_every_name_makes_an_algorithm_of_that_name():
    assert [algorithms.make(name).name for name in algorithms.names()] == list(algorithms.names())


def test_the_popular_ones_are_always_in_the_table():
    assert algorithms.chosen_names(["ease"]) == ("most_popular", "recently_popular", "ease")
    assert algorithms.chosen_names(["all"]) == algorithms.names()
    assert algorithms.chosen_names(["usual"]) == algorithms.USUAL
    neighbours = [n for n, entry in algorithms.REGISTRY.items() if entry.family == "neighbours"]
    assert algorithms.chosen_names(["neighbours"]) == (*algorithms.ALWAYS, *neighbours)


def test_every_algorithm_has_a_family_and_a_line_about_it():
    entries = algorithms.REGISTRY.values()

    assert {entry.family for entry in entries} <= set(algorithms.FAMILIES)
    assert [e.summary for e in entries if not e.summary.endswith(".") or len(e.summary) > 90] == []


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (["eaze"], "no algorithm 'eaze'. Choose from: most_popular"),
        ([""], "None given. Choose from"),
    ],
)
def test_an_unknown_name_is_answered_with_those_there_are(wanted, words):
    with pytest.raises(algorithms.UnknownAlgorithm, match=words):
        algorithms.chosen_names(wanted)


def test_torch_is_imported_for_those_only_that_need_it():
    program = (
        "import sys; from recommender import algorithms\n"
        "[algorithms.make(n) for n in ('most_popular', 'recently_popular', 'item_knn')]\n"
        "print('torch' in sys.modules); algorithms.make('interest_network')\n"
        "print('torch' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.stdout.split() == ["False", "True"], done.stderr
