"""Weights as whole numbers of eight bits, with a scale for each row: a quarter of the bytes.

A row's largest weight becomes 127, as in Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018. Products are made of floats: sums of eight bits took half of the time
on a CPU with instructions for them, and scaling them back took that and more. Nothing of torch's own tools for
it is used, which are on their way out.

Legend: M rows of a matrix, D their length, P rows that are looked up.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

HIGHEST = 127
# Scale of a row of zeros.
TINY = 1e-12


@dataclass(frozen=True)
class Int8Rows:
    """A matrix of float32 kept as whole numbers of eight bits.

    Attributes:
        numbers: int8. [M, D]
        scales: what each row is multiplied with, above 0, float32. [M]
    """

    numbers: Tensor
    scales: Tensor

    @classmethod
    def of(cls, rows: Tensor) -> Int8Rows:
        """Return the nearest there is to float rows. [M, D]"""
        scales = rows.abs().amax(1).div_(HIGHEST).clamp_(min=TINY)
        return cls((rows / scales[:, None]).round_().to(torch.int8), scales)

    def floats(self) -> Tensor:
        """Return the rows as floats. [M, D]"""
        return self.numbers * self.scales[:, None]


class _Int8Module(nn.Module):
    """Holds rows of eight bits where a network keeps its weights. [M, D]"""

    numbers: Tensor
    scales: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        rows = Int8Rows.of(weight.detach())
        self.register_buffer("numbers", rows.numbers)
        self.register_buffer("scales", rows.scales)

    @property
    def rows(self) -> Int8Rows:
        return Int8Rows(self.numbers, self.scales)

    @property
    def weight(self) -> Tensor:
        """Return the weights as floats. [M, D]"""
        return self.rows.floats()


class Int8Linear(_Int8Module):
    """A linear layer with weights of eight bits."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__(layer.weight)
        self.bias = layer.bias

    def forward(self, hidden: Tensor) -> Tensor:
        return functional.linear(hidden, self.weight, self.bias)


class Int8Embedding(_Int8Module):
    """A table with rows of eight bits."""

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__(table.weight)

    @property
    def num_embeddings(self) -> int:
        return len(self.numbers)

    def forward(self, places: Tensor) -> Tensor:
        """Return some rows as floats. int64 [..] -> [.., D]"""
        found: Tensor = self.numbers[places] * self.scales[places][..., None]
        return found


class Int8Bag(_Int8Module):
    """Means over rows of eight bits, as `nn.EmbeddingBag` has them."""

    def __init__(self, table: nn.EmbeddingBag) -> None:
        super().__init__(table.weight)

    def forward(self, places: Tensor, offsets: Tensor) -> Tensor:
        """Return the mean of the rows of each bag. int64 [P], [bags] -> [bags, D]"""
        return functional.embedding_bag(places, self.weight, offsets, mode="mean")
