"""Samples in blocks on disk: Parquet row groups and mapped files give the bits of the same training in memory."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.data import RowGroups
from chainrule.data.footer import group_rows
from chainrule.errors import ConfigurationError, DataError, ModelFileError, ShapeError, UnknownNameError
from chainrule.train import Callback, Job, Model, Settings, Stream, Trainer, fit, fit_many
from chainrule.train.ahead import Ahead
from chainrule.train.blocks import Blocks, even
from chainrule.train.stream import Reader

pl = pytest.importorskip("polars")

N, GROUP = 1000, 90  # 11 groups of 90 and one of 10
RNG = np.random.default_rng(5)
X = RNG.normal(size=(N, 6)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(np.int64) + (X[:, 2] > 1)
FEATURES = [f"x{j}" for j in range(6)]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stream") / "table.parquet"
    frame = pl.DataFrame({n: X[:, j] for j, n in enumerate(FEATURES)} | {"y": Y})
    frame.write_parquet(path, row_group_size=GROUP, use_pyarrow=False)
    return path


@pytest.fixture
def groups(file: Path) -> RowGroups:
    return RowGroups(file, target="y")


def model() -> Model:
    return Model("6-8:relu-3:softmax", labels=True, dtype=np.float32)


SETTINGS = Settings(epochs=3, batch_size=32, block=GROUP, window=3, seed=4)


def in_memory(settings: Settings = SETTINGS, **given: Any) -> Model:
    m = model()
    fit(m, m.samples(X, Y), settings=settings, **given)
    return m


class StopAt(Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_batch_end(self, trainer: Trainer, step: int, cost: float) -> None:
        if step == self.step:
            trainer.stop = "asked to"


# --- the order --------------------------------------------------------------------------------------------------------


def test_every_sample_comes_once_and_its_window_is_together() -> None:
    blocks = Blocks(even(N, GROUP), 3, seed=7)
    for epoch in (1, 2):
        order, begin = blocks.order(epoch), 0
        assert sorted(order) == list(range(N))
        for drawn, end in zip(blocks.windows(epoch), blocks.ends(epoch), strict=True):
            assert len(drawn) == 3
            assert {r // GROUP for r in order[begin:end]} == set(drawn)
            begin = int(end)


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    a, b = (Blocks(even(N, GROUP), 3, seed=7) for _ in range(2))
    assert np.array_equal(a.order(5), b.order(5))
    assert not np.array_equal(a.order(5), a.order(6))
    assert not np.array_equal(a.order(5), Blocks(even(N, GROUP), 3, seed=8).order(5))
    assert np.array_equal(Blocks(even(N, GROUP), 3, None).order(5), np.arange(N))


def test_samples_are_spread_evenly_over_the_places_of_an_epoch() -> None:
    """The mean place of each sample over many epochs: that of a uniform order within five standard errors."""
    blocks, epochs = Blocks(even(60, 5), 3, seed=1), 2000
    places = np.zeros(60)
    for epoch in range(1, epochs + 1):
        places[blocks.order(epoch)] += np.arange(60)
    assert np.abs(places / epochs - 29.5).max() < 5 * np.sqrt((60**2 - 1) / 12 / epochs)


def test_neighbors_meet_other_samples_in_every_epoch() -> None:
    """Blocks drawn into one window differ: each pair of 12 blocks meets in 2 of 11 epochs, give or take."""
    blocks, epochs = Blocks([1] * 12, 3, seed=2), 2000
    met = sum({0, 1} <= set(w.tolist()) for e in range(epochs) for w in blocks.windows(e))
    assert met / epochs == pytest.approx(2 / 11, abs=0.045)


# --- the file ---------------------------------------------------------------------------------------------------------


def test_row_groups_are_those_that_were_written(file: Path, groups: RowGroups) -> None:
    assert group_rows(file) == groups.sizes == (*[GROUP] * 11, 10)
    assert (len(groups), groups.features) == (N, tuple(FEATURES))
    for k, start in ((0, 0), (4, 4 * GROUP), (11, 11 * GROUP)):
        found, y = groups.read(k)
        assert found.dtype == np.float32
        assert found.flags.c_contiguous
        assert np.array_equal(found, X[start : start + GROUP])
        assert np.array_equal(y, Y[start : start + GROUP])


def test_several_files_and_chosen_columns(file: Path) -> None:
    both = RowGroups(file, file, target="y", features=["x3", "x0"], dtype=np.float64)
    assert both.sizes == (*[GROUP] * 11, 10) * 2
    assert np.array_equal(both.read(13)[0], X[GROUP : 2 * GROUP, [3, 0]].astype(np.float64))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [1, 15, 16, 17, 41])  # a strip of columns is 16 or 8 wide
def test_columns_of_all_kinds_become_rows(tmp_path: Path, columns: int, dtype: Any) -> None:
    kinds: list[Any] = [np.float64, np.float32, np.int64, np.int8, np.bool_, np.uint16]
    given: list[Any] = [RNG.integers(0, 2 if k == np.bool_ else 100, 50).astype(k) for k in (kinds * 7)[:columns]]
    frame = pl.DataFrame({f"x{j}": column for j, column in enumerate(given)} | {"y": np.arange(50)})
    frame.write_parquet(tmp_path / "t.parquet", row_group_size=20, use_pyarrow=False)
    groups = RowGroups(tmp_path / "t.parquet", target="y", dtype=dtype)
    X = np.full((50, columns), np.nan, dtype)
    groups.expect(range(3))
    for k, rows in enumerate((slice(0, 20), slice(20, 40), slice(40, 50))):
        assert np.array_equal(groups.read_into(k, X[rows]), np.arange(50)[rows])
    assert np.array_equal(X, np.column_stack([c.astype(dtype) for c in given]))


def test_a_footer_with_many_and_long_fields_is_read(tmp_path: Path) -> None:
    """Field numbers, long lists, maps of key-value pairs, nested types, nulls: all must be stepped over."""
    frame = pl.DataFrame(
        {f"c{j}": [j, None] * 40 for j in range(40)} | {"l": [[1, 2], None] * 40, "s": ["a" * 500] * 80}
    )
    frame.write_parquet(tmp_path / "t.parquet", row_group_size=25, metadata={"a": "b" * 300}, use_pyarrow=False)
    assert group_rows(tmp_path / "t.parquet") == (25, 25, 25, 5)


def test_damaged_files_are_refused(file: Path, tmp_path: Path) -> None:
    content, bad = file.read_bytes(), tmp_path / "bad.parquet"
    length = int.from_bytes(content[-8:-4], "little")
    for text, damaged in {
        "end like": content[:-3],
        "end like a": b"",
        "end like a P": content[:-8] + (2**31).to_bytes(4, "little") + b"PAR1",
        "damaged": content[: -8 - length] + b"\x1c" * length + content[-8:],
        "damaged P": content[: -8 - length] + b"\xff" * length + content[-8:],
    }.items():
        bad.write_bytes(damaged)
        with pytest.raises(DataError, match=text):
            RowGroups(bad, target="y")


def test_every_damaged_byte_of_a_footer_is_an_error_or_another_number(file: Path, tmp_path: Path) -> None:
    content, bad = bytearray(file.read_bytes()), tmp_path / "bad.parquet"
    length = int.from_bytes(content[-8:-4], "little")
    for at in range(len(content) - 8 - length, len(content) - 8, 31):
        damaged = content.copy()
        damaged[at] ^= 0xA5
        bad.write_bytes(damaged)
        with contextlib.suppress(DataError):
            assert all(n >= 0 for n in group_rows(bad))


def test_columns_that_are_no_numbers_are_refused(tmp_path: Path, file: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"a": [1.0, None], "city": ["x", "y"], "y": [0, 1]}).write_parquet(path)
    with pytest.raises(DataError, match="column 'city', holds String"):
        RowGroups(path, target="y")
    with pytest.raises(DataError, match="column 'a': 1 missing cells in row group 1, first in row 2"):
        RowGroups(path, target="y", features=["a"]).read(0)
    with pytest.raises(UnknownNameError, match="'z'"):
        RowGroups(path, target="z", features=["a"])
    with pytest.raises(ConfigurationError, match="is the target"):
        RowGroups(path, target="y", features=["a", "y"])
    with pytest.raises(ConfigurationError, match="float16"):
        RowGroups(file, target="y", dtype=np.float16)
    with pytest.raises(DataError, match="cannot be read"):
        RowGroups(tmp_path / "none.parquet", target="y")


# --- training ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", ["native", "reference"])
@pytest.mark.parametrize("batch", [32, 250, 1000])  # within, about and beyond a window of 270
def test_a_stream_gives_the_bits_of_memory(
    groups: RowGroups, batch: int, executor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chainrule.execute import native

    if executor == "native" and not native.available():
        pytest.skip("the native executor was not built")
    monkeypatch.setenv("CHAINRULE_EXECUTOR", executor)
    settings = Settings(epochs=3, batch_size=batch, block=GROUP, window=3, seed=4)
    mine, m = in_memory(settings), model()
    history = fit(m, Stream(m, groups), settings=settings)
    assert m.theta.tobytes() == mine.theta.tobytes()
    assert m.theta.tobytes() != model().theta.tobytes()
    assert len(history.rows) == 3


def test_without_shuffling_a_stream_is_the_file_from_begin_to_end(groups: RowGroups) -> None:
    settings = Settings(epochs=2, batch_size=32, shuffle=False)
    m = model()
    fit(m, Stream(m, groups), settings=settings)
    assert m.theta.tobytes() == in_memory(settings).theta.tobytes()


@pytest.mark.parametrize("step", [1, 8, 9, 16, 31, 32, 40])  # a window ends within batch 9, an epoch with batch 32
def test_a_resumed_stream_is_the_one_never_interrupted(groups: RowGroups, step: int) -> None:
    m = model()
    trainer = Trainer(m, Stream(m, groups), settings=SETTINGS, callbacks=[StopAt(step)])
    trainer.run()
    tensors, content = trainer.snapshot()
    assert trainer.step == step
    again = model()
    resumed = Trainer(again, Stream(again, groups), settings=SETTINGS)
    resumed.restore(tensors, content)
    resumed.run()
    assert again.theta.tobytes() == in_memory().theta.tobytes()


def test_a_checkpoint_of_another_order_is_refused(groups: RowGroups) -> None:
    m = model()
    tensors, content = Trainer(m, Stream(m, groups), settings=SETTINGS).snapshot()
    for settings in (Settings(epochs=3, batch_size=32, seed=4), Settings(epochs=3, batch_size=32, seed=4, block=80)):
        with pytest.raises(ModelFileError, match="blocks="):
            Trainer(m, m.samples(X, Y), settings=settings).restore(tensors, content)
    Trainer(m, m.samples(X, Y), settings=SETTINGS).restore(tensors, content)


def test_many_trainings_over_one_stream(groups: RowGroups) -> None:
    settings, models = Settings(epochs=3, batch_size=32, window=3, seed=4), [model() for _ in range(3)]
    results = fit_many([Job(m, Stream(m, groups), settings=settings) for m in models], threads=2)
    assert [r.error for r in results] == [None] * 3
    assert {m.theta.tobytes() for m in models} == {in_memory().theta.tobytes()}


class Counting:
    """Blocks of one array; counts how many are held at a time by what was read and when."""

    def __init__(self, bad: int | None = None) -> None:
        self.sizes, self.bad, self.reads = even(N, GROUP), bad, list[int]()

    def read(self, block: int) -> tuple[Any, Any]:
        self.reads.append(block)
        rows = slice(block * GROUP, (block + 1) * GROUP)
        if block == self.bad:
            return np.full_like(X[rows], np.nan), Y[rows]
        return X[rows], Y[rows]


def test_no_more_than_two_windows_are_read_at_a_time() -> None:
    class Look(Callback):
        def on_batch_end(self, trainer: Trainer, step: int, cost: float) -> None:
            begun = -(-(trainer.batch * 32) // (3 * GROUP))
            assert len(source.reads) <= 3 * (begun + 2)

    source, m = Counting(), model()
    Trainer(m, Stream(m, source), settings=Settings(epochs=1, batch_size=32, window=3), callbacks=[Look()]).run()
    assert sorted(source.reads) == list(range(12))


def test_the_memory_of_a_window_serves_for_the_next_but_one(groups: RowGroups) -> None:
    m = model()
    reader = Reader(Stream(m, groups), Blocks(groups.sizes, 3, 4), 32, 3)
    places = []
    for epoch in (1, 2, 3):
        for first in (0, 10, 20, 30):  # each in another window
            samples, rows, _ = reader.at(epoch, first)
            assert np.array_equal(samples.X[rows[:20]], X[reader.blocks.order(epoch)[32 * first :][:20]])
            places.append(samples.X.ctypes.data)
    assert places == places[:2] * 6
    assert places[0] != places[1]
    reader.close()


def test_a_file_with_other_columns_is_refused(file: Path) -> None:
    m = model()
    with pytest.raises(ShapeError, match="block 1 of 12: X has 2 features, but the network expects 6"):
        fit(m, Stream(m, RowGroups(file, target="y", features=["x0", "x1"])), settings=Settings(shuffle=False))


def test_no_thread_is_left_behind(groups: RowGroups) -> None:
    m = model()
    fit(m, Stream(m, groups), settings=SETTINGS)
    assert not [t.name for t in threading.enumerate() if "chainrule" in t.name]


def test_a_bad_block_is_named() -> None:
    m = model()
    with pytest.raises(DataError, match=r"block 6 of 12: X contains 540 values that are NaN"):
        fit(m, Stream(m, Counting(bad=5)), settings=SETTINGS)


def test_what_a_stream_cannot_do_is_refused(groups: RowGroups) -> None:
    m = model()
    with pytest.raises(ConfigurationError, match="order of its own"):
        Trainer(m, Stream(m, groups), rows=[1, 2])
    with pytest.raises(ConfigurationError, match="order of its own"):
        Trainer(m, Stream(m, groups), order=lambda epoch: np.arange(N))
    numbers = fit_many([Job(m, Stream(m, groups), validation=[1, 2])])[0]
    assert isinstance(numbers.error, ConfigurationError)
    assert "no sample numbers" in str(numbers.error)
    with pytest.raises(ConfigurationError, match="block=0"):
        Settings(block=0)
    with pytest.raises(ConfigurationError, match="window=0"):
        Settings(window=0)

    class Short(Counting):
        def read(self, block: int) -> tuple[Any, Any]:
            found, y = super().read(block)
            return found[1:], y[1:]

    with pytest.raises(DataError, match="89 samples where its source announced 90"):
        fit(m, Stream(m, Short()), settings=SETTINGS)


# --- mapped files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [np.ascontiguousarray, np.asfortranarray])
def test_a_mapped_file_is_read_ahead_and_gives_the_bits_of_memory(tmp_path: Path, form: Any) -> None:
    np.save(tmp_path / "X.npy", form(X))
    mapped, m = np.load(tmp_path / "X.npy", mmap_mode="r"), model()
    trainer = Trainer(m, m.samples(mapped, Y), settings=SETTINGS, callbacks=[StopAt(0)])  # which looks at each step
    assert trainer.ahead is not None
    touched: list[list[int]] = []

    class AtOnce:
        def submit(self, touch: Any, blocks: Any) -> Future[None]:
            touched.append(blocks.tolist())
            touch(blocks)
            done: Future[None] = Future()
            done.set_result(None)
            return done

        def shutdown(self, **_: Any) -> None:
            """Nothing waits."""

    trainer.ahead._thread = AtOnce()  # type: ignore[assignment]
    trainer.run()
    blocks = Blocks(even(N, GROUP), 3, SETTINGS.seed)
    assert touched == [w.tolist() for epoch in (1, 2, 3) for w in blocks.windows(epoch)]
    assert m.theta.tobytes() == in_memory().theta.tobytes()


def test_arrays_in_memory_are_not_read_ahead(tmp_path: Path) -> None:
    blocks = Blocks(even(N, GROUP), 3, 0)
    np.save(tmp_path / "X.npy", X)
    assert Ahead.over(X, blocks, 3) is None
    assert Ahead.over(np.load(tmp_path / "X.npy", mmap_mode="r")[:, ::2], blocks, 3) is None
    assert Ahead.over(np.load(tmp_path / "X.npy", mmap_mode="r")[100:], blocks, 3) is not None
