"""Files that are whole or not there: written beside their place, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import safetensors.torch
from torch import Tensor


def write(path: Path, content: bytes) -> None:
    """Put `content` at `path` at once; a reader sees the old file or the new one, never a part.

    Raises:
        OSError: it could not be written, and nothing has changed.
    """
    write_parts(path, [content])


def write_parts(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Do as `write` does with content that need not be in memory as a whole.

    Raises:
        OSError: it could not be written, and nothing has changed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk does not say where
        raise
    finally:
        draft.unlink(missing_ok=True)


def tensors_to_bytes(
    tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None
) -> bytes:
    """Return tensors, from any device, in the safetensors format."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return safetensors.torch.save(plain, metadata)
