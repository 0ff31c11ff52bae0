"""The worked example in CONTRIBUTING.md does what it says."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from recommender import algorithms
from recommender.algorithms import Entry
from recommender.evaluation import runner, splits
from recommender.evaluation.answers import Request
from tests.recommender.algorithms import test_contract
from tests.recommender.logs import drawn_log, log_of

HEADING = "## Adding an algorithm takes one file and one registry line"
NAME = "also_chosen"
PROMISES = [name for name in vars(test_contract) if name.startswith("test_")]


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the example's file and its registry line where they belong."""
    text = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split(HEADING, 1)[1].split("\n## ", 1)[0]
    file, line = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    module = ModuleType(f"recommender.algorithms.{NAME}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(file, "CONTRIBUTING.md", "exec"), vars(module))  # noqa: S102  # our own document
    ast.parse("{" + line + "}", mode="eval")
    registered = eval("{" + line + "}", {"Entry": Entry, "NEIGHBOURS": algorithms.NEIGHBOURS})
    assert list(registered) == [NAME]
    monkeypatch.setitem(algorithms.REGISTRY, NAME, registered[NAME])


@pytest.mark.parametrize("promise", PROMISES)
def test_the_example_keeps_what_every_algorithm_promises(
    example: None, promise: str, tmp_path: Path
) -> None:
    test = getattr(test_contract, promise)
    given = {"name": NAME, "tmp_path": tmp_path}

    test(**{name: given[name] for name in inspect.signature(test).parameters})


def test_the_example_counts_who_chose_both(example: None) -> None:
    # Of those who chose a, all three chose b and one chose c; dan chose a alone, eve c.
    rows = [("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 1), ("bob", "b", 2), ("cy", "a", 1),
            ("cy", "b", 2), ("cy", "c", 3), ("dan", "a", 1), ("eve", "c", 1)]  # fmt: skip
    log = log_of(rows)
    algorithm = algorithms.make(NAME)

    fitted = algorithm.fit(log, settings=algorithm.grid()[0], seed=0)
    scores = fitted.scores(log, users=np.array([3], np.int32))

    # Of the four who chose a three chose b and one c; what breaks ties is a millionth.
    assert scores[0] == pytest.approx([0, 3 / 4, 1 / 4], abs=2e-6)


def test_the_example_is_compared_by_its_name(example: None) -> None:
    split = splits.split(drawn_log(), name="leave-one-out")
    made = [algorithms.make(name) for name in algorithms.chosen_names([NAME])]

    found = {
        result.algorithm: result for result in runner.run(split, algorithms=made, request=Request())
    }

    assert set(found) == {*algorithms.ALWAYS, NAME}
    best = max(found[name].segments["all"].values["ndcg@10"] for name in algorithms.ALWAYS)
    assert found[NAME].segments["all"].values["ndcg@10"] > best
