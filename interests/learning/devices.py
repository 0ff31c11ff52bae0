"""Where to compute, and in which precision."""

from __future__ import annotations

import platform

import torch


def best() -> torch.device:
    """Return the GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def name(device: torch.device) -> str:
    """Return what a reader of the run's page would call the device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU ({platform.machine()}, {torch.get_num_threads()} threads)"


def is_bfloat16_faster(device: torch.device) -> bool:
    """Tell whether matrix products in bfloat16 are faster than in float32.

    On CPUs only with their own instructions for it: without, they were measured at 0.6 of the speed.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
