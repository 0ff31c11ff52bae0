"""Several processes, on one host or many, that train one network together; `torchrun` starts them.

Every process has the whole network and takes its part of each batch. After the backward pass the
gradients of all are summed in one all-reduce, and every process makes the same step, so that the result
is that of one process with the whole batch, but for rounding. This is done here and not by
DistributedDataParallel, which means over processes where the loss needs the mean over targets, and which
waits for a backward pass that a process without a window in a batch never makes. What it would
gain, sums that run beside the backward pass, is next to nothing for this network: most of its gradient is
that of the items' embeddings, which go in first and so are ready last.

Process 0 alone reads and writes checkpoints, validates, and decides; the others do as it says.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, distributed, nn

# A process that ends is noticed at once. This is for one that hangs, or a host that is cut off: longer
# than process 0 needs to read the events, while the others wait.
TIMEOUT = timedelta(minutes=20)
CPU = torch.device("cpu")
T = TypeVar("T")


class CannotJoin(Exception):
    """The processes cannot work together as they were started; the message says what to change."""


class RankFailed(Exception):
    """Another process of this training has ended, so this one must; a checkpoint may be there."""


@dataclass(frozen=True)
class Ranks:
    """This process's place among those that train together.

    Attributes:
        rank: number of this process, from 0
        size: how many there are
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    @property
    def is_alone(self) -> bool:
        return self.size == 1

    def of_first(self, work: Callable[[], T]) -> T:
        """Do `work` in process 0 only and return there and everywhere else what it returned.

        Tensors come to the others on the CPU.

        Raises:
            RankFailed: in the other processes, where `work` raised or process 0 has ended.
        """
        if self.is_alone:
            return work()
        if not self.is_first:
            return cast(T, self._hear())
        try:
            done = work()
        except Exception as error:
            self._say((None, f"{type(error).__name__}: {error}"))
            raise
        self._say((on_cpu(done), ""))
        return done

    def sum_gradients(self, parameters: Sequence[nn.Parameter], loss: Tensor | None) -> Tensor:
        """Put the sum over all processes into the parameters' gradients, and return that of the losses.

        Args:
            parameters: the same in all processes; one without a gradient counts as 0.
            loss: of this process's part; None where it has none.

        Raises:
            RankFailed: another process has ended.
        """
        own = torch.zeros((), device=parameters[0].device) if loss is None else loss.detach()
        if self.is_alone:
            return own
        flat = torch.cat([*(_gradient(each).flatten() for each in parameters), own.reshape(1)])
        with _noticing_failure():
            distributed.all_reduce(flat)
        sizes = [each.numel() for each in parameters]
        *parts, total = torch.split(flat, [*sizes, 1])
        for each, part in zip(parameters, parts, strict=True):
            each.grad = part.view_as(each)
        return total[0]

    def _say(self, words: tuple[Any, str]) -> None:
        with _noticing_failure():
            distributed.broadcast_object_list([words], src=0, device=CPU)

    def _hear(self) -> Any:
        heard: list[Any] = [None]
        with _noticing_failure():
            distributed.broadcast_object_list(heard, src=0, device=CPU)
        done, problem = heard[0]
        if problem:
            raise RankFailed(f"Process 0 of this training has ended. {problem}")
        return done


ALONE = Ranks()


def on_cpu(value: Any) -> Any:
    """Return nested tuples, lists and dicts with all tensors in them on the CPU."""
    if isinstance(value, Tensor):
        return value.cpu()
    if isinstance(value, dict):
        return {key: on_cpu(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(on_cpu(each) for each in value)
    return value


def is_asked_for() -> bool:
    """Tell whether `torchrun` has started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextmanager
def joined() -> Iterator[Ranks]:
    """Join the other processes that `torchrun` started, each with a GPU of its own if there are any.

    Raises:
        CannotJoin: there are more processes than GPUs on this host, or the others are out of reach.
    """
    if not is_asked_for():
        yield ALONE
        return
    local, has_gpu = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.is_available()
    if has_gpu and local >= torch.cuda.device_count():
        raise CannotJoin(
            f"Process {local} of this host has no GPU: there are {torch.cuda.device_count()}."
            f" Start torchrun with --nproc-per-node={torch.cuda.device_count()}."
        )
    if has_gpu:
        torch.cuda.set_device(local)
    # The optimiser imports this module, whose functions take the group of that moment as a default and so
    # keep it for ever: its threads would outlive the interpreter, which now and then aborts then.
    importlib.import_module("torch.distributed.nn.functional")
    try:
        # Objects and decisions always travel by gloo, which notices at once when somebody ends.
        distributed.init_process_group("cpu:gloo,cuda:nccl" if has_gpu else "gloo", timeout=TIMEOUT)
    except (RuntimeError, ValueError) as error:
        raise CannotJoin(
            f"The processes of this training cannot reach each other: {error}. Start them with torchrun,"
            " all with the same --rdzv-endpoint, on hosts that may connect to each other."
        ) from error
    try:
        yield Ranks(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


@contextmanager
def _noticing_failure() -> Iterator[None]:
    begun = time.monotonic()
    try:
        yield
    except RuntimeError as error:  # all that torch.distributed raises
        waited = time.monotonic() - begun
        raise RankFailed(
            f"Another process of this training has ended or did not answer for {waited:.0f} s; its own"
            " output says why. Start the training again: it goes on from its last checkpoint."
        ) from error


def _gradient(parameter: nn.Parameter) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
