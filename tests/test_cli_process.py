"""The command as a process: signals, two of them on one folder, a reader that goes away, what it imports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainrule.files import load_bundle
from chainrule.tabular import Options, train_table

COMMAND = [sys.executable, "-m", "chainrule"]
ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
LONG = ["train", "breast_cancer", "--epochs", "100000", "--patience", "0", "--hidden", "4"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals and pipes")


def start(place: Path, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *args], cwd=place, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_for(process: subprocess.Popen[str], words: str) -> None:
    """Read lines until one holds `words`; the process must still run then."""
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return
    raise AssertionError(process.stderr.read() if process.stderr else "")


def done(place: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *args], cwd=place, env=ENVIRONMENT, text=True, capture_output=True, timeout=120)


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"])
def test_a_signal_saves_the_state_and_says_how_to_resume(tmp_path: Path, signum: int, code: int) -> None:
    process = start(tmp_path, *LONG, "--out", "r")
    wait_for(process, "epoch 1/")
    process.send_signal(signum)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert errors.count("\n") == 1
    assert errors.startswith("interrupted in epoch ")
    assert "chainrule train --resume --out r" in errors
    (newest, *_) = sorted((tmp_path / "r" / "checkpoints").iterdir(), reverse=True)
    state = load_bundle(newest, kind="checkpoint").content["trainer"]
    assert f"after {state['step']:,} steps" in errors
    assert "can be used: chainrule predict r DATA" in errors
    told = done(tmp_path, "evaluate", "r", "breast_cancer", "--json")
    assert told.returncode == 0
    assert "was interrupted: these are the parameters after" in told.stderr
    assert json.loads(told.stdout)["accuracy"] > 0.5


def test_a_run_killed_by_signals_ends_with_the_bits_of_the_uninterrupted_one(tmp_path: Path) -> None:
    options = Options(epochs=120, patience=0, hidden=(16,), dropout=0.2)
    args = ["--epochs", "120", "--patience", "0", "--hidden", "16", "--dropout", "0.2"]
    process = start(tmp_path, "train", "digits", *args, "--out", "r", "--checkpoint-every", "5steps")
    wait_for(process, "epoch 1/")
    process.kill()
    process.communicate(timeout=60)
    process = start(tmp_path, "train", "--resume", "--out", "r")
    wait_for(process, "epoch 12/")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    resumed = done(tmp_path, "train", "--resume", "--out", "r")
    assert resumed.returncode == 0, resumed.stderr
    train_table("digits", options, out=tmp_path / "whole")
    one, two = (load_bundle(tmp_path / name / "model.safetensors", kind="model") for name in ("r", "whole"))
    assert {n: t.tobytes() for n, t in one.tensors.items()} == {n: t.tobytes() for n, t in two.tensors.items()}


def test_the_second_process_on_a_run_folder_is_refused(tmp_path: Path) -> None:
    process = start(tmp_path, *LONG, "--out", "r")
    try:
        wait_for(process, "epoch 1/")
        for args in (["train", "--resume", "--out", "r"], ["train", "iris", "--out", "r", "--overwrite"]):
            second = done(tmp_path, *args)
            assert second.returncode == 2
            assert second.stderr.count("\n") == 1
            assert f"in use by process {process.pid}" in second.stderr
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate(timeout=60)


def test_a_reader_that_goes_away_ends_predict_quietly(tmp_path: Path) -> None:
    rows = "".join(f"{i % 17},{'u' if i % 17 > 8 else 'v'}\n" for i in range(60_000))
    (tmp_path / "t.csv").write_text("a,y\n" + rows)
    assert done(tmp_path, "train", "t.csv", "--epochs", "1", "--hidden", "2", "--out", "r", "--quiet").returncode == 0
    process = start(tmp_path, "predict", "r", "t.csv", "--proba")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("row,prediction")
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()


def test_a_reader_that_goes_away_does_not_end_a_training(tmp_path: Path) -> None:
    process = start(tmp_path, "train", "iris", "--epochs", "300", "--patience", "0", "--hidden", "4", "--out", "r")
    wait_for(process, "run folder")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    assert (tmp_path / "r" / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("args", "absent"),
    [
        (["--help"], ["rich", "polars", "sklearn", "matplotlib", "scipy", "chainrule.train"]),
        (["train", "--help"], ["rich", "polars", "sklearn", "matplotlib", "scipy", "chainrule.train"]),
        (["train", "iris", "--epochs", "1", "--quiet", "--out", "r"], ["polars", "sklearn", "pandas"]),
    ],
    ids=["help", "train-help", "train"],
)
def test_what_is_not_needed_is_not_imported(tmp_path: Path, args: list[str], absent: list[str]) -> None:
    code = (
        "import sys\nfrom chainrule.cli import main\n"
        f"try: main({args!r})\nexcept SystemExit as e: assert not e.code, e.code\n"
        f"print('IMPORTED', [m for m in {absent!r} if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=ENVIRONMENT, text=True, capture_output=True, timeout=60
    )
    assert result.stdout.splitlines()[-1] == "IMPORTED []", result.stdout + result.stderr


def test_a_signal_before_training_changes_nothing(tmp_path: Path) -> None:
    fifo = tmp_path / "slow.csv"
    os.mkfifo(fifo)
    process = start(tmp_path, "train", "slow.csv", "--out", "r")
    # A writer can open the pipe only once the command reads it.
    deadline = time.monotonic() + 30
    while True:
        try:
            writer = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
            break
        except OSError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
    # Python looks for signals before it reads, not in between: one that comes in that moment (5 of 100 did, without a
    # pause) is noticed after the read, or with the next Ctrl-C.
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    os.close(writer)
    assert errors == "interrupted; nothing was changed\n"
    assert process.returncode == 130
    assert not (tmp_path / "r").exists()
