"""Pages of a derivation: never wider than asked, every format well formed, nothing fetched, what is written is read."""

from __future__ import annotations

import random
import re
import unicodedata
import xml.etree.ElementTree as ET
from fractions import Fraction
from functools import reduce
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from chainrule.derivation import derive, pages
from chainrule.derivation.document import Document, Line, Section
from chainrule.derivation.pages import words
from chainrule.derivation.pages.hand import Hand
from chainrule.derivation.pages.lines import reason
from chainrule.derivation.pages.scripts import plain_line
from chainrule.derivation.pages.tex import prose
from chainrule.derivation.pages.tex_lines import broken, measure, rows
from chainrule.derivation.pages.web import mathml
from chainrule.graph.shape import show
from chainrule.notation import write
from chainrule.notation.formula import Array, Binary, Call, Equation, Index, Negate, Number, Symbol
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
        written = [re.sub(r"\s", "", plain_line(x.formula, TEXT)) for x in document.every_line()]
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

    VOID = frozenset({"meta", "br", "hr", "wbr", "mspace"})

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


def test_rows_of_a_narrow_page_leave_no_hole_that_a_later_row_could_fill(documents: list[Document]) -> None:
    """Narrow pages are laid out densely: what goes below its left side holds the place beside it by a gap."""
    for document in documents:
        page = pages.html(document, TEXT)
        for line in page.split('<div class="line">')[1:]:
            kinds = re.findall(r'<div class="(left|gap|right|whole|why)([ \w]*)"', line)
            assert kinds[0][0] in ("left", "whole")
            for (kind, more), (after, its) in pairwise(kinds):
                if kind == "left":
                    below = "far" in its or after == "gap"
                    assert after == ("gap" if below and not more else "right")
                    assert not more or below or "long" in more
            assert line.count('class="number"') == 1


def test_equations_break_at_their_relations_and_between_terms() -> None:
    a, b, c = Symbol("a"), Symbol("b"), Symbol("c")
    terms = reduce(lambda x, k: Binary("+", x, Symbol(f"x_{k}")), range(9), a)
    lines = (Line(Equation((a, b, c), ("=", "="))), Line(Equation((a, terms), ("=",))))
    page = pages.html(Document("", "", (Section("", "backward", "", lines),)), TEXT)
    first, second = page.split('<div class="line">')[1:]
    assert first.count('<span class="side">') == 2
    assert second.count('<span class="side">') == 1
    assert second.count("<wbr>") == 1
    assert re.search(r'<wbr><math[^>]*><mrow><mo form="infix">', second)  # the plus goes on, it is no sign


def test_html_escapes_what_is_not_its_own() -> None:
    evil = '<script>alert("1 & 2")</script>'
    line = Line(Equation((Symbol("a"), Symbol("b")), ("=",)), "", evil, (evil, "m"), evil)
    page = pages.html(Document(evil, evil, (Section(evil, "proof", evil, (line,), code=(evil, "python")),)), TEXT)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 6


def test_fragment_is_what_a_notebook_shows(documents: list[Document]) -> None:
    part = pages.html(documents[0], TEXT, standalone=False)
    assert part.startswith('<div class="chainrule" lang="en">')
    assert "<html" not in part
    assert "<body" not in part
    assert " id=" not in part  # several of them stand in one notebook


def test_no_rule_of_its_style_reaches_the_page_around_a_fragment(documents: list[Document]) -> None:
    part = pages.html(documents[0], TEXT, standalone=False)
    (style,) = re.findall(r"<style>(.*?)</style>", part, re.DOTALL)
    rules = re.findall(r"([^{}]+)\{", re.sub(r"@media[^{]*\{", "", style))
    selectors = [x.strip() for rule in rules for x in rule.split(",")]
    assert len(selectors) > 20
    assert all(re.search(r"(?:^| )\.chainrule(?: |$)", x) for x in selectors)  # perhaps inside a notebook's theme


def test_words_of_functions_stand_apart_from_their_neighbors_and_a_sign_does_not() -> None:
    found = mathml(r"= -(y (-\operatorname{softplus}(-z)) + (1 - y) \ln u)")
    root = ET.fromstring(found)
    signs = [x for x in root.iter() if x.text == "−"]
    assert [x.get("form") for x in signs] == ["prefix", "prefix", "prefix", None]
    assert found.count("<mspace") == 2  # before and behind ln
    axis = mathml(r"\operatorname{sum}(dZ, \mathrm{axis} = 1)")
    assert "<mi>axis</mi>" in axis
    assert "<mi>sum</mi>" in axis


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
    hand = Hand(str, lambda formula: words.latex(formula, TEXT))
    assert prose("100 % of {ab_c} & #1 \\ ~^$", hand) == (
        r"100 \% of \{ab\_c\} \& \#1 \textbackslash{} \textasciitilde{}\textasciicircum{}\$"
    )
    assert prose("Ŷ·(1ᵀY) − σ′ ≤ Σ ŷ_k", hand).replace(" ", "") == (
        r"$\hat{Y}\cdot(1^{T}Y)-\sigma^{\prime}\le\sum\hat{y}_{k}$"
    )


@pytest.mark.parametrize(
    ("sentence", "formulas"),
    [
        ("each sample gives the outer product of its columns of dZ[2] and A[1]", ["dZ[2]", "A[1]"]),
        ("a derivative by a matrix is the matrix of the derivatives by its entries", []),
        ("ln u + ln v = ln(u v) for u, v > 0", ["ln u + ln v = ln(u v)", "u", "v > 0"]),
        ("1ᵀY = 1ᵀ, since Y is one-hot", ["1ᵀY = 1ᵀ", "Y"]),
        ("L depends on z through `a` alone", ["L", "z", "a"]),
        ("a x + b x = (a + b) x (a cancelled factor is not zero)", ["a x + b x = (a + b) x"]),
        ("don't give the network 784-128:relu-10:softmax a cross_entropy", []),
        ("Σ over what was repeated = n times", ["Σ over what was repeated = n times"]),
        ("the inverse function, e^-z σ(z)", ["e^-z σ(z)"]),
        ("J = S · scale + R: the mean enters here", ["J = S · scale + R"]),
    ],
)
def test_formulas_in_a_sentence_are_found(sentence: str, formulas: list[str]) -> None:
    found = words.pieces(sentence)
    assert "".join(p.text for p in found) == sentence.replace("`", "")
    assert [p.text for p in found if p.math] == formulas


def test_a_sentence_has_the_letters_of_the_page() -> None:
    sentence = "columns of dZ[l+1] with n_l entries, e^-z and W[2]ᵀ"
    shown = {n: words.plain(sentence, Style(n)).replace("\u00a0", " ") for n in NOTATIONS}
    assert shown["ng"] == "columns of dZ[l+1] with nₗ entries, e^-z and W[2]ᵀ"
    assert shown["leibniz"] == shown["components"] == "columns of dZ⁽ˡ⁺¹⁾ with nₗ entries, e^-z and W⁽²⁾ᵀ"
    assert words.latex("W[2]ᵀ", TEXT) == "W^{[2]T}"
    assert words.latex("W[2]ᵀ", Style("leibniz")) == "W^{(2)T}"
    assert words.latex("e^-z ŷ_k", TEXT).replace(" ", "") == r"e^{-z}\hat{y}_{k}"


def test_a_line_of_a_terminal_has_raised_layers_and_lowered_indices() -> None:
    entry = Index(Symbol("dW", Symbol("l")), (Symbol("i"), Symbol("j")))
    assert {n: plain_line(entry, Style(n)) for n in NOTATIONS} == {
        "ng": "dW[l]ᵢⱼ",
        "delta": "dWₗⁱʲ",
        "leibniz": "∂C/∂W⁽ˡ⁾ᵢⱼ",
        "components": "∂C/∂W⁽ˡ⁾ᵢⱼ",
    }
    assert plain_line(Index(Symbol("W", Symbol("l")), (Symbol("q"), Symbol("j"))), TEXT) == "W[l][q, j]"  # no low q
    assert plain_line(Binary("^", Call(Symbol("log"), (Symbol("z"),)), Number(Fraction(-2))), TEXT) == "(ln(z))⁻²"


def test_a_line_that_goes_on_does_not_repeat_its_left_side() -> None:
    a, b, c = (Symbol(x) for x in "abc")
    lines = (Line(Equation((a, b), ("=",)), "one", "why"), Line(Equation((b, c), ("=",)), "two"))
    document = Document("", "", (Section("", "", "", lines),))
    assert [x.strip() for x in pages.text(document, TEXT).splitlines() if "=" in x] == ["(1)  a = b", "(2)    = c"]
    assert pages.latex(document, TEXT).count("&= c") == 1
    assert "b &= c" not in pages.latex(document, TEXT) + pages.markdown(document, TEXT)


def test_a_rule_is_named_before_its_reason_and_not_twice() -> None:
    line = Line(Equation((Symbol("a"), Symbol("b")), ("=",)), "chain rule", "L depends on z alone")
    assert reason(line) == "chain rule: L depends on z alone"
    assert reason(Line(line.formula, "loss", "the derivative of the loss")) == "the derivative of the loss"
    assert reason(Line(line.formula, "definition")) == "definition"


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


def test_a_long_reason_is_said_once() -> None:
    a, b = Symbol("a"), Symbol("b")
    why = "each sample gives the outer product of its columns, and they are added"
    one = Section("One", lines=(Line(Equation((a, b), ("=",)), "chain rule", why),))
    two = Section("Two", lines=(Line(Equation((b, a), ("=",)), "chain rule", why),))
    document = Document("", "", (one, two))
    for page in (pages.text(document, TEXT, 100), pages.markdown(document, TEXT), pages.html(document, TEXT)):
        assert page.count(why) == 1
        assert "chain rule: as in (1)" in page
    assert pages.latex(document, TEXT).count("as in (1)") == 1
    assert pages.latex(document, TEXT, standalone=False).count("as in") == 0  # equations of the user's come before


def test_markdown_has_no_macro_that_code_hosts_refuse(documents: list[Document]) -> None:
    for document in documents:
        assert r"\operatorname" not in pages.markdown(document, TEXT)


BITS = [
    *(
        "a",
        "x_1",
        "W[2]",
        "^",
        "_",
        "{",
        "}",
        "\\",
        "$",
        "&",
        "%",
        "#",
        "~",
        "`",
        "e^-z",
        "(",
        ")",
        "[",
        "]",
        "ŷ_k",
        "Σ_i",
    ),
    *(
        "∂L/∂z[l]",
        "ᵀ",
        "⁽²⁾",
        "ᵢⱼ",
        "=",
        "+",
        "-",
        "the",
        "don't",
        "softplus(-z)",
        "ln",
        "1/m",
        "'",
        '"',
        "<b>",
        "|",
        "*",
    ),
    *("dW", "f'", "^(1/2)", "x^{a}", "_{l-1}", "é", "日", "\u0302", "…", ",", ".", ";", ":"),
]


def test_any_sentence_is_set_in_every_format() -> None:
    """Signs in any order: nothing fails, MathML stays well formed, LaTeX balanced, the letters of the text are kept."""
    rng = random.Random(1)
    sections = []
    for _ in range(150):
        words_ = "".join(rng.choice(BITS) + rng.choice(("", " ")) for _ in range(rng.randint(1, 12)))
        sections.append(
            Section(words_, "proof", words_, (Line(Equation((Symbol("a"), Symbol("b")), ("=",)), "", words_),))
        )
        found = "".join(p.text for p in words.pieces(words_))
        assert found == (words_ if words_.count("`") % 2 else words_.replace("`", ""))
    document = Document("any", "", tuple(sections))
    for notation in NOTATIONS:
        page = pages.html(document, Style(notation))
        for element in set(re.findall(r"<math.*?</math>", page, re.DOTALL)):
            ET.fromstring(element)
        assert "<b>" not in page
        text = pages.latex(document, Style(notation))
        environments(text)
        assert all(balanced(x) for x in pieces(text))
        assert max(map(columns, pages.text(document, Style(notation), 60).splitlines())) <= 60


def test_letters_with_an_index_in_their_name() -> None:
    entry = (Symbol("i"), Symbol("j"))
    for name, unicode, latex, entry_latex in (
        ("x_1", "x₁", "x_1", "{x_1}_{ij}"),
        ("dx_12", "dx₁₂", "dx_{12}", "{dx_{12}}_{ij}"),
        ("W_out", "W_out", r"W_{\mathrm{out}}", r"{W_{\mathrm{out}}}_{ij}"),
        ("DeltaPhi", "ΔΦ", r"\Delta \Phi", r"\Delta \Phi_{ij}"),
    ):
        assert write.text(Symbol(name), Style()) == unicode
        assert write.latex(Symbol(name)) == latex
        assert write.latex(Index(Symbol(name), entry)) == entry_latex
        assert write.text(Symbol(name), Style(plain=True)) == name


def test_powers_of_names_with_a_layer_stand_in_brackets() -> None:
    square = Binary("^", Symbol("A", Number(Fraction(1))), Number(Fraction(2)))
    assert write.latex(square, Style("leibniz")) == "(A^{(1)})^2"
    assert write.latex(Binary("@", Symbol("dW"), Symbol("x"))) == r"dW \, x"


def test_a_matrix_of_numbers_has_one_pair_of_parentheses() -> None:
    shown = derive("2-2:tanh-1").numbers("x=[[1, 2], [3, 4]]").latex()
    line = next(x for x in shown.splitlines() if r"\tanh" in x and "pmatrix" in x)
    assert r"\left(" not in line


def test_a_matrix_under_a_power_is_the_whole_base() -> None:
    beside = r"\begin{pmatrix} 1 & 2 \end{pmatrix} * \left(1 - \begin{pmatrix} 3 \end{pmatrix}^2\right)"
    for raised in (r"\begin{pmatrix} 1 & 2 \end{pmatrix}^T x", r"\begin{bmatrix} 1 \\ 2 \end{bmatrix}^2", beside):
        assert "}" not in mathml(raised)
        found = ET.fromstring(mathml(raised)).iter("{http://www.w3.org/1998/Math/MathML}msup")
        assert [len(x) for x in found] == [2]
