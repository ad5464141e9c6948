"""Training on more samples than memory holds: a window of blocks is trained on while the next one is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

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


@runtime_checkable
class Decoder(Source, Protocol):
    """A source that writes its features where it is told, so that the same memory serves for every window."""

    @property
    def features(self) -> Sequence[str]:
        """Names of the n_0 columns of X."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of X: float32 or float64."""

    def expect(self, blocks: Iterable[int]) -> None:
        """These blocks are read next."""

    def read_into(self, block: int, X: Array) -> Any:
        """Write X (n, n_0) of `dtype`, C-contiguous, and return the targets."""


class Stream:
    """Samples in blocks that are read when their turn comes; given to `Trainer` or `fit` in place of `Samples`.

    model   whose form the samples have; source: the blocks

    Two windows of `Settings.window` blocks are in memory at a time. The order is that of `Blocks`: the same seed gives
    the same bits, also after a resume, and the same as samples in memory with `Settings.block` where the blocks are
    equal.
    """

    def __init__(self, model: Model, source: Source) -> None:
        self.model, self.source, self.sizes = model, source, tuple(int(n) for n in source.sizes)
        self._decoder = source if isinstance(source, Decoder) else None
        if not self.sizes or min(self.sizes) < 1:
            raise DataError("a stream needs blocks of at least one sample each")
        if model.network.embeddings:
            raise ConfigurationError(
                "a stream has no category codes: give samples in memory to a network with embeddings"
            )

    def __len__(self) -> int:
        return sum(self.sizes)

    def read(self, block: int, X: Array | None = None) -> Samples:
        """One block, checked; its features are in X if the source can write there."""
        try:
            if self._decoder is None or X is None:
                samples = self.model.samples(*self.source.read(block))
            else:
                samples = self.model.samples(X, self._decoder.read_into(block, X))
        except ChainruleError as error:
            raise type(error)(f"block {block + 1} of {len(self.sizes)}: {error}") from None
        if len(samples) != self.sizes[block]:
            raise DataError(
                f"block {block + 1} of {len(self.sizes)} has {len(samples)} samples where its source announced "
                f"{self.sizes[block]}: the data have changed, open them again"
            )
        return samples

    def expect(self, blocks: Array) -> None:
        """Have the disk fetch blocks that are read next; this waits for the disk, so that the reader need not."""
        if self._decoder is not None:
            self._decoder.expect(blocks)

    def gathered(self, blocks: Array, room: Room | None = None) -> Samples:
        """The samples of some blocks, one block after the other, in the memory of `room`."""
        if len(blocks) == 1 and self._decoder is None:
            return self.read(int(blocks[0]))
        room, at, X = room or Room(), 0, None
        count = sum(self.sizes[b] for b in blocks)
        if self._decoder is not None:
            X = room.array("X", (count, len(self._decoder.features)), self._decoder.dtype)
        whole: Samples | None = None
        for block in blocks:
            rows = slice(at, at + self.sizes[block])
            part = self.read(int(block), None if X is None else X[rows])
            if whole is None:
                whole = Samples(
                    room.like("X", part.X, count),
                    room.like("targets", part.targets, count),
                    None if part.weights is None else room.like("weights", part.weights, count),
                )
            for into, found in ((whole.X, part.X), (whole.targets, part.targets), (whole.weights, part.weights)):
                if into is not None and found is not None and not np.may_share_memory(into, found):
                    into[rows] = found
            at = rows.stop
        assert whole is not None
        return whole


class Room:
    """Memory for one window after the other: pages that were used once are there, fresh ones the system must clear.

    rows  of the largest window
    """

    def __init__(self, rows: int = 0) -> None:
        self.rows = rows
        self._arrays: dict[str, Array] = {}

    def like(self, name: str, part: Array, count: int) -> Array:
        """An array of `count` rows such as those of `part`."""
        return self.array(name, (count, *part.shape[1:]), part.dtype)

    def array(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """The array of this name and shape; it shares its memory with those of this name before it."""
        held = self._arrays.get(name)
        if held is None or held.dtype != dtype or held.shape[1:] != shape[1:] or len(held) < shape[0]:
            held = self._arrays[name] = np.empty((max(self.rows, shape[0]), *shape[1:]), dtype)
        return held[: shape[0]]


class Reader:
    """Turns the place in an epoch into samples: the window there, its order, and how far they reach."""

    def __init__(self, stream: Stream, blocks: Blocks, batch: int, epochs: int) -> None:
        self.stream, self.blocks, self.batch, self.epochs = stream, blocks, batch, epochs
        self._thread: ThreadPoolExecutor | None = None
        self._disk: ThreadPoolExecutor | None = None
        self._now: _Window | None = None
        self._next: tuple[tuple[int, int], Room, Future[Samples]] | None = None
        self._free = self._rooms()

    def _rooms(self) -> list[Room]:
        largest = np.sort(self.blocks.sizes)[-len(self.blocks.windows(1)[0]) :]  # the first window has most blocks
        return [Room(int(largest.sum())) for _ in range(2)]

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
            if self._now is not None:
                self._free.append(self._now.room)
                self._now = None
            if self._next is not None and self._next[0] == (epoch, number):
                _, room, found = self._next
                samples, self._next = found.result(), None
            else:
                self._forget()
                room = self._free.pop()
                samples = self.stream.gathered(self.blocks.windows(epoch)[number], room)
            begin = int(self.blocks.ends(epoch)[number]) - len(samples)
            rows = self.blocks.mixed(epoch, number, len(samples))
            self._now = _Window((epoch, number), begin, samples, rows, room)
            self._read_ahead(*self._after(epoch, number))
        return self._now

    def _read_ahead(self, epoch: int, number: int) -> None:
        if epoch <= self.epochs:
            self._thread = self._thread or ThreadPoolExecutor(1, "chainrule reads ahead")
            self._disk = self._disk or ThreadPoolExecutor(1, "chainrule asks the disk")
            room, blocks = self._free.pop(), self.blocks.windows(epoch)[number]
            self._disk.submit(self.stream.expect, blocks)
            # The disk works on the window after it too: else it would rest whenever the reader is done with this one.
            later = self._after(epoch, number)
            if later[0] <= self.epochs:
                self._disk.submit(self.stream.expect, self.blocks.windows(later[0])[later[1]])
            self._next = (epoch, number), room, self._thread.submit(self.stream.gathered, blocks, room)

    def _after(self, epoch: int, number: int) -> tuple[int, int]:
        """Epoch and number of the window after this one."""
        return (epoch, number + 1) if number + 1 < len(self.blocks.windows(epoch)) else (epoch + 1, 0)

    def _forget(self) -> None:
        """What was read ahead is not wanted: let it end, so that no more than two windows are in memory."""
        if self._next is not None:
            _, room, found = self._next
            if not found.cancel():
                found.exception()
            self._free.append(room)
        self._next = None

    def close(self) -> None:
        """Give the memory back; the next call reads anew."""
        self._forget()
        self._now, self._free = None, self._rooms()
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
        if self._disk is not None:
            self._disk.shutdown()
            self._disk = None


@dataclass(frozen=True)
class _Window:
    """Epoch and number, its first sample's place in the epoch, its samples, their order, and the memory they lie in."""

    key: tuple[int, int]
    begin: int
    samples: Samples
    rows: Array
    room: Room


def _joined(parts: list[Samples]) -> Samples:
    weights = [p.weights for p in parts if p.weights is not None]
    return Samples(
        np.concatenate([p.X for p in parts]),
        np.concatenate([p.targets for p in parts]),
        np.concatenate(weights) if weights else None,
    )


__all__ = ["Decoder", "Reader", "Source", "Stream"]
