"""Atomic writes: the path holds the old content or the new, whatever fails in between."""

import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from chainrule.errors import ConfigurationError
from chainrule.files import write_atomic, write_json
from chainrule.files.atomic import write_text
from chainrule.files.strict_json import from_json, to_json


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_atomic(path, b"old")
    write_atomic(str(path), b"\x00new\xff")
    assert path.read_bytes() == b"\x00new\xff"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_order_is_fsync_rename_fsync_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    fsync, replace = os.fsync, os.replace

    def spy_fsync(handle: int) -> None:
        status = os.fstat(handle)
        calls.append("fsync folder" if stat.S_ISDIR(status.st_mode) else f"fsync {status.st_size} bytes")
        fsync(handle)

    def spy_replace(source: Path, target: Path) -> None:
        calls.append("replace")
        assert Path(source).parent == Path(target).parent
        replace(source, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "replace", spy_replace)
    write_atomic(tmp_path / "a", b"12345")
    assert calls == ["fsync 5 bytes", "replace", "fsync folder"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, failure: BaseException
) -> None:
    path = tmp_path / "a"
    write_atomic(path, b"old")

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(os, broken, fail)
    expected = ConfigurationError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_refuses_folders_links_pipes_and_missing_folders(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "target").write_bytes(b"kept")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "pipe")
    for name, word in [("folder", "a folder"), ("link", "a link"), ("pipe", "not an ordinary"), ("no/a", "No such")]:
        with pytest.raises(ConfigurationError, match=word):
            write_atomic(tmp_path / name, b"x")
    with pytest.raises(ConfigurationError, match="null"):
        write_atomic("a\0b", b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"kept"
    assert sorted(os.listdir(tmp_path)) == ["folder", "link", "pipe", "target"]


def test_mode_follows_the_umask(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write_atomic(tmp_path / "a", b"x")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_text_and_json(tmp_path: Path) -> None:
    write_text(tmp_path / "t", "é\r\n")
    assert (tmp_path / "t").read_bytes() == b"\xc3\xa9\r\n"
    write_json(tmp_path / "j", {"b": np.float32(0.5), "a": [np.int64(3), (True, None)]})
    assert json.loads((tmp_path / "j").read_text()) == {"b": 0.5, "a": [3, [True, None]]}
    with pytest.raises(ConfigurationError, match=r"scores\[1\] is nan"):
        write_json(tmp_path / "j", {"scores": [0.0, float("nan")]})
    assert json.loads((tmp_path / "j").read_text())["b"] == 0.5


@pytest.mark.parametrize(
    ("value", "word"),
    [({1: 2}, "key 1"), ({"a": {"b": b"x"}}, "a.b is a bytes"), ({"a": np.zeros(2)}, "ndarray"), ([np.inf], "inf")],
)
def test_json_refuses_what_it_cannot_say(value: object, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        to_json(value)


def test_json_refuses_endless_nesting_both_ways() -> None:
    ring: list[object] = []
    ring.append(ring)
    with pytest.raises(ValueError, match="nested"):
        to_json(ring)
    with pytest.raises(ValueError, match="nested"):
        from_json("[" * 100_000)


@pytest.mark.parametrize(
    "text", ['{"a":1,"a":1}', '[{"b":{"c":1,"c":2}}]', "NaN", "[-Infinity]", "1e999", "9" * 5000, "", "{]"]
)
def test_reading_json_is_strict(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(text)
