"""Where to compute, and in which precision."""

from __future__ import annotations

import platform
from collections.abc import Callable

import structlog
import torch
from torch import Tensor

Encode = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]

log = structlog.get_logger()


def best() -> torch.device:
    """Return the GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def name(device: torch.device, *, count: int = 1) -> str:
    """Return what a reader of the run's page would call `count` such devices."""
    if device.type == "cuda":
        found = torch.cuda.get_device_name(device)
    else:
        found = f"CPU ({platform.machine()}, {torch.get_num_threads()} threads)"
    return found if count == 1 else f"{count} x {found}"


def is_bfloat16_faster(device: torch.device) -> bool:
    """Tell whether matrix products in bfloat16 are faster than in float32.

    On CPUs only with their own instructions for it: without, they were measured at 0.6 of the speed.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def compiler(device: torch.device) -> str | None:
    """Return the backend of `torch.compile` that is worth its time on a device, None for none."""
    return "inductor" if device.type == "cuda" else None


def compiled(
    function: Encode, *, backend: str | None, try_out: Callable[[Encode], object]
) -> Encode:
    """Return the function compiled for inputs of any size; itself where that fails, with a warning.

    Args:
        backend: of `torch.compile`; None leaves the function as it is.
        try_out: calls what it is given as the training will, backward pass included: compilers fail
            at the first call, and where there is no C compiler or no Triton that is all they do.
    """
    if backend is None:
        return function
    faster = torch.compile(function, dynamic=True, backend=backend)
    try:
        try_out(faster)
    except Exception as error:  # noqa: BLE001 - compilers raise whatever their tools do
        log.warning("not_compiled", backend=backend, error=f"{type(error).__name__}: {error}"[:500])
        return function
    return faster
