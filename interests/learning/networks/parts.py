"""What networks are built from.

Legend: B histories, L their length, D width, H heads.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from interests.learning.config import BATCH, LAYER, NONE, RMS, TrainingConfig

# Of the square of a length: keeps vectors without one from being divided by 0.
TINY = 1e-24


class _ByteDropout(torch.autograd.Function):
    """Dropout from one random byte a unit: on a CPU many times faster than a Bernoulli draw a unit."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, threshold: int) -> Tensor:
        # The seed comes from torch, so that a checkpoint of torch's generator brings back every mask.
        random = np.random.Generator(np.random.SFC64(int(torch.randint(2**62, ()))))
        count = hidden.numel()
        words = random.integers(0, 2**64, -(-count // 8), dtype=np.uint64)
        kept = words.view(np.uint8)[:count] >= threshold
        # As floats: multiplying by booleans takes a CPU three times as long.
        factors = np.multiply(kept, np.float32(256 / (256 - threshold)), dtype=np.float32)
        mask = torch.from_numpy(factors).view(hidden.shape).to(hidden.dtype)
        ctx.save_for_backward(mask)
        return hidden * mask

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, None]:
        (mask,) = ctx.saved_tensors
        return outer[0] * mask, None


class Dropout(nn.Module):
    """Sets a share of the units to 0 in training; on a CPU the share is rounded to 1 / 256."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, hidden: Tensor) -> Tensor:
        if hidden.device.type != "cpu":
            return functional.dropout(hidden, self.share, self.training)
        threshold = min(round(256 * self.share), 255)
        if not self.training or not threshold:
            return hidden
        dropped: Tensor = _ByteDropout.apply(hidden, threshold)  # type: ignore[no-untyped-call]
        return dropped


class _Normalised(torch.autograd.Function):
    """Vectors of length `length`, then times a weight for each place; goes over them as seldom as can be."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor | None, length: float, eps: float
    ) -> Tensor:
        norm = torch.linalg.vector_norm(hidden, dim=-1, keepdim=True)
        scale = norm.square_().add_(eps).rsqrt_().mul_(length)
        unit = hidden * scale
        ctx.save_for_backward(unit, scale, weight)
        ctx.length = length
        found: Tensor = unit if weight is None else unit * weight
        return found

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        unit, scale, weight = ctx.saved_tensors
        gradient, of_weight = outer[0], None
        if weight is None:
            along = torch.linalg.vecdot(gradient, unit)
            gradient = gradient.clone()
        else:
            products = (gradient * unit).flatten(0, -2)
            of_weight = products.sum(0)
            along = torch.mv(products, weight)
            gradient = gradient * weight
        # Only what stands across the vector changes its direction.
        along = along.view_as(scale) * (-1 / ctx.length**2)
        return gradient.addcmul_(unit, along).mul_(scale), of_weight, None, None


def _is_fused_by_hand(hidden: Tensor) -> bool:
    """Tell whether small steps are worth a function of their own: elsewhere the compiler fuses them."""
    return hidden.device.type == "cpu" and not torch.compiler.is_compiling()


def normalised(hidden: Tensor, *, length: float) -> Tensor:
    """Return vectors of the same directions and of one length, 0 where they have no direction. [.., D]"""
    if not _is_fused_by_hand(hidden):
        return functional.normalize(hidden, dim=-1) * length
    found: Tensor = _Normalised.apply(hidden.float(), None, length, TINY)  # type: ignore[no-untyped-call]
    return found


class RootMeanSquareNorm(nn.RMSNorm):
    """torch's, on a CPU at half of the time: its own is put together from many small steps there."""

    def forward(self, hidden: Tensor) -> Tensor:
        if not _is_fused_by_hand(hidden):
            return super().forward(hidden)
        width, kind = hidden.shape[-1], torch.float32
        eps = width * (torch.finfo(kind).eps if self.eps is None else self.eps)
        normed: Tensor = _Normalised.apply(  # type: ignore[no-untyped-call]
            hidden.float(), self.weight, math.sqrt(width), eps
        )
        return normed


class BatchNorm(nn.BatchNorm1d):
    """torch's, for units that come last; a single event has no spread and is normed as in use."""

    def forward(self, hidden: Tensor) -> Tensor:
        rows = hidden.reshape(-1, hidden.shape[-1])
        is_learning = self.training and len(rows) > 1
        normed = functional.batch_norm(
            rows.float(), self.running_mean, self.running_var, self.weight, self.bias,
            training=is_learning, momentum=self.momentum or 0.0, eps=self.eps,
        )  # fmt: skip
        return normed.view(hidden.shape)


def norm_of(config: TrainingConfig) -> nn.Module:
    """Return the norm that settings ask for; each takes and returns hidden states [.., D]."""
    norms: dict[str, type[nn.Module]] = {
        RMS: RootMeanSquareNorm, LAYER: nn.LayerNorm, BATCH: BatchNorm, NONE: nn.Identity,
    }  # fmt: skip
    return norms[config.norm](config.width)


class Attention(nn.Module):
    """Self-attention, causal unless told who is looked at; padding stands at the end, where no real event looks."""

    def __init__(self, *, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.project_in = nn.Linear(width, 3 * width, bias=False)
        self.project_out = nn.Linear(width, width, bias=False)

    def forward(self, hidden: Tensor, is_seen: Tensor | None = None) -> Tensor:
        """Mix what events say; `is_seen`: at which places all look, None for those up to their own. [B, L]"""
        B, L, D = hidden.shape
        parts = self.project_in(hidden).view(B, L, 3, self.num_heads, D // self.num_heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each [B, H, L, D / H]
        mask = None if is_seen is None else is_seen[:, None, None]
        mixed = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=mask is None
        )
        out: Tensor = self.project_out(mixed.transpose(1, 2).reshape(B, L, D))  # [B, L, D]
        return out

    def last(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """Return what `forward` returns at the last event of each history. [B, D]"""
        B, L, D = hidden.shape
        own = hidden[torch.arange(B, device=hidden.device), lengths - 1]  # [B, D]
        of_query, of_rest = self.project_in.weight[:D], self.project_in.weight[D:]
        query = functional.linear(own, of_query).view(B, self.num_heads, 1, -1)
        rest = functional.linear(hidden, of_rest).view(B, L, 2, self.num_heads, -1)
        key, value = rest.permute(2, 0, 3, 1, 4)  # each [B, H, L, D / H]
        is_real = torch.arange(L, device=hidden.device) < lengths[:, None]  # [B, L]
        mixed = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=is_real[:, None, None]
        )
        out: Tensor = self.project_out(mixed.reshape(B, D))
        return out


class GatedLayer(nn.Module):
    """SwiGLU: one projection opens and closes the other. Shazeer, "GLU Variants", 2020."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        inner = 2 * width
        self.project_in = nn.Linear(width, 2 * inner, bias=False)
        self.project_out = nn.Linear(inner, width, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        gate, value = self.project_in(hidden).chunk(2, dim=-1)
        out: Tensor = self.project_out(functional.silu(gate) * value)
        return out


class Block(nn.Module):
    """Attention, then the gated layer, each normalised before and added after."""

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.attention_norm = norm_of(config)
        self.attention = Attention(width=config.width, num_heads=config.num_heads)
        self.layer_norm = norm_of(config)
        self.layer = GatedLayer(width=config.width)
        self.dropout = Dropout(config.dropout)

    def forward(self, hidden: Tensor, is_seen: Tensor | None = None) -> Tensor:
        hidden = hidden + self.dropout(self.attention(self.attention_norm(hidden), is_seen))
        out: Tensor = hidden + self.dropout(self.layer(self.layer_norm(hidden)))
        return out

    def last(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """Return what `forward` returns at the last event of each history, without dropout. [B, D]"""
        own = hidden[torch.arange(len(hidden), device=hidden.device), lengths - 1]
        own = own + self.attention.last(self.attention_norm(hidden), lengths)
        out: Tensor = own + self.layer(self.layer_norm(own))
        return out
