"""Samples in a mapped file: the next window of blocks is brought into memory while this one is trained on.

Gathering from pages that are not there waits for the disk, page by page; reading a block from its begin to its end goes
at the disk's speed, and at the side. Where training is faster than the disk, it waits for its window as a whole.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from .blocks import Blocks
from .samples import Array

PAGE = 4096  # bytes; where pages are larger, some are touched twice


class Ahead:
    """Told where training is, it touches the pages of that window and of the next."""

    def __init__(self, X: Array, blocks: Blocks, epochs: int) -> None:
        self.X, self.blocks, self.epochs = X, blocks, epochs
        self._seen: tuple[int, int] | None = None
        self._asked: dict[tuple[int, int], Future[None]] = {}
        self._thread: ThreadPoolExecutor | None = None

    @classmethod
    def over(cls, X: Array, blocks: Blocks, epochs: int) -> Ahead | None:
        """None where X is not (a view of) a mapped file, or its rows lie neither together nor as columns."""
        base: object = X
        while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
            base = base.base
        if not isinstance(base, np.memmap) or not (X.flags.c_contiguous or X.flags.f_contiguous):
            return None
        return cls(X, blocks, epochs)

    def at(self, epoch: int, sample: int) -> int:
        """Training is at this place, counted in samples, of an epoch's order: its window is there on return.

        Returns the number of samples up to the end of the window.
        """
        number = int(np.searchsorted(self.blocks.ends(epoch), sample, side="right"))
        end = int(self.blocks.ends(epoch)[number])
        if self._seen == (epoch, number):
            return end
        self._seen = epoch, number
        self._thread = self._thread or ThreadPoolExecutor(1, "chainrule reads ahead")
        windows = self.blocks.windows(epoch)
        following = (epoch, number + 1) if number + 1 < len(windows) else (epoch + 1, 0)
        wanted = [key for key in ((epoch, number), following) if key[0] <= self.epochs]
        self._asked = {
            key: self._asked.get(key) or self._thread.submit(self.touch, self.blocks.windows(key[0])[key[1]])
            for key in wanted
        }
        self._asked[epoch, number].result()
        return end

    def touch(self, blocks: Array) -> None:
        """Look at one entry of each page of some blocks."""
        step = max(1, PAGE // self.X.itemsize)
        for b in blocks:
            part = self.X[self.blocks.starts[b] : self.blocks.starts[b + 1]]
            lines = part.reshape(1, -1) if part.flags.c_contiguous else part.T
            for line in lines:
                line[::step].max()

    def close(self) -> None:
        """Stop reading ahead."""
        self._seen, self._asked = None, {}
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)
            self._thread = None
