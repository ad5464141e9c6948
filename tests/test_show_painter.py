"""Pictures drawn at the side are those drawn here; whatever fails there is left to the caller."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainrule.evaluate import Confusion
from chainrule.show import confusion_figure, curves_figure
from chainrule.show import painter as painting
from chainrule.show.painter import Painter

pytest.importorskip("matplotlib")

CURVES = {"loss": [3.0, 2.0, 1.5], "val_loss": [3.2, 2.5, 2.6]}


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painting, "worthwhile", lambda: True)


def test_the_pictures_are_the_same(tmp_path: Path) -> None:
    confusion = Confusion.from_predictions([0, 1, 1, 2], [0, 1, 2, 2])
    with Painter() as painter:
        assert painter.draw(
            [
                ("curves_figure", (CURVES, tmp_path / "there.png")),
                ("confusion_figure", (confusion, tmp_path / "there_too.png")),
            ]
        )
    curves_figure(CURVES, tmp_path / "here.png")
    assert (tmp_path / "there.png").read_bytes() == (tmp_path / "here.png").read_bytes()
    confusion_figure(confusion, tmp_path / "here_too.png")
    assert (tmp_path / "there_too.png").read_bytes() == (tmp_path / "here_too.png").read_bytes()


@pytest.mark.parametrize("bad", [0, 1])
def test_a_picture_that_cannot_be_drawn_is_told(tmp_path: Path, bad: int) -> None:
    drawings = [("curves_figure", (CURVES, tmp_path / "a.png")), ("curves_figure", (CURVES, tmp_path / "b.png"))]
    drawings[bad] = ("curves_figure", (CURVES, tmp_path / "no folder" / "a.png"))
    with Painter() as painter:
        assert not painter.draw(drawings)


def test_it_ends_without_drawings_and_draws_once(tmp_path: Path) -> None:
    with Painter() as painter:
        process = painter._process
        assert process is not None
    assert process.returncode is not None
    assert not painter.draw([("curves_figure", (CURVES, tmp_path / "a.png"))])
    assert not list(tmp_path.iterdir())


def test_what_was_begun_is_drawn_meanwhile(tmp_path: Path) -> None:
    many = {"loss": [float(k) for k in range(50_000)]}  # more than a pipe holds, so sending must not block the caller
    with Painter() as painter:
        process = painter._process
        assert process is not None
        painter.begin([("curves_figure", (many, tmp_path / "a.png"))])
        assert process.poll() is None  # it has not even imported matplotlib
        assert painter.done()
    assert (tmp_path / "a.png").exists()
    assert not painter.done()


def test_closing_ends_what_was_begun(tmp_path: Path) -> None:
    with Painter() as painter:
        process = painter._process
        assert process is not None
        painter.begin([("curves_figure", (CURVES, tmp_path / "a.png"))])
    assert process.returncode is not None
    assert [p.name for p in tmp_path.iterdir()] in ([], ["a.png"])


def test_a_process_that_cannot_start_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    with Painter() as painter:
        assert not painter.draw([])
    monkeypatch.setattr(sys, "executable", None)
    with Painter() as painter:
        assert not painter.draw([])


def test_when_it_is_worth_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    processors = {0, 1}
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: processors, raising=False)
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
    assert painting.worthwhile()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)  # drawing here is quick, or says what is missing
    assert not painting.worthwhile()
    monkeypatch.delitem(sys.modules, "matplotlib.figure")
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # not installed
    assert not painting.worthwhile()
    monkeypatch.undo()
    processors.discard(1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: processors, raising=False)
    assert not painting.worthwhile()


def test_the_folder_one_is_in_shadows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A matplotlib.py where the user happens to be must not be imported by the process at the side."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    (tmp_path / "matplotlib.py").write_text("raise SystemExit(3)")
    with Painter() as painter:
        assert painter.draw([("curves_figure", (CURVES, tmp_path / "a.png"))])


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import os; os.sched_getaffinity = lambda _: {0, 1}; import chainrule.show.painter as p; "
        "x = p.Painter(); print(x._process.pid, flush=True); os._exit(1)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    pid = int(found.stdout)
    for _ in range(200):
        if not _alive(pid):
            return
        time.sleep(0.05)
    pytest.fail("the process at the side goes on")


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"
