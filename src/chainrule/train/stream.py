"""Training on more samples than memory holds: a window of blocks is trained on while the next one is read."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..errors import ChainruleError, ConfigurationError, DataError
from .blocks import Blocks
from .model import Model
from .samples import Array, Samples


class Source(Protocol):
    """Where a stream's samples come from, such as `chainrule.data.RowGroups`; `read` is called in another thread."""

    @property
    def sizes(self) -> Sequence[int]:
        """Samples of each block, at least one each."""

    def read(self, block: int) -> tuple[Any, Any]:
        """X (n, n_0) and targets of a block, as `Model.samples` takes them."""


class Stream:
    """Samples in blocks that are read when their turn comes; given to `Trainer` or `fit` in place of `Samples`.

    model   whose form the samples have; source: the blocks

    Two windows of `Settings.window` blocks are in memory at a time. The order is that of `Blocks`: the same seed gives
    the same bits, also after a resume, and the same as samples in memory with `Settings.block` where the blocks are
    equal.
    """

    def __init__(self, model: Model, source: Source) -> None:
        self.model, self.source, self.sizes = model, source, tuple(int(n) for n in source.sizes)
        if not self.sizes or min(self.sizes) < 1:
            raise DataError("a stream needs blocks of at least one sample each")
        if model.network.embeddings:
            raise ConfigurationError(
                "a stream has no category codes: give samples in memory to a network with embeddings"
            )

    def __len__(self) -> int:
        return sum(self.sizes)

    def read(self, block: int) -> Samples:
        """One block, checked."""
        try:
            samples = self.model.samples(*self.source.read(block))
        except ChainruleError as error:
            raise type(error)(f"block {block + 1} of {len(self.sizes)}: {error}") from None
        if len(samples) != self.sizes[block]:
            raise DataError(
                f"block {block + 1} of {len(self.sizes)} has {len(samples)} samples where its source announced "
                f"{self.sizes[block]}: the data have changed, open them again"
            )
        return samples

    def gathered(self, blocks: Array) -> Samples:
        """The samples of some blocks, one block after the other."""
        if len(blocks) == 1:
            return self.read(int(blocks[0]))
        count, at = sum(self.sizes[b] for b in blocks), 0
        whole: Samples | None = None
        for block in blocks:
            part = self.read(int(block))
            if whole is None:
                whole = Samples(_room(part.X, count), _room(part.targets, count), _maybe_room(part.weights, count))
            for into, found in ((whole.X, part.X), (whole.targets, part.targets), (whole.weights, part.weights)):
                if into is not None:
                    into[at : at + len(part)] = found
            at += len(part)
        assert whole is not None
        return whole


def _room(like: Array, count: int) -> Array:
    return np.empty((count, *like.shape[1:]), like.dtype)


def _maybe_room(like: Array | None, count: int) -> Array | None:
    return None if like is None else _room(like, count)


class Reader:
    """Turns the place in an epoch into samples: the window there, its order, and how far they reach."""

    def __init__(self, stream: Stream, blocks: Blocks, batch: int, epochs: int) -> None:
        self.stream, self.blocks, self.batch, self.epochs = stream, blocks, batch, epochs
        self._thread: ThreadPoolExecutor | None = None
        self._now: _Window | None = None
        self._next: tuple[tuple[int, int], Future[Samples]] | None = None

    def at(self, epoch: int, first: int) -> tuple[Samples, Array, int]:
        """(samples, row numbers among them, batches they reach to) from batch `first` (from 0) of an epoch on.

        Where a batch lies in several windows, its rows are copied out of each, and that batch alone is returned.
        """
        ends = self.blocks.ends(epoch)
        start, count = first * self.batch, int(ends[-1])
        number = int(np.searchsorted(ends, start, side="right"))
        reach = int(ends[number]) // self.batch if number < len(ends) - 1 else -(-count // self.batch)
        if reach > first:
            window = self._window(epoch, number)
            return window.samples, window.rows[start - window.begin :], reach
        stop, parts = min(start + self.batch, count), []
        while start < stop:
            window = self._window(epoch, number)
            parts.append(window.samples.take(window.rows[start - window.begin : stop - window.begin]))
            start, number = int(ends[number]), number + 1
        return _joined(parts), np.arange(sum(map(len, parts))), first + 1

    def _window(self, epoch: int, number: int) -> _Window:
        """A window; the one after it is read meanwhile."""
        if self._now is None or self._now.key != (epoch, number):
            self._now = None  # given back before another one is asked for
            if self._next is not None and self._next[0] == (epoch, number):
                samples = self._next[1].result()
            else:
                self._forget()
                samples = self.stream.gathered(self.blocks.windows(epoch)[number])
            begin = int(self.blocks.ends(epoch)[number]) - len(samples)
            self._now = _Window((epoch, number), begin, samples, self.blocks.mixed(epoch, number, len(samples)))
            self._read_ahead(epoch, number + 1)
        return self._now

    def _read_ahead(self, epoch: int, number: int) -> None:
        if number == len(self.blocks.windows(epoch)):
            epoch, number = epoch + 1, 0
        self._next = None
        if epoch <= self.epochs:
            self._thread = self._thread or ThreadPoolExecutor(1, "chainrule reads ahead")
            self._next = (epoch, number), self._thread.submit(self.stream.gathered, self.blocks.windows(epoch)[number])

    def _forget(self) -> None:
        """What was read ahead is not wanted: let it end, so that no more than two windows are in memory."""
        if self._next is not None and not self._next[1].cancel():
            self._next[1].exception()
        self._next = None

    def close(self) -> None:
        """Give the memory back; the next call reads anew."""
        self._forget()
        self._now = None
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None


@dataclass(frozen=True)
class _Window:
    """Epoch and number, its first sample's place in the epoch, its samples and their order."""

    key: tuple[int, int]
    begin: int
    samples: Samples
    rows: Array


def _joined(parts: list[Samples]) -> Samples:
    weights = [p.weights for p in parts if p.weights is not None]
    return Samples(
        np.concatenate([p.X for p in parts]),
        np.concatenate([p.targets for p in parts]),
        np.concatenate(weights) if weights else None,
    )


__all__ = ["Reader", "Source", "Stream"]
