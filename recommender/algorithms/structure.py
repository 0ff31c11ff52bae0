"""Fitted algorithms as plain nodes and arrays, and back: what a file can hold without any code in it.

A value is taken apart into a list of nodes that JSON can hold, in which a node names its parts by their place
further down the list, and into named arrays. However deep it is, nothing here calls itself. Arrays that are the
same memory are kept once, and are the same again afterwards.
"""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from interests.learning import checkpoints, devices
from interests.learning.trained import ForeignWeights, TrainedNetwork

# Where classes may come from; a file that names another is refused.
PACKAGE = "recommender.algorithms."
MODULES = {"interests.datasets.log", "interests.learning.config", "interests.learning.event_kinds"}
# Lists longer than this should be arrays; one that contains itself would never end.
MAX_NODES = 2_000_000
SPARSE = {
    f"{format}_{kind}": getattr(sparse, f"{format}_{kind}")
    for format in ("csr", "csc", "coo")
    for kind in ("array", "matrix")
}
BUFFER_PARTS = {torch.sparse_coo: ("indices", "values"), torch.sparse_csr: ("crow_indices", "col_indices", "values")}  # fmt: skip

Node = dict[str, Any]
Arrays = dict[str, NDArray[Any]]


class CannotSave(Exception):
    """A fitted algorithm holds something that a file without code in it cannot; the message says what."""


class BadStructure(Exception):
    """The nodes do not describe what this release of the code can build."""


def take_apart(value: Any) -> tuple[list[Node], Arrays]:
    """Return the nodes of a value, itself first, and its arrays by name; arrays are not copied.

    Raises:
        CannotSave: it holds something else than arrays, plain values, tuples, lists, dicts, frozen dataclasses
            of known modules, and trained networks.
    """
    return _Writer().walk(value)


def put_together(nodes: Sequence[Node], arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Return the value that was taken apart.

    Raises:
        BadStructure: something is missing, or of a class that is not known (any more).
    """
    return _Reader(arrays).build(nodes)


class _Writer:
    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.arrays: Arrays = {}
        self._names: dict[tuple[Any, ...], str] = {}
        self._waiting: list[Any] = []
        # Tensors made on the way live as long as this, so that no two of them have one address.
        self._alive: list[Any] = []

    def walk(self, value: Any) -> tuple[list[Node], Arrays]:
        self._waiting.append(value)
        while len(self.nodes) < len(self._waiting):
            self.nodes.append(self._node(self._waiting[len(self.nodes)]))
        return self.nodes, self.arrays

    def _later(self, value: Any) -> int:
        if len(self._waiting) >= MAX_NODES:
            raise CannotSave(
                f"It holds more than {MAX_NODES:,} plain values, or contains itself: keep them in an array."
            )
        self._waiting.append(value)
        return len(self._waiting) - 1

    def _node(self, value: Any) -> Node:
        plain = _plain(value)
        if plain is not None:
            return plain
        if isinstance(value, np.ndarray | np.generic):
            return self._array(np.asarray(value)) | {"scalar": isinstance(value, np.generic)}
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if type(value).__name__ in SPARSE and sparse.issparse(value):
            return self._sparse(value)
        if type(value) in (tuple, list, set, frozenset):
            return {"is": type(value).__name__, "parts": [self._later(one) for one in value]}
        if isinstance(value, Mapping):
            parts = [self._later(part) for pair in value.items() for part in pair]
            return {"is": "dict", "parts": parts}
        return self._object(value)

    def _sparse(self, matrix: Any) -> Node:
        names = ("row", "col") if matrix.format == "coo" else ("indices", "indptr")
        parts = [self._later(getattr(matrix, name)) for name in ("data", *names)]
        shape = [int(size) for size in matrix.shape]
        return {"is": "sparse", "class": type(matrix).__name__, "parts": parts, "shape": shape}

    def _object(self, value: Any) -> Node:
        kind = type(value)
        if kind is TrainedNetwork:
            state = {name: part.detach() for name, part in value.network.state_dict().items()}
            parts = [checkpoints.meaning(value), value.item_ids, value.log_rises, state]
            return {"is": "network", "parts": [self._later(part) for part in parts]}
        name = f"{kind.__module__}:{kind.__qualname__}"
        if not is_known(kind.__module__):
            raise CannotSave(f"It holds {name}, which no file can: keep its numbers in arrays.")
        if isinstance(value, Enum):
            return {"is": "member", "class": name, "name": value.name}
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            return {"is": "named", "class": name, "parts": [self._later(part) for part in value]}
        if not dataclasses.is_dataclass(kind) or not _is_frozen(kind):
            raise CannotSave(f"It holds {name}, which is not a frozen dataclass.")
        fields = _fields(kind)
        parts = [self._later(getattr(value, field)) for field in fields]
        return {"is": "object", "class": name, "fields": fields, "parts": parts}

    def _array(self, array: NDArray[Any]) -> Node:
        kind = array.dtype.kind
        if kind in "OU":
            return self._texts(array)
        if kind not in "biufmM" or array.dtype.itemsize > 8:
            raise CannotSave(f"It holds an array of {array.dtype}, which no file can.")
        is_turned = array.flags.f_contiguous and not array.flags.c_contiguous
        pointer = array.__array_interface__["data"][0]
        key = (pointer, array.shape, array.strides, array.dtype.str)
        return {
            "is": "array",
            "array": self._named(key, array.T if is_turned else array),
            "dtype": array.dtype.str,
            "turned": is_turned,
        }

    def _named(self, key: tuple[Any, ...], array: NDArray[Any]) -> str:
        if key not in self._names:
            self._names[key] = f"array {len(self.arrays)}"
            self.arrays[self._names[key]] = array
            self._alive.append(array)
        return self._names[key]

    def _texts(self, array: NDArray[Any]) -> Node:
        flat = array.ravel().tolist()
        if not all(isinstance(one, str) for one in flat):
            raise CannotSave("It holds an array of objects that are no texts, which no file can.")
        coded = [one.encode("utf-8", "surrogatepass") for one in flat]
        ends = np.cumsum([len(one) for one in coded], dtype=np.int64)
        parts = [self._later(np.frombuffer(b"".join(coded), np.uint8)), self._later(ends)]
        return {"is": "texts", "parts": parts, "shape": list(array.shape), "dtype": array.dtype.str}

    def _tensor(self, tensor: torch.Tensor) -> Node:
        tensor = tensor.detach()
        here = {"is": "tensor", "on_device": tensor.device.type != "cpu"}
        names = BUFFER_PARTS.get(tensor.layout)
        if names:
            tensor = tensor.coalesce() if tensor.layout == torch.sparse_coo else tensor
            parts = [self._later(getattr(tensor, name)()) for name in names]
            layout = str(tensor.layout).removeprefix("torch.")
            return here | {"layout": layout, "parts": parts, "shape": list(tensor.shape)}
        tensor = tensor.resolve_conj().resolve_neg().cpu()
        self._alive.append(tensor)
        is_half = tensor.dtype == torch.bfloat16
        array = (tensor.view(torch.int16) if is_half else tensor).numpy()
        return here | {"layout": "strided", "parts": [self._later(array)], "is_bfloat16": is_half}


class _Reader:
    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._arrays = arrays
        self._built: dict[int, Any] = {}
        self._turned: dict[tuple[str, bool, str], NDArray[Any]] = {}

    def build(self, nodes: Sequence[Node]) -> Any:
        # Parts stand further down than what they are parts of.
        for place in range(len(nodes) - 1, -1, -1):
            try:
                self._built[place] = self._value(nodes[place])
            except BadStructure:
                raise
            except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
                raise BadStructure(f"{type(error).__name__}: {error}") from error
        return self._built[0]

    def _value(self, node: Node) -> Any:
        kind = node["is"]
        if kind == "plain":
            return node["value"]
        if kind == "float":
            return float(node["value"])
        if kind == "bytes":
            return base64.b64decode(node["value"])
        if kind == "array":
            return self._array(node)
        if kind == "member":
            return _class(node["class"])[node["name"]]
        # Let go of what now lives in the whole.
        return _MAKERS[kind](node, [self._built.pop(place) for place in node["parts"]])

    def _array(self, node: Node) -> Any:
        key = (node["array"], node["turned"], node["dtype"])
        if key not in self._turned:
            array = self._arrays[node["array"]]
            array = array.view(node["dtype"])
            self._turned[key] = array.T if node["turned"] else array
        array = self._turned[key]
        return array[()] if node["scalar"] else array


def _dict_of(node: Node, parts: list[Any]) -> dict[Any, Any]:
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _sparse_of(node: Node, parts: list[Any]) -> Any:
    name, shape = node["class"], tuple(node["shape"])
    if name.startswith("coo"):
        return SPARSE[name]((parts[0], (parts[1], parts[2])), shape=shape)
    return SPARSE[name](tuple(parts), shape=shape)


def _object_of(node: Node, parts: list[Any]) -> Any:
    found = _class(node["class"])
    if not hasattr(found, "__dataclass_fields__") or node["fields"] != _fields(found):
        raise BadStructure(f"{node['class']} has other fields in this release.")
    return found(**dict(zip(node["fields"], parts, strict=True)))


def _texts_of(node: Node, parts: list[Any]) -> NDArray[Any]:
    whole, ends = parts[0].tobytes(), parts[1].tolist()
    texts = [
        whole[start:end].decode("utf-8", "surrogatepass")
        for start, end in zip([0, *ends], ends, strict=False)
    ]
    array = np.empty(len(texts), object)
    array[:] = texts
    return array.astype(np.dtype(node["dtype"]), copy=False).reshape(node["shape"])


def _tensor_of(node: Node, parts: list[Any]) -> torch.Tensor:
    if node["layout"] == "strided":
        tensor = torch.from_numpy(parts[0])
        tensor = tensor.view(torch.bfloat16) if node["is_bfloat16"] else tensor
    elif node["layout"] == "sparse_coo":
        places, values = parts
        tensor = torch.sparse_coo_tensor(
            places, values, node["shape"], is_coalesced=True, check_invariants=True
        )
    else:
        starts, columns, values = parts
        tensor = torch.sparse_csr_tensor(
            starts, columns, values, node["shape"], check_invariants=True
        )
    return tensor.to(devices.best()) if node["on_device"] else tensor


def _network_of(node: Node, parts: list[Any]) -> TrainedNetwork:
    meaning, item_ids, log_rises, state = parts
    try:
        return checkpoints.build(state, meaning, item_ids=item_ids, log_rises=log_rises)
    except ForeignWeights as error:
        raise BadStructure(str(error)) from error


_MAKERS: dict[str, Callable[[Node, list[Any]], Any]] = {
    "tuple": lambda node, parts: tuple(parts),
    "list": lambda node, parts: parts,
    "set": lambda node, parts: set(parts),
    "frozenset": lambda node, parts: frozenset(parts),
    "named": lambda node, parts: _class(node["class"])(*parts),
    "dict": _dict_of,
    "sparse": _sparse_of,
    "object": _object_of,
    "texts": _texts_of,
    "tensor": _tensor_of,
    "network": _network_of,
}


def is_known(module: str) -> bool:
    """Say whether classes of a module may be in a file."""
    return module.startswith(PACKAGE) or module in MODULES


def _class(name: str) -> Any:
    """Return the class of a known module; nothing else is even imported."""
    module, _, qualified = name.partition(":")
    if not is_known(module):
        raise BadStructure(f"{name} is no class that a fitted algorithm may consist of.")
    try:
        found: Any = import_module(module)
        for part in qualified.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise BadStructure(f"This release has no {name}.") from error
    if not isinstance(found, type) or found.__module__ != module:
        raise BadStructure(f"{name} is no class of that module.")
    return found


def _plain(value: Any) -> Node | None:
    if value is None or type(value) in (bool, int, str):
        return {"is": "plain", "value": value}
    if type(value) is float:
        # JSON knows no NaN and no infinity.
        return {"is": "plain", "value": value} if math.isfinite(value) else {"is": "float", "value": str(value)}  # fmt: skip
    if type(value) is bytes:
        return {"is": "bytes", "value": base64.b64encode(value).decode()}
    return None


def _fields(kind: type) -> list[str]:
    """Return what a class is made of; what it works out by itself, and caches, are not in files."""
    return [field.name for field in dataclasses.fields(kind) if field.init]


def _is_frozen(kind: type) -> bool:
    return bool(getattr(kind, "__dataclass_params__").frozen)  # noqa: B009  # private to mypy
