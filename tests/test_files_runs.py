"""Checkpoints, run folders and their lock, with processes that are killed."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from chainrule.errors import ConfigurationError, ModelFileError, NonFiniteError
from chainrule.files import CheckpointFolder, RunFolder, load_bundle, lock_run, save_bundle

W = {"W": np.ones((2, 2))}


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_newest_and_pruning(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "c", keep=2)
    assert folder.newest() is None
    for step in [1, 2, 123]:
        path = folder.save(step, {"W": np.full(3, step, np.float64)}, {"step": step})
    assert path.name == "checkpoint-000000123.safetensors"
    assert names(tmp_path / "c") == ["checkpoint-000000002.safetensors", "checkpoint-000000123.safetensors"]
    newest = folder.newest()
    assert newest is not None
    bundle, found, notes = newest
    assert (bundle.content, found, notes) == ({"step": 123}, path, [])
    assert bundle.tensors["W"].tolist() == [123] * 3


def test_steps_are_ordered_as_numbers(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    for step in [999_999_999, 1_000_000_000]:
        folder.save(step, W, {"step": step})
    newest = folder.newest()
    assert newest is not None
    assert newest.bundle.content == {"step": 1_000_000_000}


def test_corrupt_newest_is_said_and_the_previous_used(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    paths = [folder.save(step, W, {"step": step}) for step in [1, 2, 3]]
    whole = bytearray(paths[2].read_bytes())
    whole[-1] ^= 1
    paths[2].write_bytes(whole)
    paths[1].write_bytes(b"")
    newest = folder.newest()
    assert newest is not None
    assert newest.path == paths[0]
    assert len(newest.notes) == 2
    assert paths[2].name in newest.notes[0]
    assert "damaged" in newest.notes[0]
    assert "empty" in newest.notes[1]
    paths[0].unlink()
    with pytest.raises(ModelFileError, match="none of the 2 checkpoints"):
        folder.newest()


def test_saving_after_resuming_from_an_earlier_one_wins(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, keep=1)
    folder.save(5, W, {})
    folder.save(9, W, {}).write_bytes(b"corrupt")
    folder.save(6, W, {"which": "resumed"})
    assert names(tmp_path) == ["checkpoint-000000006.safetensors"]


def test_nothing_is_pruned_before_the_new_one_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = CheckpointFolder(tmp_path, keep=1)
    folder.save(1, W, {})

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ConfigurationError, match="No space"):
        folder.save(2, W, {})
    assert names(tmp_path) == ["checkpoint-000000001.safetensors"]


def test_non_finite_state_does_not_push_out_a_good_one(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, keep=1)
    folder.save(1, W, {})
    with pytest.raises(NonFiniteError, match="step 2: tensor 'W'"):
        folder.save(2, {"W": np.array([1, np.nan])}, {})
    assert names(tmp_path) == ["checkpoint-000000001.safetensors"]
    folder = CheckpointFolder(tmp_path, keep=1, allow_nonfinite=True)
    folder.save(2, {"W": np.array([1, np.inf])}, {})
    newest = folder.newest()
    assert newest is not None
    assert newest.bundle.tensors["W"].tolist() == [1, np.inf]


def test_leftovers_and_other_files(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, keep=1)
    for name in [".chainrule-0123.tmp", "notes.txt", "checkpoint-1.safetensors"]:
        (tmp_path / name).write_bytes(b"part")
    assert folder.newest() is None
    folder.save(3, W, {})
    assert names(tmp_path) == ["checkpoint-000000003.safetensors", "checkpoint-1.safetensors", "notes.txt"]


def test_checkpoints_of_a_newer_chainrule_stop_the_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(1, W, {})
    monkeypatch.setattr("chainrule.files.bundle.FORMAT", 2)
    folder.save(2, W, {})
    monkeypatch.undo()
    with pytest.raises(ModelFileError, match="newer chainrule"):
        folder.newest()


@pytest.mark.parametrize("step", [-1, 1.0, True, "1", 10**18])
def test_bad_steps(tmp_path: Path, step: object) -> None:
    with pytest.raises(ConfigurationError, match="step"):
        CheckpointFolder(tmp_path).save(step, W, {})  # type: ignore[arg-type]


@pytest.mark.parametrize("keep", [0, -1, 1.5, True])
def test_bad_keep(tmp_path: Path, keep: object) -> None:
    with pytest.raises(ConfigurationError, match="keep"):
        CheckpointFolder(tmp_path, keep=keep)  # type: ignore[arg-type]


SAVER = """
import sys, numpy as np
from chainrule.files import CheckpointFolder
folder, step = CheckpointFolder(sys.argv[1], keep=2), int(sys.argv[2])
while True:
    step += 1
    folder.save(step, {"W": np.full((200, 300), float(step)), "b": np.full(7, step)}, {"step": step})
    sys.stdout.write(f"{step}\\n")
    sys.stdout.flush()
"""


def test_kill_9_while_saving_leaves_the_newest_complete_checkpoint(tmp_path: Path) -> None:
    chance = random.Random(0)
    folder = CheckpointFolder(tmp_path, keep=2)
    last = 0
    for _ in range(15):
        child = subprocess.Popen(
            [sys.executable, "-c", SAVER, str(tmp_path), str(last)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        said = [int(child.stdout.readline())]
        time.sleep(chance.uniform(0, 0.03))
        child.kill()
        said += [int(line) for line in child.stdout.read().split()]
        child.stdout.close()
        child.wait()
        newest = folder.newest()
        assert newest is not None
        step = newest.bundle.content["step"]
        # Whatever was reported as saved is there; at most the one that was being saved is there too.
        assert step in (said[-1], said[-1] + 1)
        assert newest.notes == []
        assert (newest.bundle.tensors["W"] == step).all()
        assert (newest.bundle.tensors["b"] == step).all()
        last = step
    assert last >= 15
    folder.save(last + 1, W, {})
    assert len(names(tmp_path)) == 2


HOLDER = """
import sys
from chainrule.files import lock_run
with lock_run(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_second_process_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        assert child.stdout.readline() == "held\n"
        for _ in range(2):  # the first refusal must not destroy what the second one reads
            with pytest.raises(ConfigurationError, match=f"in use by process {child.pid};"), lock_run(tmp_path):
                pytest.fail("two processes hold one folder")
        (tmp_path / "model.safetensors").write_bytes(b"theirs")
        with pytest.raises(ConfigurationError, match="in use"), RunFolder(tmp_path, overwrite=True):
            pytest.fail("two processes hold one folder")
        assert (tmp_path / "model.safetensors").read_bytes() == b"theirs"
    finally:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()
    held_twice = pytest.raises(ConfigurationError, match=f"process {os.getpid()};")
    with lock_run(tmp_path), held_twice, lock_run(tmp_path):  # a killed holder holds no longer
        pytest.fail("held twice")
    with lock_run(tmp_path):
        pass


def test_lock_needs_a_folder_and_is_freed_by_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such folder"), lock_run(tmp_path / "no"):
        pass
    assert names(tmp_path) == []
    with pytest.raises(KeyError), lock_run(tmp_path):
        raise KeyError
    with lock_run(tmp_path):
        pass


def test_new_run_folder(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "a" / "run")
    assert names(run.path) == []
    with run:
        save_bundle(run.model, W, {}, kind="model")
        run.checkpoint_folder(keep=1).save(4, W, {})
    assert load_bundle(run.path / "model.safetensors", kind="model").content == {}
    assert (run.path / "checkpoints" / "checkpoint-000000004.safetensors").exists()


def test_existing_folder_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"old")
    with pytest.raises(ConfigurationError, match=r"not empty \(it holds 'model.safetensors'\)"):
        RunFolder(tmp_path)
    assert names(tmp_path) == ["model.safetensors"]
    assert (tmp_path / "model.safetensors").read_bytes() == b"old"


def test_leftovers_of_a_killed_start_count_as_empty(tmp_path: Path) -> None:
    for name in [".lock", ".lock-owner", ".chainrule-00.tmp"]:
        (tmp_path / name).write_bytes(b"")
    with RunFolder(tmp_path):
        pass


def test_overwrite_removes_the_earlier_run_on_entering_only(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as run:
        run.model.write_bytes(b"old")
        run.write_history([{"epoch": 1}])
        run.checkpoint_folder().save(9, W, {})
        (tmp_path / "notes.txt").write_bytes(b"mine")
    run = RunFolder(tmp_path, overwrite=True)
    assert run.model.read_bytes() == b"old"
    with run:
        assert {"model.safetensors", "history.csv"}.isdisjoint(names(tmp_path))
        assert run.checkpoint_folder().newest() is None
        assert (tmp_path / "notes.txt").read_bytes() == b"mine"


def test_resume_opens_the_existing(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as run:
        run.checkpoint_folder().save(9, W, {})
        run.append_history({"epoch": 1, "loss": 0.5})
    with RunFolder(tmp_path, resume=True) as run:
        run.append_history({"epoch": 2, "loss": 0.25})
        newest = run.checkpoint_folder().newest()
    assert newest is not None
    assert run.read_history() == [{"epoch": "1", "loss": "0.5"}, {"epoch": "2", "loss": "0.25"}]
    with pytest.raises(ConfigurationError, match="no such folder"):
        RunFolder(tmp_path / "no", resume=True)
    with pytest.raises(ConfigurationError, match="contradict"):
        RunFolder(tmp_path, resume=True, overwrite=True)


def test_places_where_no_run_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for place in [tmp_path / "file", tmp_path / "file" / "run", "a\0b"]:
        with pytest.raises(ConfigurationError, match="cannot"):
            RunFolder(place)
        with pytest.raises(ConfigurationError, match="cannot"):
            RunFolder(place, overwrite=True)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permission bits do not bind root")
def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ConfigurationError, match="cannot write"):
            RunFolder(tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_full_disk_is_found_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ConfigurationError, match="No space"):
        RunFolder(tmp_path)


def test_history(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as run:
        assert run.read_history() == []
        run.append_history({"epoch": 1, "loss": np.float64(0.1), "note": 'a,"b"\n'})
        run.append_history({"epoch": 2, "loss": 1e-300, "note": ""})
        assert run.history.read_bytes() == b'epoch,loss,note\n1,0.1,"a,""b""\n"\n2,1e-300,\n'
        assert run.read_history()[0] == {"epoch": "1", "loss": "0.1", "note": 'a,"b"\n'}
        with pytest.raises(ConfigurationError, match="columns epoch, cost"):
            run.append_history({"epoch": 3, "cost": 1})
        run.write_history([{"a": 1}, {"a": 2}])
        assert run.history.read_bytes() == b"a\n1\n2\n"


def test_history_line_cut_by_a_crash_is_dropped(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as run:
        run.write_history([{"epoch": 1, "loss": 0.5}])
        with open(run.history, "ab") as file:
            file.write(b"2,0.")
        assert run.read_history() == [{"epoch": "1", "loss": "0.5"}]
        run.append_history({"epoch": 2, "loss": 0.25})
    assert run.history.read_bytes() == b"epoch,loss\n1,0.5\n2,0.25\n"
