"""Pages of a derivation: never wider than asked, every format well formed, nothing fetched, what is written is read."""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ET
from fractions import Fraction
from html.parser import HTMLParser

import pytest

from chainrule.derivation import pages
from chainrule.derivation.document import Document, Line, Section
from chainrule.derivation.pages.tex import prose
from chainrule.derivation.pages.tex_lines import broken, measure, rows
from chainrule.graph.shape import show
from chainrule.notation import write
from chainrule.notation.formula import Array, Binary, Equation, Negate, Number, Symbol
from chainrule.notation.from_graph import formula, symbol
from chainrule.notation.style import NOTATIONS, Style
from chainrule.ops import ACTIVATIONS
from chainrule.train import Model

NETWORKS = [
    *(f"4-3:{name}-2" for name in ACTIVATIONS),
    "2-1:sigmoid",
    "784-128:relu-64:relu-10:softmax",
    "3-3:tanh-3:tanh-3:tanh-3:tanh-3:tanh-2:softmax",
    "4-5:batchnorm:relu-3:softmax",
    "4-5:layernorm:gelu-3",
    "4-5:tanh:dropout=0.5-3:sigmoid",
    "10-20:mish-20:gelu_tanh-5:selu-1",
]
TEXT = Style()


def derivation(network: str) -> Document:
    """The named equations of a network and its gradient, as they come out of the derived graph."""
    model = Model(network)
    found, graph = model.derivation(), model.graph
    names = {node: symbol(name) for name, node in reversed(list(graph.items()))}

    def line(name: str, node, why: str = "") -> Line:  # type: ignore[no-untyped-def]
        right = formula(node, {n: f for n, f in names.items() if n is not node}, inside=True)
        return Line(
            Equation((symbol(name), right), ("=",)), "", why, (show(node.shape.rows), show(node.shape.cols)), name
        )

    forward = tuple(line(n, node) for n, node in graph.items())
    cost = line("J", model.cost_expression, "the mean of the losses over the samples, here with ℓ = Σ_k ŷ_k")
    for n, node in found.names.items():
        if n in graph and not node.is_constant:
            names.setdefault(found[f"d{n}"], symbol(f"d{n}")) if f"d{n}" in found else None
    backward = tuple(
        line(n, found[n], "chain rule through the product: ∂(WA)_kl/∂W_ij = δ_ki A_jl, a sum over all entries <k> & l")
        for n in found.ordered()
        if not found[n].is_constant
    )
    return Document(
        f"The gradient of {network}",
        "Samples are columns. " * 9,
        (
            Section("Forward pass", "forward", "Equations & shapes.", forward),
            Section("Cost", "cost", "", (cost,)),
            Section("Backward pass", "backward", "", backward, (Section("Why", "proof", "By parts.", forward[:1]),)),
            Section("Program", "code", "", code=("def f(x):\n    return x < 1 & True\n", "python")),
        ),
    )


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return [derivation(n) for n in NETWORKS]


def columns(line: str) -> int:
    return sum(0 if unicodedata.combining(c) else 1 for c in line)


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_line_of_text_is_longer_than_asked(documents: list[Document], width: int) -> None:
    for document in documents:
        for notation in NOTATIONS if len(list(document.every_line())) < 40 else ("ng",):
            lines = pages.text(document, Style(notation), width).splitlines()
            assert max(map(columns, lines)) <= width


def test_text_is_numbered_in_order_and_aligned_at_the_relations(documents: list[Document]) -> None:
    for document in documents:
        shown = pages.text(document, TEXT, 100)
        numbers = [int(n) for n in re.findall(r"^\s*\((\d+)\)  ", shown, re.MULTILINE)]
        assert numbers == list(range(1, len(list(document.every_line())) + 1))
    rows = pages.text(documents[1], TEXT, 100).split("Cost")[0].splitlines()
    places = {r.index(" = ") for r in rows if " = " in r}
    assert len(places) == 1


def test_a_line_that_is_broken_reads_as_the_formula_that_was_written(documents: list[Document]) -> None:
    # Joined again, the rows of an equation are what the writer wrote: breaking adds and loses nothing but space.
    for document in documents:
        written = [re.sub(r"\s", "", write.text(x.formula, TEXT)) for x in document.every_line()]
        shown = pages.text(_bare(document), TEXT, 60)
        found = re.split(r"^\s*\(\d+\)  ", shown, flags=re.MULTILINE)[1:]
        assert [re.sub(r"\s", "", x) for x in found] == written


def _bare(document: Document) -> Document:
    lines = tuple(Line(x.formula) for x in document.every_line())
    return Document("", "", (Section("", "", "", lines),))


def test_color_only_when_asked(documents: list[Document]) -> None:
    plain = pages.text(documents[0], TEXT)
    colored = pages.text(documents[0], TEXT, color=True)
    assert "\x1b" not in plain
    assert "\x1b" in colored
    # Dimmed trailing spaces aside, color changes nothing else.
    assert re.sub(r"\x1b\[\d+m", "", colored) == plain


def test_matrices_stand_row_by_row_in_brackets_aligned_at_the_decimals() -> None:
    half = Number(Fraction(1, 2))
    matrix = Array((half, Negate(Number(Fraction(1))), Number(Fraction(-13, 4)), Number(Fraction(12))), 2)
    whole = Equation((Symbol("Z"), Binary("@", Symbol("W"), matrix), Negate(half)), ("=", "≈"))
    shown = pages.text(Document("", "", (Section("", "numbers", "", (Line(whole),)),)), TEXT, 60)
    assert [x for x in shown.splitlines() if x.strip()] == [
        "(1)  Z = W ⎡  0.50  -1.00 ⎤",
        "           ⎣ -3.25  12.00 ⎦",
        "       ≈ -0.5",
    ]


class Tags(HTMLParser):
    """Every tag closed in order, and what is referred to."""

    VOID = frozenset({"meta", "br", "hr", "mspace"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [v or "" for k, v in attrs if k in ("src", "href", "srcset", "data", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag


def test_html_is_well_formed_and_fetches_nothing(documents: list[Document]) -> None:
    for document in documents:
        for notation in NOTATIONS:
            page = pages.html(document, Style(notation))
            tags = Tags()
            tags.feed(page)
            tags.close()
            assert tags.open == []
            assert tags.links == []
            assert "script" not in tags.seen
            assert {"main", "h1", "h2", "details", "summary", "math", "title"} <= set(tags.seen)
            urls = set(re.findall(r"https?://[^\"' <]+", page))
            assert urls <= {"http://www.w3.org/1998/Math/MathML"}  # the name of a language, nothing to fetch
            assert "@import" not in page
            assert "url(" not in page
            for element in set(re.findall(r"<math.*?</math>", page, re.DOTALL)):
                root = ET.fromstring(element)
                assert root.tag.endswith("math")
                assert not [x.text for x in root.iter() if x.text and "\\" in x.text]  # nothing left of TeX


def test_html_escapes_what_is_not_its_own() -> None:
    evil = '<script>alert("1 & 2")</script>'
    line = Line(Equation((Symbol("a"), Symbol("b")), ("=",)), "", evil, (evil, "m"), evil)
    page = pages.html(Document(evil, evil, (Section(evil, "proof", evil, (line,), code=(evil, "python")),)), TEXT)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 6


def test_fragment_is_what_a_notebook_shows(documents: list[Document]) -> None:
    part = pages.html(documents[0], TEXT, standalone=False)
    assert part.startswith('<div class="chainrule">')
    assert "<html" not in part
    assert "<body" not in part


def environments(text: str) -> None:
    open_: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{([a-zA-Z*]+)\}", text):
        if kind == "begin":
            open_.append(name)
        else:
            assert open_.pop() == name
    assert open_ == []


def pieces(text: str) -> list[str]:
    """The rows of all aligned environments."""
    found = []
    for body in re.findall(r"\\begin\{align(?:ed)?\}(.*?)\\end\{align(?:ed)?\}", text, re.DOTALL):
        found += re.split(r"\\\\\*?(?:\[[^\]]*\])?\n|\\cr\n", body)
    return found


def balanced(piece: str) -> bool:
    depth = 0
    for c in re.findall(r"\\[{}]|[{}]", piece):
        depth += {"{": 1, "}": -1}.get(c, 0)
        assert depth >= 0
    return depth == 0 and piece.count(r"\left") - piece.count(r"\leftarrow") == piece.count(r"\right") - piece.count(
        r"\rightarrow"
    )


@pytest.mark.parametrize("standalone", [True, False])
def test_latex_is_balanced_and_only_ascii_where_tex_wants_it(documents: list[Document], standalone: bool) -> None:
    for document in documents:
        for notation in NOTATIONS:
            text = pages.latex(document, Style(notation), standalone)
            environments(text)
            assert all(balanced(x) for x in pieces(text))
            assert ("\\documentclass" in text) == standalone
            packages = re.findall(r"\\usepackage(?:\[[^\]]*\])?\{([^}]*)\}", text)
            assert set(packages) <= {"amsmath", "xcolor", "geometry", "inputenc"}
            assert not [c for c in text if ord(c) > 0xFF]
            # one number per line of the document
            numbered = sum(r"\notag" not in x for x in pieces(text))
            assert numbered == len(list(document.every_line()))


def test_latex_prose_escapes_every_sign() -> None:
    assert prose("100 % of {ab_c} & #1 \\ ~^$") == (
        r"100 \% of \{ab\_c\} \& \#1 \textbackslash{} \textasciitilde{}\textasciicircum{}\$"
    )
    assert prose("Ŷ·(1ᵀY) − σ′ ≤ Σ ŷ_k") == (
        r"$\hat{Y}$$\cdot$(1${}^{T}$Y) $-$ $\sigma$${}'$ $\le$ $\Sigma$ $\hat{y}_{k}$"
    )


def test_markdown_has_formulas_in_display_and_no_tables(documents: list[Document]) -> None:
    for document in documents:
        text = pages.markdown(document, TEXT)
        assert text.count("$$") == 2 * sum(bool(s.lines) for s in _sections(document.sections))
        assert all(balanced(x) for x in pieces(text))
        environments(text)
        assert not re.search(r"^\|", text, re.MULTILINE)
        for formulas in re.findall(r"\$\$(.*?)\$\$", text, re.DOTALL):
            assert not re.search(r"\\[^A-Za-z\s]", formulas)  # Markdown would take such a backslash for its own


def _sections(sections: tuple[Section, ...]) -> list[Section]:
    return [x for s in sections for x in (s, *_sections(s.parts))]


def test_long_formulas_are_broken_at_binary_signs_only() -> None:
    latex = r"\left(a + \frac{b + c}{d}\right) \odot " + " + ".join(
        rf"\tanh\left(Z^{{[{i}]}} - x_{{i+1}}\right)" for i in range(30)
    )
    found = broken(latex, 40)
    assert len(found) > 8
    assert max(map(measure, found)) <= 44
    assert all(balanced(x) for x in found)
    joined = "".join(x.replace(r"\right.", "").replace(r"\left.", "").removeprefix("{}") for x in found)
    assert re.sub(r"[\s{}]", "", joined) == re.sub(r"[\s{}]", "", latex)


def test_every_side_of_a_chain_has_its_relation() -> None:
    chain = Equation(tuple(Symbol(x) for x in "abcd"), ("=", ":=", "<-"))
    found = rows(chain, lambda f: write.latex(f, TEXT), 60)
    assert [(r.left, r.relation, r.right) for r in found] == [
        ("a", "=", "b"),
        ("", ":=", "c"),
        ("", r"\leftarrow", "d"),
    ]
