"""Pages whose examples are executed: what they print is compared with what stands below them."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", "docs/one_layer.md", "docs/derive.md", "docs/check.md"]


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_print_what_stands_below_them(page: str) -> None:
    result = doctest.testfile(str(ROOT / page), module_relative=False, encoding="utf-8")
    assert result.attempted > 0
    assert result.failed == 0


def test_every_page_with_examples_is_executed() -> None:
    with_examples = {
        str(p.relative_to(ROOT))
        for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
        if ">>> " in p.read_text("utf-8")
    }
    assert with_examples <= set(PAGES)
