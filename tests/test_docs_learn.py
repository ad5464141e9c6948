"""The learner's path, docs/learn: every example and every command in it is run, in order, as a reader would run them.

A block ```console holds commands after `$` with what they print below (a backslash goes on in the next line); a block
```python holds `>>>` lines. A line `...` stands for lines left out; the number of a formula in its page, as (12), is
not compared.
"""

from __future__ import annotations

import doctest
import importlib.util
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner

from chainrule.cli import app

LEARN = Path(__file__).parents[1] / "docs" / "learn"
CHAPTERS = sorted(LEARN.glob("[0-9]_*.md"))
_BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBERED = re.compile(r"^ *\(\d+\) *")


def _plain(printed: str) -> list[str]:
    """The lines without the numbers of formulas and without blanks at the ends."""
    return [re.sub(r"\s+", " ", _NUMBERED.sub("", line)).strip() for line in printed.strip("\n").splitlines()]


def _in_order(expected: str, printed: str) -> str | None:
    """None if every run of lines between `...` stands in `printed`, in order; else the run that does not."""
    lines, at = _plain(printed), 0
    runs = re.split(r"^\.\.\.\n?", expected, flags=re.MULTILINE)
    for i, run in enumerate(runs):
        wanted = _plain(run)
        starts = [at] if i == 0 else [len(lines) - len(wanted)] if i == len(runs) - 1 else range(at, len(lines))
        if not wanted:
            continue
        found = next((k for k in starts if k >= at and lines[k : k + len(wanted)] == wanted), None)
        if found is None:
            return run
        at = found + len(wanted)
    return None if "\n..." in "\n" + expected or at == len(lines) else "".join(f"{x}\n" for x in lines[at:])


def _commands(block: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, expected = part.replace("\\\n", "").partition("\n")
        yield command, expected


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.stem)
def test_every_example_of_a_chapter_prints_what_stands_below_it(
    chapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in LEARN.glob("homework*"):
        shutil.copy(name, tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    page = chapter.read_text("utf-8")
    ran = 0
    for block in _BLOCK.finditer(page):
        line = page[: block.start()].count("\n") + 2
        where = f"{chapter.name}:{line}"
        if block[1] == "python":
            examples = doctest.DocTestParser().get_doctest(block[2], names, where, str(chapter), line - 1)
            report: list[str] = []
            result = doctest.DocTestRunner(verbose=False).run(examples, out=report.append, clear_globs=False)
            names = examples.globs
            ran += result.attempted
            assert result.failed == 0, "".join(report)
            continue
        for command, expected in _commands(block[2]):
            words = shlex.split(command)
            assert words[0] == "chainrule", f"{where}: {command}"
            done = CliRunner().invoke(app, words[1:], env={"COLUMNS": "80"})
            assert done.exception is None or isinstance(done.exception, SystemExit), f"{where}: {done.exception!r}"
            missing = _in_order(expected, done.output)
            assert missing is None, f"{where}: {command}\n--- not printed:\n{missing}\n--- printed:\n{done.output}"
            ran += 1
    assert ran > 3


def test_lines_left_out_do_not_let_a_wrong_line_pass() -> None:
    printed = "(7)  z = w x\n        = 3\n\nrest\nlast\n"
    assert _in_order("(1)  z = w x\n        = 3\n...\nlast\n", printed) is None
    assert _in_order("...\nrest\n...\n", printed) is None
    assert _in_order("(7)  z = w x\n        = 4\n...\n", printed) is not None
    assert _in_order("...\nlast\n...\nrest\n...\n", printed) is not None
    assert _in_order("(7)  z = w x\n", printed) is not None
    assert _in_order("...\nrest\n", printed) is not None


def _pictures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("learn_pictures", LEARN / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pictures_are_what_their_script_draws_and_each_stands_in_a_chapter() -> None:
    drawn = _pictures().every()
    assert set(drawn) == {p.name for p in (LEARN / "pictures").iterdir()}
    pages = "".join(c.read_text("utf-8") for c in CHAPTERS)
    for name, picture in drawn.items():
        assert _alike((LEARN / "pictures" / name).read_text("utf-8"), picture), f"run docs/learn/pictures.py: {name}"
        assert f"(pictures/{name})" in pages


def _alike(first: str, second: str) -> bool:
    """The same picture; the points of a curve may differ by a tenth of a pixel, where rounding falls."""
    curve = re.compile(r'points="([^"]*)"')
    points = [[float(x) for x in re.split("[ ,]", " ".join(curve.findall(text))) if x] for text in (first, second)]
    return (
        curve.sub("", first) == curve.sub("", second)
        and len(points[0]) == len(points[1])
        and bool(np.allclose(points[0], points[1], rtol=0, atol=0.11))
    )


def test_the_picture_of_two_layers_holds_the_numbers_worked_by_hand() -> None:
    """The oracle is the chain rule written out for this one sample, entry by entry."""
    x, y = (1.0, -1.0), 1.0
    W1, b1, W2, b2 = ((0.5, 0.5), (1.0, -1.0)), (0.0, -1.0), (1.0, -2.0), 0.5
    a1 = [1 / (1 + np.exp(-(w[0] * x[0] + w[1] * x[1] + b))) for w, b in zip(W1, b1, strict=True)]
    a2 = 1 / (1 + np.exp(-(W2[0] * a1[0] + W2[1] * a1[1] + b2)))
    dz2 = a2 - y
    dz1 = [W2[i] * dz2 * a1[i] * (1 - a1[i]) for i in range(2)]
    words = [e.text for e in ElementTree.fromstring(_pictures().every()["two_layers.svg"]).iter() if e.text]
    for value in (a2, dz2, dz2 * a1[0], dz2 * a1[1], *dz1, dz1[0] * x[1], dz1[1] * x[1], -np.log(a2)):
        assert f"{value:.4f}".rstrip("0").replace("-", "\u2212") in words


def test_the_path_names_every_chapter_and_every_link_leads_somewhere() -> None:
    path = LEARN.with_suffix(".md")
    for page in [path, *CHAPTERS]:
        words = re.sub(r"```.*?```|^    .*?$|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", words):
            assert link.startswith("https://") or (page.parent / link).exists(), f"{page.name}: {link}"
    assert all(f"(learn/{c.name})" in path.read_text("utf-8") for c in CHAPTERS)
