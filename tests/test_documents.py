"""Documents taken apart: header, formulas with their lines, continuations, definitions, reports."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.documents.extraction import FORMULAS, Found, extract, extracted
from chainrule.documents.header import Header, Notation, read_header
from chainrule.documents.judged import LARGEST, decoded, judge_document, kind_of
from chainrule.documents.own import OURS, as_read, in_own_letters
from chainrule.documents.page import as_html, mathml
from chainrule.documents.report import as_json, as_text, summary
from chainrule.documents.tex import expand, rows, take_macros
from chainrule.errors import ChainruleError, ConfigurationError, DataError
from chainrule.judge.verdict import Declared, Finding, Judgement
from chainrule.notation.formula import Equation, Formula, Symbol
from chainrule.notation.letters import Letters


def formulas(text: str, kind: str = "markdown") -> list[tuple[int, str]]:
    return [(f.line, " ".join(f.formula.split())) for f in extract(text, kind)[0]]


# Header --------------------------------------------------------------------------------------------------------------


def test_a_header_of_its_own_with_sections_and_readings() -> None:
    header = read_header(
        'network = "3-5:tanh-2"\nloss = "quadratic"\nsamples = "rows"\n'
        '[[section]]\nfrom = "Second part"\nloss = "absolute"\n'
        '[[section.reading]]\nname = "one"\n[[section.reading]]\nname = "two"\nletters = {"u" = "a[1]"}\n'
        '[[section]]\nfrom = 5\nreading = []\nplace = "dZ"\n'
    )
    first, second, third = header.stretches("a\nb\nthe  Second   part\nc\nd\n")
    assert (first.start, second.start, third.start) == (1, 3, 5)
    assert first.readings[0][1].loss == "quadratic"
    assert [name for name, _ in second.readings] == ["one", "two"]
    assert all(n.loss == "absolute" and n.samples == "rows" for _, n in second.readings)
    assert second.readings[1][1].letters == (("u", "a[1]"),)
    assert third.readings == (("", Notation("3-5:tanh-2", "absolute", "rows", "dZ")),)


def test_what_is_declared_reaches_the_judge() -> None:
    notation = Notation("3-2", "quadratic", "rows", "dZ", "parentheses", "superscript", ("F",), True, (("u", "v"),))
    declared = notation.declared("r")
    assert (declared.name, declared.network, declared.loss, declared.rows) == ("r", "3-2", "quadratic", True)
    assert (declared.samples, declared.place) == ("batch", "dZ")
    letters = declared.letters
    assert (letters.layer, letters.component, dict(letters.rename)) == ("parentheses", "superscript", {"u": "v"})
    assert "F" in letters.functions
    assert "g" in letters.functions
    assert letters.differentials
    assert Notation().declared() == Declared(letters=Notation().as_letters())
    assert Notation(samples="one").declared().samples == "one"


@pytest.mark.parametrize(
    ("toml", "parts"),
    [
        ("netwrk = 1", ["line 7", "'netwrk'", "did you mean 'network'?", "loss"]),
        ('\nloss = "cross_entrpy"', ["line 8", "loss = 'cross_entrpy'", "did you mean 'cross_entropy'?"]),
        ('network = "3-x"', ["line 7", "'x'", "width"]),
        ("network = 3", ["line 7", "text"]),
        ('samples = "column"', ["line 7", "columns, rows, one"]),
        ("place = 3", ["line 7", "parameters, dZ"]),
        ('layer = "braces"', ["brackets, parentheses, subscript"]),
        ("differentials = 1", ["true, false"]),
        ('letters = ["a"]', ["line 7", "table"]),
        ('letters = {"a" = 1}', ["line 7", "table from texts to texts"]),
        ("functions = [1]", ["list of texts"]),
        ("a = = 1", ["line 7", "TOML"]),
        ("\n[[section]]\nloss = 'any'", ["line 8", "from"]),
        ("[[section]]\nfrom = true", ["line 8", "place"]),
        ("[[section]]\nfrom = 'x'\n\nlos = 'any'", ["line 10", "'los'", "did you mean 'loss'?"]),
        ("section = 3", ["[[section]]"]),
        ("[[reading]]\nloss = 'any'", ["line 7", "name"]),
        ("[[reading]]\nname = 'a'\n[[reading]]\nname = 'a'", ["line 9", "'a'"]),
        ("x = " + "[" * 5000, ["TOML"]),
    ],
)
def test_an_error_in_a_header_is_one_sentence_with_its_line(toml: str, parts: list[str]) -> None:
    with pytest.raises(ConfigurationError) as error:
        read_header(toml, "notes.toml", 7)
    message = str(error.value)
    assert "\n" not in message
    for part in ["notes.toml", *parts]:
        assert part in message, message


@pytest.mark.parametrize(("start", "part"), [('"Chapter 9"', "'Chapter 9'"), ("99", "99"), ("0", "0")])
def test_a_section_that_begins_nowhere_is_an_error(start: str, part: str) -> None:
    with pytest.raises(ConfigurationError, match=part):
        read_header(f"[[section]]\nfrom = {start}\n").stretches("a\nb")


def test_a_section_begins_after_the_one_before() -> None:
    header = read_header('[[section]]\nfrom = "Proof"\n[[section]]\nfrom = "Claim"\n')
    assert [s.start for s in header.stretches("Claim\nProof\nClaim\n")] == [1, 2, 3]
    with pytest.raises(ConfigurationError, match="before line 2"):
        read_header("[[section]]\nfrom = 2\n[[section]]\nfrom = 1\n").stretches("a\nb\n")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("markdown", 'intro\n\n<!-- chainrule:\nloss = "quadratic"\n-->\n\n$a = b$\n'),
        ("latex", 'intro\n%\n% chainrule: \n%loss = "quadratic"\n\\begin{document}\n\n$a = b$\n'),
        ("text", 'intro\n\n# chainrule:\n# loss = "quadratic"\n\n\n$a = b$\n'),
        ("text", 'intro\n\n# chainrule: loss = "quadratic"\n\n\n\n$a = b$\n'),
    ],
)
def test_a_header_in_the_document(kind: str, text: str) -> None:
    found, blocks = extract(text, kind)
    assert [b.line for b in blocks] == [3]
    assert read_header(blocks[0].toml).stretches(text)[0].readings[0][1].loss == "quadratic"
    assert [(f.line, f.formula) for f in found] == [(7, "a = b")]


def test_a_second_header_comment_holds_from_its_line_on() -> None:
    text = '<!-- chainrule: loss = "quadratic" -->\n$A = b$\n\n<!-- chainrule: loss = "absolute" -->\n$A = W$\n'
    seen = judged(text)[1]
    assert [d[0].loss for d in seen] == ["quadratic", "absolute"]


def test_an_error_in_a_header_comment_names_the_line_of_the_document() -> None:
    with pytest.raises(ConfigurationError, match=r"notes\.md, line 4"):
        judge_document("a\n\n<!-- chainrule:\nlos = 1\n-->\n", "notes.md")


# Formulas ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opened, closed", [("$$", "$$"), (r"\[", r"\]"), (r"\(", r"\)"), ("$", "$")])  # noqa: PT006
def test_every_kind_of_mathematics(opened: str, closed: str) -> None:
    text = f"Let it be that {opened}dW^{{[2]}} = \\frac{{1}}{{m}} dZ^{{[2]}} A^{{[1]T}}{closed}, which is clear.\n"
    assert formulas(text) == [(1, r"dW^{[2]} = \frac{1}{m} dZ^{[2]} A^{[1]T}")]


@pytest.mark.parametrize("name", ["equation", "equation*", "align", "align*", "gather", "multline", "eqnarray"])
def test_environments(name: str) -> None:
    assert formulas(f"words\n\\begin{{{name}}}\n  a = b\n\\end{{{name}}}\n", "latex") == [(3, "a = b")]


def test_rows_of_an_alignment_and_their_continuations() -> None:
    text = r"""\begin{align}
  dz &= da * g'(z), \label{x} \\
     &= (W^T dz) * g'(z) \tag{3} \\[2pt]
  db &= dz & dW &= dz\, a^T \nonumber \\
  &\vdots \\
  y &= a \\
    &\quad + b
\end{align}
$$= a + c$$
"""
    assert formulas(text, "latex") == [
        (2, "dz = da * g'(z)"),
        (3, "dz = (W^T dz) * g'(z)"),
        (4, "db = dz"),
        (4, r"dW = dz\, a^T"),
        (5, r"\vdots"),
        (6, "y = a + b"),
        (9, "y = a + c"),
    ]


def test_cases_and_matrices_stay_whole() -> None:
    text = (
        r"$$\begin{aligned} a &= \begin{cases} y & (1) \\ b & (2) \end{cases} \\ "
        r"c &= \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} \end{aligned}$$"
    )
    first, second = formulas(text)
    assert first[1].startswith(r"a = \begin{cases}")
    assert first[1].endswith(r"\end{cases}")
    assert second[1].startswith(r"c = \begin{pmatrix}")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (r"(1) \quad a = b", ["a = b"]),
        (r"a = b \quad - (4)", ["a = b"]),
        (r"a = b, \quad c = d, \qquad e = f.", ["a = b", "c = d", "e = f"]),
        (r"a = b, c = d", ["a = b", "c = d"]),
        (r"f(x, y) = [a, b]", ["f(x, y) = [a, b]"]),
        (r"\boxed{ a = b }. \tag{2}", ["a = b"]),
        (r"\therefore a = b \quad \blacksquare", ["a = b"]),
        (r"a = b \text{ and } c = d", ["a = b", "c = d"]),
        (r"a = \text{sig}(z)", [r"a = \text{sig}(z)"]),
        (r"a = b \quad \text{(per sample)}", ["a = b"]),
        (r"\text{Input layer} = x", []),
        (r"\text{for } i = 1: ", ["i = 1"]),
        (r"d W : = c", ["d W := c"]),
    ],
)
def test_what_only_decorates_is_dropped(row: str, expected: list[str]) -> None:
    assert [f for _, f in formulas(f"$${row}$$") if "=" in f] == expected


def test_macros_are_expanded_and_lines_kept() -> None:
    text = (
        "\\newcommand{\\dd}[2]{\\frac{\\partial #1}{\\partial #2}}\n\\def\\half{\\frac12}\n"
        "\\newcommand{\\be}{\\begin{equation}}\n\\newcommand{\\ee}{\\end{equation}}\n"
        "\\newcommand{\\vv}[1][W]{\\mathbf{#1}}\n\\DeclareMathOperator{\\sig}{sig}\n"
        "\\be\n\\dd{L}\n{\\vv} = \\half \\sig(z)\n\\ee\n$\\vv[b] = c$\n"
    )
    assert formulas(text, "latex") == [
        (8, r"\frac{\partial L}{\partial \mathbf{W}} = \frac12 \operatorname{sig}(z)"),
        (11, r"\mathbf{b} = c"),
    ]


def test_macros_that_grow_without_end_stay() -> None:
    pairs = zip("abcdefghij", "bcdefghijk", strict=True)
    bomb = "".join("\\newcommand{\\x" + b + "}{" + ("\\x" + a) * 10 + "}\n" for a, b in pairs)
    macros, text = take_macros(bomb + "\\newcommand{\\xa}{aaaaaaaaaa}\\newcommand{\\r}{\\r\\r}\n$\\xk = \\r$")
    assert len(expand(text, macros)) < 10_000_000


def test_comments_links_listings_and_prose_are_passed_over() -> None:
    tex = "a % $x = y$\n\\begin{verbatim}\nsome words here\n\\end{verbatim}\n50\\% of $a = b$\n"
    assert formulas(tex, "latex") == [(5, "a = b")]
    markdown = (
        "See [this](http://a.b/?c=d&e=f) and http://a.b/?q=1\n<!-- $x = y$ -->\nIt costs $5 and $6.\n"
        "The rate = 3 of all runs, say.\nAccuracy = 0.93\nx == y\n\n| a = b | c |\n"
    )
    assert formulas(markdown) == [(8, "a = b")]


def test_plain_lines_bullets_and_back_ticks() -> None:
    text = (
        "We have\n\n- dW[2] = 1/m * dZ[2] @ A[1].T\n2. dZ[2] = A[2] - Y (3)\n(4) db[2] = 1/m * sum(dZ[2], axis=1)\n"
        "    dA1 = np.dot(W2.T, dZ2)\n∂L/∂z = ŷ − y\nand so `dZ1 = dA1 * g'(Z1)` holds.\n"
    )
    assert formulas(text, "text") == [
        (3, "dW[2] = 1/m * dZ[2] @ A[1].T"),
        (4, "dZ[2] = A[2] - Y"),
        (5, "db[2] = 1/m * sum(dZ[2], axis=1)"),
        (6, "dA1 = np.dot(W2.T, dZ2)"),
        (7, "∂L/∂z = ŷ − y"),
        (8, "dZ1 = dA1 * g'(Z1)"),
    ]


def test_code_blocks() -> None:
    text = (
        "```python\nimport numpy as np\nfor i in range(3):\n    dW2 = 1/m * np.dot(dZ2,\n        A1.T)  # weights\n"
        "    W2 -= alpha * dW2; b2 = b2 - alpha * db2\n    if a == b: pass\nprint(x)\n```\n"
        '```json\n{"a" = 1}\n```\n~~~latex\ndz = da\n~~~\n'
    )
    assert formulas(text) == [
        (4, "dW2 = 1/m * np.dot(dZ2, A1.T)"),
        (6, "W2 = W2 - (alpha * dW2)"),
        (6, "b2 = b2 - alpha * db2"),
        (14, "dz = da"),
    ]


def test_windows_lines_and_a_byte_order_mark() -> None:
    assert formulas("\ufeffa\r\n$b = c$\r\n") == [(2, "b = c")]


@pytest.mark.parametrize(
    "text",
    ["$$ a = b", r"\[ a", r"\begin{align} a &= b", "```\na = b", "$a", r"\newcommand{\x}{", r"\newcommand", "{" * 3000,
     r"$$" + r"\begin{a}" * 500 + "$$", "$$" + "&" * 5000 + "$$", "`" * 5001, r"\x" * 3000, "$ " * 5000,
     "<!-- chainrule:"],
    ids=lambda t: t[:12],
)  # fmt: skip
def test_unfinished_and_hostile_texts_are_taken_as_they_are(text: str) -> None:
    for kind in ("markdown", "latex", "text"):
        extract(text, kind)


@given(st.text(alphabet="$\\[](){}&=%#`ab \n-+_^|<>!", max_size=200), st.sampled_from(["markdown", "latex", "text"]))
def test_any_text_is_taken_apart(text: str, kind: str) -> None:
    lines = text.count("\n") + 1
    assert all(1 <= f.line <= lines for f in extract(text, kind)[0])


@given(
    st.lists(st.sampled_from(["a &= b", r"\\", "\n", "{x}", r"\begin{aligned}", r"\end{aligned}", " c "]), max_size=20)
)
def test_rows_keep_every_letter(parts: list[str]) -> None:
    text = "".join(parts)
    letters = re.sub(r"\\(begin|end)\{aligned\}|[^abcx]", "", text)
    assert re.sub(r"[^abcx]", "", "".join(r.replace(r"\qquad", "") for _, r in rows(text))) == letters


# Documents, with a reader and a judge of their own: what is theirs is tested elsewhere -------------------------------


def reader(found: Found, _: Notation) -> Equation:
    """Sides at `=`; every side is one symbol."""
    if "unreadable" in found.formula:
        raise ChainruleError("what is this")
    sides: list[Formula] = [Symbol(x.strip()) for x in found.formula.split("=")]
    return Equation(tuple(sides), ("=",) * (len(sides) - 1))


def judged(text: str, **options: object) -> tuple[object, list[Sequence[Declared]]]:
    seen: list[Sequence[Declared]] = []

    def judge(found: Found, declared: Sequence[Declared]) -> Judgement:
        seen.append(declared)
        if "bad" in found.formula:
            finding = Finding("sign", "A[1]", "+ <A>", "- A", "dZ = <b> & - A", "the sign is wrong")
            return Judgement(found.text, "wrong", causes=(finding,))
        if "odd" in found.formula:
            return Judgement(found.text, "wrong", causes=(Finding("not named", ""),))
        verdict = "cannot tell" if "dark" in found.formula else "right if" if "maybe" in found.formula else "right"
        return Judgement(found.text, verdict, "m = 1" if verdict == "right if" else "", note="a note")

    return judge_document(text, read=reader, judge=judge, **options), seen  # type: ignore[arg-type]


TEXT = "$W = b$\n\n$$X = bad <script>$$\n\n$A = maybe$ and $Z = dark$, $Y$\n\n$c = unreadable$\n"


def test_a_report_counts_and_explains() -> None:
    report, _ = judged(TEXT, name="notes.md")
    assert summary([report]) == "5 formulas: 1 right, 1 right under a condition, 1 wrong, 2 cannot tell"
    assert [e.verdict for e in report.entries] == [
        "right",
        "wrong",
        "right if",
        "cannot tell",
        "no statement",
        "cannot tell",
    ]
    assert [e.found.line for e in report.entries] == [1, 3, 5, 5, 5, 7]
    text = as_text([report])
    for part in ["notes.md:3: wrong", "+ <A>", "- A", "mended: dZ = <b> & - A", "m = 1", "what is this"]:
        assert part in text
    plain = json.loads(json.dumps(as_json([report])))
    assert plain["counts"] == {"formulas": 5, "right": 1, "right if": 1, "wrong": 1, "cannot tell": 2, "definitions": 0}
    wrong = plain["documents"][0]["formulas"][1]
    assert (wrong["line"], wrong["verdict"], wrong["causes"][0]["cause"]) == (3, "wrong", "sign")


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [v or "" for k, v in attrs if k in ("href", "src") or k.startswith("on")]


def test_the_page_stands_alone_and_escapes_everything() -> None:
    text = TEXT + "$\\text{<script>alert(1)</script>} = \\href{javascript:x}{W}$\n`dW1 = <img src=x onerror=y>`\n"
    report, _ = judged(text, name="<b>&.md")
    page = Page()
    html = as_html([report], everything=True)
    page.feed(html)
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert page.addresses == []
    assert "math" in page.tags
    assert "http" not in html.replace("http://www.w3.org/1998/Math/MathML", "")
    for word in ("right", "wrong", "cannot tell", "&lt;b&gt;&amp;.md"):
        assert word in html


def test_latex_that_cannot_be_converted_is_shown_as_it_is() -> None:
    assert mathml(r"\frac{1}{m} dZ").startswith("<math")
    assert mathml(r"\begin{nonsense} \left( x") in ("", mathml(r"\begin{nonsense} \left( x"))
    assert "<script" not in mathml(r"\text{<script>}")
    assert mathml("x" * 5000) == ""


def test_definitions_are_taken_up_and_new_ones_replace_them() -> None:
    report, seen = judged("$q = W$\n$A = b$\n$q = odd$\n$A = c$\n")
    assert [e.status for e in report.entries] == ["definition", "judged", "definition", "judged"]
    assert [d[0].definitions for d in seen] == [("q = W",), ("q = W",), ("q = odd",)]
    assert summary([report]) == "2 formulas: 2 right; 2 definitions taken up"


def test_a_slip_in_a_definition_that_is_repeated_is_wrong_and_is_not_taken_up() -> None:
    report, seen = judged("$q = W$\n$q = bad$\n$A = c$\n")
    assert [e.verdict for e in report.entries] == ["definition", "wrong", "right"]
    assert {d[0].definitions for d in seen} == {("q = W",)}


def test_definitions_end_with_their_section_and_declared_letters_are_none() -> None:
    header = read_header('letters = {"v" = "z[1]"}\n[[section]]\nfrom = 3\n')
    report, seen = judged("$q = W$\n$A = b$\n$A = c$\n$v = W$\n", header=header)
    assert [e.status for e in report.entries] == ["definition", "judged", "judged", "judged"]
    assert [d[0].definitions for d in seen] == [("q = W",), (), ()]


def test_ranges_sizes_and_lone_symbols_state_nothing() -> None:
    report, _ = judged("$i = j$ and $m = n$, $n_l \\times m$\n", name="x.md")
    assert [e.status for e in report.entries] == ["no statement"] * 3
    assert summary([report]) == "0 formulas"


def test_the_same_formula_is_judged_once() -> None:
    _, seen = judged("$A = b$\n\n$A = b$\n")
    assert len(seen) == 1


def test_options_hold_whatever_is_declared() -> None:
    _, seen = judged('<!-- chainrule: loss = "absolute" -->\n$A = b$\n', overrides={"loss": "quadratic"})
    assert seen[0][0].loss == "quadratic"
    _, seen = judged('<!-- chainrule: loss = "absolute" -->\n$A = b$\n', header=Header())
    assert seen[0][0].loss is None


def test_progress_counts_to_the_end() -> None:
    steps: list[tuple[int, int]] = []
    judged("$A = b$\n\n$A = c$\n", progress=lambda done, total: steps.append((done, total)))
    assert steps == [(0, 2), (1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"a\n\xff\xfe", "line 2"),
        (b"\xff\xfea\0", "UTF-16"),
        (b"a\0b", "binary"),
        (b"%PDF-1.7 x", "binary"),
        (b"a" * (LARGEST + 1), "5 MB"),
    ],
)
def test_what_is_no_document_is_said_in_one_sentence(data: bytes, part: str) -> None:
    with pytest.raises(DataError, match=re.escape(part)):
        decoded(data, "notes.md")


def test_kinds_of_files() -> None:
    assert [kind_of(n) for n in ("a.md", "a.TEX", "a.txt", "a", "b.c.markdown", "a.ipynb")] == [
        "markdown", "latex", "text", "text", "markdown", "notebook",
    ]  # fmt: skip


def _notebook(*cells: tuple[str, str]) -> str:
    given = [{"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True)} for kind, source in cells]
    return json.dumps({"cells": given, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_a_notebook_is_judged_cell_by_cell() -> None:
    text = _notebook(
        ("markdown", "# Two layers\n\nThe claim is $\\frac{\\partial L}{\\partial W^{[2]}} = dz^{[2]} a^{[2]T}$."),
        ("raw", "dW2 = 0"),
        ("code", "%matplotlib inline\nZ1 = W1 @ X + b1\nA1 = np.tanh(Z1)\nZ2 = W2 @ A1 + b2"),
        ("code", "dZ1 = W2 @ dZ2 * (1 - A1**2)"),
    )
    report = judge_document(text, "notes.ipynb", seconds=0.1)
    found = [(str(e.found.line), e.verdict) for e in report.entries]
    assert found[0] == ("cell 1, line 3", "wrong")
    assert found[1:4] == [(f"cell 3, line {i}", "right") for i in (2, 3, 4)]
    assert found[4:] == [("cell 4, line 1", "wrong")]
    assert report.warnings[0].startswith("cell 1, line 3: nothing is declared")
    assert "notes.ipynb:cell 4, line 1: wrong" in as_text([report])


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{", "line 1"),
        ("{}", "no notebook with cells"),
        ("[1, 2]", "no notebook with cells"),
        ('{"cells": 3}', "no notebook with cells"),
        ("[" * 100_000, "a notebook is a file of JSON"),
    ],
)
def test_what_is_no_notebook_is_said_in_one_sentence(text: str, part: str) -> None:
    with pytest.raises(DataError, match=re.escape(part)):
        judge_document(text, "notes.ipynb")


def test_large_documents_are_taken_apart_in_linear_time(tmp_path: Path) -> None:
    text = ("words and words\n\n$$\\begin{aligned} a &= b \\\\ &= c \\end{aligned}$$\n- dW1 = dZ1\n" * 20_000)[
        :2_000_000
    ]
    assert len(extract(text)[0]) == FORMULAS


@pytest.mark.parametrize(
    "text", ["i = 1, 2, 3, \\dots, N-1", "l = 1, ..., L", "\\ell = L, L-1, \\ldots, 1", "k = 1, 2"]
)
def test_ranges_are_recognized_before_they_are_read(text: str) -> None:
    def fails(found: Found, notation: Notation) -> Equation:
        if "," in found.formula:
            raise ChainruleError("no formula")
        return reader(found, notation)

    report = judge_document(f"${text}$\n", read=fails, judge=lambda f, d: Judgement(f.text, "right"))
    assert [e.status for e in report.entries] == ["no statement"]


def test_cases_with_words_are_one_formula_each() -> None:
    text = r"$$ a = \begin{cases} y - b & (\text{softmax}) \\ b - y & (\text{square loss}) \end{cases} $$"
    assert formulas(text) == [(1, "a = y - b"), (1, "a = b - y")]
    relu = r"$$ a = \begin{cases} z & z > 0 \\ 0 & \text{otherwise} \end{cases} $$"
    assert len(formulas(relu)) == 1


def test_types_and_data_state_nothing() -> None:
    report, _ = judged("$f : \\mathbb{R}^n \\to R$\n\n```python\nW = np.array([1, 2])\nq = other\nr = None\n```\n")
    assert [e.verdict for e in report.entries] == ["no statement", "no statement"]


def test_words_with_an_open_bracket_close_nothing() -> None:
    assert formulas(r"$$\text{(also, let } a = W \text{)}$$") == [(1, "a = W")]


# What is never closed, what is found nowhere, what is too large ------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "sign"),
    [
        ("words\n\n$$ W_1 = b\nand = c\n\nmore $A = Z$\n", 3, "$$"),
        ("$$W_1 = b\n\ntext\n\n$$A = Z$$\n", 1, "$$"),
        ("a\n\\begin{align} W_1 = b \\\\ A = Z\n\nlater \\begin{align} A = Z \\end{align}\n", 2, r"\begin{align}"),
        ("\\[ W_1 = b\n\n\\[ A = Z \\]\n", 1, r"\["),
    ],
)
def test_what_is_never_closed_is_said_and_read(text: str, line: int, sign: str) -> None:
    found, _, warnings = extracted(text)
    assert len(warnings) == 1
    assert warnings[0].startswith(f"line {line}: {sign} is never closed")
    assert any(f.formula.startswith("W_1 = b") for f in found)
    assert found[-1].formula == "A = Z"
    assert extracted(text.replace(sign, "", 1))[2] == []


def test_signs_of_mathematics_without_a_formula_are_said() -> None:
    report, _ = judged("words\nthe gradient \\frac{1}{m} is nice\n", name="a.md")
    assert "line 2 has signs of mathematics" in report.warnings[0]  # type: ignore[attr-defined]
    assert "warning: no formula was found" in as_text([report])
    assert "no formula was found" in as_html([report])
    assert judged("nothing but words\n")[0].warnings == ()  # type: ignore[attr-defined]
    assert judged("$A = b$ and $y = \n")[0].warnings == ()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 4_999_999,
        "$" + "(" * 4_999_000 + "$",
        "dW[2] = 1/m * dZ[2] @ A[1].T + " * 33_000,
        "$$" + "dW_2 = a + " * 90_000 + "$$",
        r"\( a" * 300_000,
        r"\begin{align} a = b " * 50_000,
        "$$A = " + "(" * 3_000 + "b" + ")" * 3_000 + "$$",
        "$$A = " + r"\frac{1}{" * 400 + "b" + "}" * 400 + "$$",
        "$$A = " + r"x^{" * 400 + "b" + "}" * 400 + "$$",
    ],
    ids=lambda x: x[:12],
)
def test_hostile_documents_are_answered_and_the_answer_is_short(text: str) -> None:
    report = judge_document(text, "x.md", seconds=0.1)
    assert all(e.verdict in ("cannot tell", "no statement") for e in report.entries)
    assert len(report.entries) <= 1
    assert len(as_text([report])) < 4_000


def test_more_formulas_than_are_judged_are_passed_over_and_said() -> None:
    found, _, warnings = extracted("`W = b`\n" * (FORMULAS + 1))
    assert len(found) == FORMULAS
    assert f"line {FORMULAS + 1}" in warnings[0]


# Shown to people -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"\frac{\partial L}{\partial a} = -\frac{y}{a}", "∂L/∂a = -y / a"),
        (r"dW^{[L]} = \frac{1}{m} dZ^{[L]} A^{[L]T}", "dW[L] = (1/m) dZ[L] A[L]ᵀ"),
        (r"\hat y = \sigma(w^T x + b)", "ŷ = σ(wᵀ x + b)"),
        (r"\frac{", ""),
    ],
)
def test_latex_is_shown_as_it_was_read(latex: str, shown: str) -> None:
    assert as_read(latex, Letters()) == shown


SECOND = Letters(
    layer="subscript",
    component="superscript",
    rename={"z_i": "a[i-1]", "a_i": "z[i]", "epsilon_i": "dz[i]", "f_i": "g[i]", "N": "L+1", "output": "yhat"},
)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("dW[i] = outer(dz[i], a[i-1])", "dW_i = ε_i ⊗ z_i"),
        ("dW[l] = dz[l] @ a[l-1].T", "dW_l = ε_l z_lᵀ"),
        ("dz[L] = da[L] * g[L].prime(z[L])", "ε_{N-1} = da_{N-1} ∘ f'_{N-1}(a_{N-1})"),
        ("yhat = a[L]", "output = z_N"),
    ],
)
def test_mendings_are_put_back_into_the_letters_of_the_document(ours: str, theirs: str) -> None:
    cause = Finding("sign", ours, correction=ours)
    mended = in_own_letters(Judgement("x", "wrong", causes=(cause,), note=OURS), SECOND, latex=True)
    assert mended.correction == theirs
    assert mended.note == ""


def test_a_mending_that_cannot_be_put_back_stays() -> None:
    letters = Letters(rename={"u": "a[1]", "a_i": "b[i]"})
    judgement = Judgement("x", "wrong", causes=(Finding("sign", "a[2]", correction="a[2] = b[u"),), note=OURS)
    assert in_own_letters(judgement, letters, latex=True) == judgement


def test_the_page_has_a_space_before_names_of_functions_and_one_sign_for_a_definition() -> None:
    assert '<mi>y</mi><mspace width="0.17em"/><mi>ln</mi><mspace width="0.17em"/><mi>a</mi>' in mathml(r"y \ln a")
    assert "mspace" not in mathml(r"a = \ln(x)")
    assert "<mo>:=</mo>" in mathml(r"w := w - 1")


# Definitions ---------------------------------------------------------------------------------------------------------


def test_code_defines_letters_on_the_way() -> None:
    text = """<!-- chainrule:
network = "4-6:relu-3:softmax"
loss = "cross_entropy"
samples = "rows"
letters = {"scores" = "Z[2]", "probs" = "A[2]"}
-->
```python
exp_scores = np.exp(scores)
probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
probs = exp_scores / np.sum(exp_scores, axis=0, keepdims=True)
other = np.exp(unknown)
```
"""
    report = judge_document(text, "x.md", seconds=0.2)
    assert [e.verdict for e in report.entries] == ["definition", "right", "wrong", "no statement"]


@pytest.mark.parametrize("definitions", ["", 'definitions = ["z = w.T @ x + b", "a = sigma(z)"]\n'])
def test_what_one_unit_has_by_itself_may_be_declared_too(definitions: str) -> None:
    header = f'<!-- chainrule:\nnetwork = "4-1:sigmoid"\nloss = "binary_cross_entropy"\n{definitions}-->\n'
    text = (
        header + r"$$\frac{\partial L}{\partial w} = (a - y) x$$ $$\frac{\partial L}{\partial b} = a - y$$ "
        r"$$\frac{\partial a}{\partial z} = a(1-a)$$ $$\frac{\partial L}{\partial z} = y - a$$"
    )
    report = judge_document(text, "x.md", seconds=0.2)
    assert [e.verdict for e in report.entries] == ["right", "right", "right", "wrong"]


_COLUMNS = """<!-- chainrule:
network = "3-4:tanh-2:identity"
loss = "quadratic"
samples = "one"
-->
The error of the layer before is $dA^{[1]} = W^{[2]T} (A^{[2]} - Y)$, and so

$\\frac{\\partial L}{\\partial A^{[1]}} = W^{[2]T} (A^{[2]} - Y)$

$\\frac{\\partial L}{\\partial A^{[1]}} = (A^{[2]} - Y)^T W^{[2]}$
"""


def test_a_derivative_that_is_a_column_elsewhere_is_no_row() -> None:
    told = [e.verdict for e in judge_document(_COLUMNS, "a.md").entries]
    assert told == ["right", "right", "wrong"]
    alone = [
        e.verdict
        for e in judge_document(
            _COLUMNS.replace("$\\frac{\\partial L}{\\partial A^{[1]}} = W", "$U = W"), "a.md"
        ).entries
    ]
    assert alone[-1] == "right if"
    spoken = _COLUMNS.replace("The error", "In denominator layout the error")
    assert [e.verdict for e in judge_document(spoken, "a.md").entries][-1] == "right if"
