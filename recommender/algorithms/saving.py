"""Fitted algorithms in one file each: arrays as safetensors, what they mean as JSON in its header, no pickle.

The header says which algorithm with which settings it is, holds the structure (see `structure`) and two hashes: of
the catalogue's item ids, as indices into which items are kept, and of the whole file with this hash as zeros. What
is not the file that was saved is refused before anything is made of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray

from interests.datasets.log import Catalogue
from interests.learning import storage
from recommender.algorithms import structure
from recommender.algorithms.protocol import Fitted
from recommender.algorithms.structure import CannotSave

__all__ = ["CannotLoad", "CannotSave", "Loaded", "catalogue_sha256", "load", "num_bytes", "save"]

FORMAT = "recsite algorithm"
# Raised whenever the same file would mean something else to the code.
VERSION = 1
NO_HASH = "0" * 64
# As safetensors names them.
DTYPES = {
    "|b1": "BOOL", "|u1": "U8", "|i1": "I8", "<u2": "U16", "<i2": "I16", "<u4": "U32", "<i4": "I32", "<u8": "U64",
    "<i8": "I64", "<f2": "F16", "<f4": "F32", "<f8": "F64",
}  # fmt: skip
# safetensors reads no longer header.
MAX_HEADER = 100_000_000
CHUNK = 1 << 24


class CannotLoad(Exception):
    """The file is not what was asked for, or not whole; the message says which and what to do."""


@dataclass(frozen=True)
class Loaded:
    """What was in a file.

    Attributes:
        settings: the algorithm's own, with which it was fitted
        sha256: of the file
    """

    algorithm: str
    settings: Any
    fitted: Fitted
    sha256: str


def save(fitted: Fitted, path: Path, *, algorithm: str, settings: Any, catalogue: Catalogue) -> str:
    """Write a fitted algorithm and return the hash by which `load` knows the file.

    Args:
        algorithm: its name.
        settings: a frozen dataclass, those of the fit.
        catalogue: the fit's; what is saved belongs to its items in their order.

    Raises:
        CannotSave: it holds something that no file without code can.
        OSError: the disk is full or the folder not writable; what was there before is still there.
    """
    nodes, arrays = structure.take_apart({"fitted": fitted, "settings": settings})
    meta = {
        "format": FORMAT,
        "version": str(VERSION),
        "algorithm": algorithm,
        "settings": json.dumps(asdict(settings) if is_dataclass(settings) else {}, default=str),  # type: ignore[arg-type]
        "catalogue_sha256": catalogue_sha256(catalogue),
        "sha256": NO_HASH,
        "structure": json.dumps(nodes, separators=(",", ":")),
    }
    head = _header(meta, arrays)
    digest = hashlib.sha256(head)
    for part in _buffers(arrays):
        digest.update(part)
    sha256 = digest.hexdigest()
    signed = head.replace(_signature(NO_HASH), _signature(sha256), 1)
    storage.write_parts(path, (part for parts in ([signed], _buffers(arrays)) for part in parts))
    return sha256


def load(
    path: Path, *, catalogue: Catalogue, algorithm: str | None = None, sha256: str | None = None
) -> Loaded:
    """Read a fitted algorithm that scores exactly as the one that was saved.

    Args:
        catalogue: must have the items of the fit, in their order.
        algorithm: the name it must have; None: any.
        sha256: what `save` returned; None takes the word of the file.

    Raises:
        CannotLoad: the file is missing, damaged, of another format, version, algorithm or catalogue.
    """
    meta = _checked_meta(path)
    if sha256 not in (None, meta["sha256"]):
        raise CannotLoad(f"{path} is not the file that is wanted: its SHA-256 is not {sha256}.")
    if algorithm not in (None, meta["algorithm"]):
        raise CannotLoad(f"{path} holds {meta['algorithm']}, not {algorithm}.")
    if meta["catalogue_sha256"] != catalogue_sha256(catalogue):
        raise CannotLoad(
            f"{path} was fitted on another catalogue: its items are not these. Fit it on this one."
        )
    try:
        # Mapped, not read twice: each array is copied once.
        with safetensors.safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no dict
        whole = structure.put_together(json.loads(meta["structure"]), arrays)
        return Loaded(meta["algorithm"], whole["settings"], whole["fitted"], meta["sha256"])
    except (safetensors.SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise CannotLoad(f"{path} cannot be read: {error}") from error
    except structure.BadStructure as error:
        raise CannotLoad(f"{path} is of another release: {error} Fit it again.") from error


def num_bytes(fitted: Fitted) -> int:
    """Return how many bytes a fitted algorithm takes in memory: its arrays, each once, and its plain values.

    Raises:
        CannotSave: see `save`.
    """
    nodes, arrays = structure.take_apart(fitted)
    plain = sum(len(str(node["value"])) for node in nodes if "value" in node)
    return plain + sum(array.nbytes for array in arrays.values())


def catalogue_sha256(catalogue: Catalogue) -> str:
    """Return the hash of the items' ids in their order."""
    return hashlib.sha256(json.dumps(catalogue.item_ids.tolist()).encode()).hexdigest()


def _header(meta: dict[str, str], arrays: structure.Arrays) -> bytes:
    """Return what stands before the arrays, as safetensors has it: its length, then JSON."""
    entries: dict[str, Any] = {"__metadata__": meta}
    place = 0
    for name, array in arrays.items():
        stored = _plain(array)
        if stored.dtype.str not in DTYPES:
            raise CannotSave(f"It holds an array of {array.dtype}, which no file can.")
        ends = [place, place + stored.nbytes]
        entries[name] = {
            "dtype": DTYPES[stored.dtype.str],
            "shape": list(stored.shape),
            "data_offsets": ends,
        }
        place = ends[1]
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER:
        raise CannotSave(f"Its plain values take {len(text) / 1e6:,.0f} MB: keep them in an array.")
    return len(text).to_bytes(8, "little") + text


def _buffers(arrays: structure.Arrays) -> Iterator[memoryview]:
    for array in arrays.values():
        if array.size:
            flat: Any = np.ascontiguousarray(_plain(array)).reshape(-1)
            yield memoryview(flat.view(np.uint8))


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return times as the numbers that they are."""
    return array.view(np.int64) if array.dtype.kind in "mM" else array


def _signature(sha256: str) -> bytes:
    return f'"sha256":"{sha256}"'.encode()


def _checked_meta(path: Path) -> dict[str, str]:
    """Return the header's facts of a file that is whole, as its hash says."""
    damaged = CannotLoad(
        f"{path} is damaged, or no saved algorithm. Restore it from a backup, or fit again."
    )
    try:
        with path.open("rb") as file:
            start = file.read(8)
            length = int.from_bytes(start, "little")
            text = file.read(length) if length <= MAX_HEADER else b""
            meta = json.loads(text)["__metadata__"]
            if meta["format"] != FORMAT:
                raise damaged
            if int(meta["version"]) != VERSION:
                raise CannotLoad(
                    f"{path} is of version {meta['version']}, this release reads {VERSION}. Fit again."
                )
            claimed = _signature(meta["sha256"])
            digest = hashlib.sha256(start + text.replace(claimed, _signature(NO_HASH), 1))
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise CannotLoad(f"{path} cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError) as error:
        raise damaged from error
    if digest.hexdigest() != meta["sha256"]:
        raise damaged
    return dict(meta)
