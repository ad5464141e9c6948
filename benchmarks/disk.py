"""Training from disk: the same samples in memory, as a memory-mapped .npy file, and as a stream of Parquet row groups.

    python benchmarks/disk.py --megabytes 2000 --limit 500
    python benchmarks/disk.py --quick

Two networks: that of case M, and a light one that asks for several times as many bytes per second. What the in-memory
side consumes, what the disk gives and what one core decodes stand beside the figures: the least of them is the limit.
Every side is a process of its own with one core more than training has threads; the sides take turns of two epochs, of
which the second is timed. Before each turn, and of Parquet files behind the training, the page cache is asked to forget
what was read (posix_fadvise), so that the disk is read. A side that may not hold the data gets a limit on its own
memory (RLIMIT_DATA, which leaves mapped files out and counts what threads reserve: 512 MiB are allowed for that), and
whenever its mapped pages exceed the limit, those not in use are dropped from memory by another thread, as the kernel of
a machine without more would do.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FEATURES, CLASSES = 784, 10
NETWORKS = {
    "M": f"{FEATURES}-128:relu-64:relu-{CLASSES}:softmax",
    "light": f"{FEATURES}-32:relu-{CLASSES}:softmax",  # a fifth of the work per byte
}
SIDES = {
    "memory": "in memory, an order of all samples",
    "memory, blocks": "in memory, blocks mixed by windows",
    "mapped": "mapped .npy, an order of all samples",
    "mapped, blocks": "mapped .npy, blocks mixed by windows",
    "parquet": "Parquet row groups",
}
LIMITED = ("mapped", "mapped, blocks", "parquet")
MIB = 2**20
RESERVED = 512  # MiB that threads of BLAS and polars reserve without using them


def status(name: str) -> float:
    """A line of this process's status, such as RssAnon, in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def write(folder: Path, samples: int, block: int) -> None:
    """X.npy, y.npy and the same samples as Parquet files of up to eight row groups, one per block."""
    import polars

    rng = np.random.default_rng(0)
    teacher = rng.standard_normal((FEATURES, CLASSES), dtype=np.float32)
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float32, (samples, FEATURES))
    y = np.empty(samples, np.int64)
    for number, start in enumerate(range(0, samples, 8 * block)):
        part = rng.standard_normal((min(8 * block, samples - start), FEATURES), dtype=np.float32)
        rows = slice(start, start + len(part))
        noise = rng.standard_normal((len(part), CLASSES), dtype=np.float32)
        X[rows], y[rows] = part, (part @ teacher + 9 * noise).argmax(axis=1)
        frame = polars.DataFrame({f"x{j}": part[:, j] for j in range(FEATURES)} | {"y": y[rows]})
        frame.write_parquet(folder / f"table-{number:04d}.parquet", row_group_size=block, compression="lz4")
    X.flush()
    np.save(folder / "y.npy", y)


def forget(folder: Path) -> None:
    """Ask the page cache to drop the files; mapped pages must have been given back before."""
    for path in (folder / "X.npy", *folder.glob("*.parquet")):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def side(
    name: str, network: str, folder: Path, block: int, window: int, epochs: int, threads: int, limit: float, batch: int
) -> None:
    """Train, and print seconds and memory of every epoch as JSON."""
    import ctypes
    import mmap
    from concurrent.futures import Future, ThreadPoolExecutor

    from chainrule.data import RowGroups
    from chainrule.train import Callback, Model, Settings, Stream, Trainer

    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: threads + 1]))
    X: Any = None
    kernel = ThreadPoolExecutor(1)
    libc = ctypes.CDLL(None, use_errno=True)  # without the lock that mmap.madvise holds

    class Watch(Callback):
        most = mapped = 0.0
        read = window = 0
        dropping: Future[None] | None = None

        def on_progress(self, trainer: Trainer, epoch: int, batch: int) -> None:
            self.most = max(self.most, status("RssAnon"))
            pages = status("RssFile")
            self.mapped = max(self.mapped, pages)
            if limit and isinstance(X, np.memmap) and pages > limit and (self.dropping is None or self.dropping.done()):
                self.dropping = kernel.submit(drop, unused(trainer))
            elif limit and name == "parquet" and (at := window_at(trainer)) != self.window:
                self.window = at
                kernel.submit(forget_groups, unused(trainer))

        def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
            if limit and isinstance(X, np.memmap):
                drop(unused(trainer))
            self.read = _bytes_read()

        def on_epoch_end(self, trainer: Trainer, epoch: int, row: Mapping[str, Any]) -> None:
            if epoch % 2 == 0:  # the first of a turn finds nothing read ahead: it is not timed
                trainer.stop = "to be asked for"

    def window_at(trainer: Trainer) -> int:
        """Number of the window that is trained on."""
        ends = trainer.blocks.ends(trainer.epoch)
        return int(np.searchsorted(ends, trainer.batch * trainer.batch_size, side="right"))

    def unused(trainer: Trainer) -> list[tuple[int, int]]:
        """First and last sample (exclusive) of what is not in the window at hand nor in the next two."""
        blocks = trainer.blocks
        if blocks is None:
            return [(0, len(X))]
        at = window_at(trainer)
        coming = [*blocks.windows(trainer.epoch), *blocks.windows(trainer.epoch + 1)][at : at + 3]
        used = {int(b) for w in coming for b in w}
        return [(int(blocks.starts[b]), int(blocks.starts[b + 1])) for b in range(len(blocks.sizes)) if b not in used]

    def forget_groups(parts: list[tuple[int, int]]) -> None:
        """Ask the page cache to drop where these samples lie in the Parquet files: eight groups of equal size each."""
        for first, last in parts:
            number, start = divmod(first, 8 * block)
            path = folder / f"table-{number:04d}.parquet"
            rows = min(8 * block, len(data) - 8 * block * number)
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                begin, end = size * start // rows, size * (start + last - first) // rows
                os.posix_fadvise(file.fileno(), begin, end - begin, os.POSIX_FADV_DONTNEED)

    def drop(parts: list[tuple[int, int]]) -> None:
        row, page = X.strides[0], mmap.PAGESIZE
        with (folder / "X.npy").open("rb") as file:
            for first, last in parts:
                start = -(-(X.offset + first * row) // page) * page
                length = (X.offset + last * row - start) // page * page
                address = ctypes.c_void_p(X.ctypes.data - X.offset + start)
                if libc.madvise(address, ctypes.c_size_t(length), mmap.MADV_DONTNEED):
                    raise OSError(ctypes.get_errno(), "madvise")
                os.posix_fadvise(file.fileno(), start, length, os.POSIX_FADV_DONTNEED)

    def give_back() -> None:
        if isinstance(X, np.memmap):
            drop([(0, len(X))])
        forget(folder)

    model, watch = Model(NETWORKS[network], labels=True, dtype=np.float32), Watch()
    settings = Settings(
        epochs=2 * epochs, batch_size=batch, threads=threads, window=window, block=block if "blocks" in name else None
    )
    if name == "parquet":
        data: Any = Stream(model, RowGroups(*sorted(folder.glob("*.parquet")), target="y"))
    else:
        X = np.load(folder / "X.npy", mmap_mode="r" if name.startswith("mapped") else None)
        data = model.samples(X, np.load(folder / "y.npy"))
    trainer = Trainer(model, data, settings=settings, callbacks=[watch])
    if limit:
        resource.setrlimit(
            resource.RLIMIT_DATA, (int((limit + RESERVED + status("VmData")) * MIB), resource.RLIM_INFINITY)
        )
    print(json.dumps({"base": status("RssAnon")}), flush=True)
    for _ in sys.stdin:
        give_back()
        trainer.stop = None
        row = trainer.run().rows[-1]
        found = {"seconds": row["seconds"], "loss": row["loss"], "anonymous": watch.most, "mapped": watch.mapped}
        print(json.dumps({**found, "read": (_bytes_read() - watch.read) / MIB}), flush=True)


def _bytes_read() -> int:
    """Bytes that this process had fetched from the disk."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes"))


def gigabytes(folder: Path) -> tuple[float, float, float]:
    """GB/s of features: what the disk gives (X.npy read from begin to end), and what the processor time of one core
    allows where it decodes Parquet from the page cache, and where it has the disk read first."""
    import time

    from chainrule.data import RowGroups

    forget(folder)
    begin, buffer, size = time.perf_counter(), bytearray(4 * MIB), 0
    with (folder / "X.npy").open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            size += count
    disk = size / (time.perf_counter() - begin) / 1e9
    groups = RowGroups(*sorted(folder.glob("*.parquet")), target="y")
    X = np.zeros((max(groups.sizes), FEATURES), np.float32)
    seconds: dict[str, list[float]] = {"disk": [], "cache": []}
    for block, count in list(enumerate(groups.sizes))[1:9]:
        for where in seconds:  # what was fetched in the first turn is in memory in the second
            cpu = time.process_time()
            if where == "disk":
                groups.expect([block])
            groups.read_into(block, X[:count])
            seconds[where].append((time.process_time() - cpu) / (count * FEATURES * 4))
    cold, warm = (1e-9 / statistics.median(s) for s in seconds.values())
    return disk, warm, cold


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=2000, help="of features, MiB")
    parser.add_argument("--limit", type=int, default=0, help="memory of the limited sides, MiB; default: half the data")
    parser.add_argument("--block", type=int, default=8192, help="samples per block and row group")
    parser.add_argument("--window", type=int, default=4)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--turns", type=int, default=4, help="of two epochs; the first turn warms up")
    parser.add_argument("--threads", type=int, default=1, help="of training; reading ahead uses another core")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured; default: the temporary folder")
    parser.add_argument("--sides", default=";".join(SIDES), help="separated by ';'")
    parser.add_argument("--networks", default=",".join(NETWORKS), help=f"of {','.join(NETWORKS)}")
    parser.add_argument("--quick", action="store_true", help="64 MiB, small blocks, 2 turns")
    given = parser.parse_args()
    sides, networks = given.sides.split(";"), given.networks.split(",")
    for what, names, known in (("side", sides, SIDES), ("network", networks, NETWORKS)):
        if unknown := [n for n in names if n not in known]:
            parser.error(f"unknown {what} {unknown[0]!r}: allowed are {'; '.join(known)}")
    if given.quick:
        given.megabytes, given.block, given.turns = 64, 1024, 2
    limit = given.limit or given.megabytes // 2
    least = 10 * given.window * given.block * FEATURES // MIB  # two windows and a half, of four bytes
    if limit < least:
        parser.error(f"--limit {limit}: two windows and their decoding need {least} MiB: take less --block")
    samples = given.megabytes * MIB // (4 * FEATURES)
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        write(folder, samples, given.block)
        size = {f: sum(p.stat().st_size for p in folder.glob(f)) / MIB for f in ("X.npy", "*.parquet")}
        disk, warm, cold = gigabytes(folder)
        print(f"{samples:,} samples of {FEATURES} features, batch {given.batch}, {given.threads} thread(s)")
        print(f"X.npy {size['X.npy']:,.0f} MiB, Parquet files {size['*.parquet']:,.0f} MiB; limit {limit:,} MiB")
        print(f"blocks of {given.block:,} samples, windows of {given.window}; load {os.getloadavg()[0]:.1f}")
        print(f"the disk gives {disk:.2f} GB/s; by its processor time one core decodes {warm:.2f} GB/s of Parquet")
        print(f"from the page cache, {cold:.2f} GB/s where it has them fetched from the disk first")
        for network in given.networks.split(","):
            compared(network, folder, samples, limit, given)


def compared(network: str, folder: Path, samples: int, limit: int, given: argparse.Namespace) -> None:
    """All sides in turn, and their table."""
    workers: dict[str, Any] = {}
    bases: dict[str, float] = {}
    answers: dict[str, list[dict[str, float]]] = {s: [] for s in given.sides.split(";")}
    for s in answers:
        memory = limit if s in LIMITED else 0
        words = [s, network, folder, given.block, given.window, given.turns, given.threads, memory, given.batch]
        command = [sys.executable, __file__, "--side", *map(str, words)]
        workers[s] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        bases[s] = json.loads(workers[s].stdout.readline() or "{}").get("base", float("nan"))
    for _ in range(given.turns):
        for s, w in list(workers.items()):
            w.stdin.write("\n")
            w.stdin.flush()
            line = w.stdout.readline()
            if not line:
                print(f"- {s}: left out, its process ended (see above)")
                del workers[s], answers[s]
                continue
            answers[s].append(json.loads(line))
    for w in workers.values():
        w.stdin.close()
        w.wait()
    plain = [a["seconds"] for a in answers["memory"][1:]] if "memory" in answers else []
    print(f"\n### {NETWORKS[network]}\n")
    print("| side | samples/s | of memory | GB/s trained on | MiB/s read | own memory, MiB | mapped, MiB | loss |")
    print("|---|" + "---:|" * 7)
    for s, found in answers.items():
        seconds = [a["seconds"] for a in found[1:]]
        share = statistics.median(a / b for a, b in zip(plain, seconds, strict=True)) if plain else float("nan")
        each = statistics.median(seconds)
        read = statistics.median(a["read"] for a in found) / each
        rate = samples * FEATURES * 4 / each / 1e9
        print(
            f"| {SIDES[s]} | {samples / each:,.0f} | {share:.0%} | {rate:.2f} | {read:,.0f}"
            f" | {max(a['anonymous'] for a in found):,.0f} (base {bases[s]:,.0f}) "
            f"| {max(a['mapped'] for a in found):,.0f} | {found[-1]['loss']:.4f} |"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        which, net, f, *rest = sys.argv[2:]
        numbers = [int(word) for word in rest]
        side(which, net, Path(f), *numbers[:4], limit=float(numbers[4]), batch=numbers[5])
    else:
        main()
