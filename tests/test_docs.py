"""Pages whose examples are executed: what they print is compared with what stands below them."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from chainrule.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", "docs/one_layer.md", "docs/derive.md", "docs/check.md", "docs/training.md"]


def run_commands(text: str) -> None:
    """Run the blocks of shell commands that a page marks as executable, one after the other."""
    for block in re.findall(r"<!-- commands -->\n```sh\n(.*?)```", text, re.DOTALL):
        for line in block.strip().split("\n"):
            name, *args = shlex.split(line)
            assert name == "chainrule", line
            result = CliRunner().invoke(app, args)
            assert result.exit_code == 0, f"{line}\n{result.output}"


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_print_what_stands_below_them(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_commands((ROOT / page).read_text("utf-8"))
    result = doctest.testfile(str(ROOT / page), module_relative=False, encoding="utf-8")
    assert result.attempted > 0
    assert result.failed == 0


def test_every_page_with_examples_is_executed() -> None:
    with_examples = {
        str(p.relative_to(ROOT))
        for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]  # docs/learn: test_docs_learn, with its commands
        if ">>> " in p.read_text("utf-8")
    }
    assert with_examples <= set(PAGES)
