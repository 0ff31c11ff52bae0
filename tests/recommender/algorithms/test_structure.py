"""Values taken apart and put together are the values they were."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from recommender.algorithms import structure
from recommender.algorithms.structure import BadStructure, CannotSave


@dataclass(frozen=True)
class Box:
    content: Any
    label: str = ""
    worked_out: list[int] = field(default_factory=list, init=False)


class Pair(NamedTuple):
    left: Any
    right: Any


class Colour(StrEnum):
    RED = "red"


@dataclass
class Loose:
    content: int


@pytest.fixture(autouse=True)
def _known(monkeypatch):
    monkeypatch.setattr(structure, "MODULES", {*structure.MODULES, __name__})


def there_and_back(value):
    nodes, arrays = structure.take_apart(value)
    copies = {name: np.array(array, order="C") for name, array in arrays.items()}
    return structure.put_together(json.loads(json.dumps(nodes)), copies)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        2**80,
        "ü\udc80 \0",
        b"\x00\xff",
        0.1,
        (1, [2.5, {"a": (), 3: None}], {(1, 2): "x"}),
        {1, 2},
        frozenset({"a"}),
        Colour.RED,
        Pair(1, Pair("a", None)),
        Box(Box((Box(1), "a")), "outer"),
    ],
)
def test_plain_values_and_what_holds_them_come_back(value):
    back = there_and_back(value)

    assert back == value
    assert type(back) is type(value)


def test_nan_and_infinities_come_back():
    back = there_and_back([math.nan, math.inf, -math.inf, np.array([np.nan, -np.inf])])

    assert math.isnan(back[0])
    assert back[1:3] == [math.inf, -math.inf]
    np.testing.assert_array_equal(back[3], [np.nan, -np.inf])


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int16).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(12, dtype=np.float32).reshape(3, 4)[:, ::2],
        np.array([True, False]),
        np.zeros((0, 3), np.float16),
        np.array(7, np.uint64),
        np.array(["2026-11-21", "NaT"], "datetime64[us]"),
        np.array(["a", "", "üü"], object),
        np.array([["ab", "c"]]),
        np.array([], object),
    ],
)
def test_arrays_keep_numbers_type_shape_and_order_in_memory(array):
    back = there_and_back(array)

    np.testing.assert_array_equal(back, array)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    if array.flags.f_contiguous or array.flags.c_contiguous:
        assert back.flags.f_contiguous == array.flags.f_contiguous


def test_a_number_of_numpy_stays_one():
    back = there_and_back(np.float32(0.1))

    assert type(back) is np.float32
    assert back == np.float32(0.1)


@pytest.mark.parametrize("name", structure.SPARSE)
def test_sparse_matrices_keep_their_format_and_entries(name):
    matrix = structure.SPARSE[name](np.array([[0, 1.5, 0], [2, 0, 0]], np.float32))

    back = there_and_back(matrix)

    assert type(back) is type(matrix)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back.toarray(), matrix.toarray())


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(6.0).reshape(2, 3),
        torch.arange(6).reshape(2, 3).T,
        torch.tensor([1.5, -2], dtype=torch.bfloat16),
        torch.tensor(3.0, requires_grad=True),
        torch.tensor([[0.0, 2], [3, 0]]).to_sparse(),
    ],
)
def test_tensors_keep_numbers_type_and_layout(tensor):
    back = there_and_back(tensor)

    assert (back.dtype, back.shape, back.layout) == (tensor.dtype, tensor.shape, tensor.layout)
    assert torch.equal(back.to_dense(), tensor.detach().to_dense())
    assert not back.requires_grad


def test_the_same_memory_is_kept_once_and_is_the_same_again():
    array = np.arange(5)
    tensor = torch.arange(4)

    nodes, arrays = structure.take_apart((array, Box(array), tensor, tensor))
    back = structure.put_together(nodes, {name: one.copy() for name, one in arrays.items()})

    assert len(arrays) == 2
    assert back[0] is back[1].content
    assert back[2].data_ptr() == back[3].data_ptr()


def test_ten_thousand_values_inside_each_other_come_back():
    deep = None
    for _ in range(10_000):
        deep = Box([deep])

    back, depth = there_and_back(deep), 0
    while back is not None:
        back, depth = back.content[0], depth + 1

    assert depth == 10_000


def callable_inside() -> dict[str, Callable[[], int]]:
    return {"a": lambda: 1}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (callable_inside(), "function"),
        (Loose(1), "not a frozen dataclass"),
        (np.array([1, "a"], object), "no texts"),
        (np.array([1j]), "complex128"),
        (object(), "builtins:object"),
    ],
)
def test_what_no_file_can_hold_is_refused(value, said):
    with pytest.raises(CannotSave, match=said):
        structure.take_apart([value])


def test_a_list_that_contains_itself_is_refused(monkeypatch):
    monkeypatch.setattr(structure, "MAX_NODES", 100)
    endless = []
    endless.append(endless)

    with pytest.raises(CannotSave, match="contains itself"):
        structure.take_apart(endless)


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ({"is": "object", "class": "subprocess:Popen", "fields": [], "parts": []}, "subprocess"),
        ({"is": "object", "class": f"{__name__}:Gone", "fields": [], "parts": []}, "has no"),
        ({"is": "object", "class": f"{__name__}:Box", "fields": ["other"], "parts": []}, "fields"),
        ({"is": "named", "class": f"{__name__}:json.dumps", "parts": []}, "no class"),
        ({"is": "array", "array": "9", "dtype": "<f4", "turned": False, "scalar": False}, "KeyError"),
        ({"is": "something"}, "KeyError"),
    ],
)  # fmt: skip
def test_nodes_of_what_is_not_known_are_refused(node, said):
    with pytest.raises(BadStructure, match=said):
        structure.put_together([node], {})
