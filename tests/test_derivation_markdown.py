"""Markdown as notebooks and code hosts read it: no sign of a formula may be taken for markup."""

from __future__ import annotations

import re
from html import unescape

import pytest

from chainrule.derivation import derive
from chainrule.derivation.pages import words
from chainrule.notation.style import NOTATIONS, Style

markdown_it = pytest.importorskip("markdown_it")
_SPANS = re.compile(r"\$\$\n.*?\n\$\$|(?<![\\$])\$(?!\$)(?:\\.|[^$\n])+?\$", re.DOTALL)
_INLINE = re.compile(r"(?<![\\$])\$(?!\$)((?:\\.|[^$\n])+?)\$(?!\$)")


def assert_untouched(page: str) -> int:
    """Every formula comes through a reader of CommonMark that knows nothing of formulas as it was written."""
    html = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(page)
    assert not re.search(r"<(?:em|strong|a|table|s)\b", html)
    shown = unescape(re.sub(r"<(?!\s)[^<>]*>", "", html))
    found = _SPANS.findall(page)
    for span in found:
        assert span in shown
    for m in _INLINE.finditer(page):  # a dollar counts beside blanks and punctuation only, and not before a blank
        before, after = page[m.start() - 1 : m.start()], page[m.end() : m.end() + 1]
        assert before in ("", " ", "\n", "(")
        assert after in ("", *" \n.,;:!?)")
        assert m[1] == m[1].strip()
    return len(found)


@pytest.mark.parametrize("style", NOTATIONS)
def test_formulas_are_no_markup(style: str) -> None:
    d = derive("4-3:gelu-3:softmax", style=style)
    assert assert_untouched(d.markdown(proofs=True, steps=True, two_ways=True)) > 50


def test_other_pages() -> None:
    assert assert_untouched(derive("4-3:sigmoid-1:sigmoid", samples="rows").markdown(numbers=True, two_ways=True)) > 20
    assert assert_untouched(derive("4-3:tanh-2:softmax", layer="l").markdown(proofs=True)) > 20
    assert assert_untouched(derive("sum((W @ x - y)**2)", wrt="W").markdown(proofs=True, steps=True)) > 10


def test_underscores_and_links() -> None:
    """(A B)_{ij} would begin emphasis, z^{[l](k)} would be a link."""
    page = derive("4-3:tanh-2:softmax", layer="l").markdown(proofs=True)
    assert "](" not in page
    assert not re.search(r"[)}]_\{", page)
    assert ")_ {ij}" in page


@pytest.mark.parametrize(
    ("said", "latex", "plain"),
    [
        ("e^Z_kj / Σ_i e^Z_ij", r"e^{Z_{kj}} / \sum_{i} e^{Z_{ij}}", "e^Zₖⱼ / Σᵢ e^Zᵢⱼ"),
        ("α (e^min(z, 0) - 1)", r"\alpha (e^{\min (z, 0)} - 1)", "α (e^min(z, 0) - 1)"),
        ("√(2/π) z", r"\sqrt{2/\pi} z", "√(2/π) z"),
        ("z/√2", r"z/\sqrt{2}", "z/√2"),
        ("1/√10", r"1/\sqrt{10}", "1/√10"),
    ],
)
def test_exponents_and_roots_in_sentences(said: str, latex: str, plain: str) -> None:
    assert words.latex(said, Style()) == latex
    assert words.plain(said, Style()).replace("\u00a0", " ") == plain
