"""Prose with formulas in it: which words of a sentence are mathematics, set for a terminal and in LaTeX.

Reasons and titles are plain text: `b[2] is added to every sample`, `ln σ(z) = -softplus(-z)`. Letters with a layer, an
index or an exponent, Greek letters, single letters, and whatever stands between signs of operations are set as formulas
on every page. What stands between backticks is a formula in any case.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ...laws import LAWS
from ...notation.style import Style
from ...notation.write import GREEK, HATS
from ...notation.writing.signs import LOWERED, RAISED, lowered, raised
from ..turned import equations

_GREEK = {sign: "\\" + name for name, sign in GREEK.items()}
_HATTED = {sign: rf"\hat{{{name[0]}}}" for name, sign in HATS.items()}
_FUNCTIONS = {name: rf"\{name}" for name in ("ln", "log", "exp", "max", "min", "tanh", "sin", "cos")}
_WORDS = {"softplus", "softmax", "sigmoid", "lse", "erf", "relu", "step", "sum", "lim", "log1p", "expm1", *_FUNCTIONS}
_ALONE = ("ln", "exp", "lse")  # functions that are written before their argument without brackets
_BLANKS = re.compile(" +")
_BESIDE = re.compile(r"(?<![A-Za-z\\])([A-Za-z]) (?=\d)")  # Y 1, a product, is no Y1
_AFTER_SIGN = re.compile(r"([(=+-]|\\cdot ?) ?\\text\{ ")  # a sign has its own room around it
_BEFORE_SIGN = re.compile(r" \}(?= ?(?:[)=+-]|\\cdot))")
_SHORT = 28  # signs of a formula that stays on one row
_ARTICLES = ("a", "A", "I")  # English words that look like letters
SIGNS = {
    "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "∘": r"\circ ", "⊙": r"\odot ", "⊗": r"\otimes ", "−": "-",
    "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "≈": r"\approx ", "→": r"\to ", "←": r"\leftarrow ", "∞": r"\infty ",
    "√": r"\surd ", "∂": r"\partial ", "∇": r"\nabla ", "Σ": r"\sum ", "∑": r"\sum ", "∏": r"\prod ", "ℓ": r"\ell ",
    "∈": r"\in ", "∀": r"\forall ", "⇒": r"\Rightarrow ", "⇔": r"\Leftrightarrow ", "⟨": r"\langle ",
    "⟩": r"\rangle ", "‖": r"\Vert ", "∫": r"\int ", "…": r"\ldots ", "ϵ": r"\epsilon ",
    "'": r"\,^{\prime}", "′": r"\,^{\prime}",
    "#": r"\#", "%": r"\%", "&": r"\&", "{": r"\{", "}": r"\}", "~": r"\sim ", "\\": r"\backslash ", "$": r"\$",
    "_": r"\_", "^": r"\wedge ",
}  # fmt: skip
_UP = {v: k for k, v in RAISED.items()} | {"ᵀ": "T", "⁽": "(", "⁾": ")"}
_DOWN = {v: k for k, v in LOWERED.items()}
_RAISED_DIGITS = "[⁰¹²³⁴⁵⁶⁷⁸⁹]+"
_RAISED, _LOWERED = f"[{''.join(_UP)}]+", f"[{''.join(_DOWN)}]+"
_INDEXED = r"\^[A-Za-z]_\w{1,3}(?![\w(])"  # an exponent with an index of its own, e^Z_kj
_CALLED = r"\^(?:min|max)\([^()]*\)"
_SCRIPT = (
    rf"{_INDEXED}|{_CALLED}|\[[^\[\]\s]*\]|\^\([^()]*\)|[_^](?:\{{[^{{}}]*\}}|-?\w{{1,3}}(?![\w(]))"
    rf"|['′]+|{_RAISED}|{_LOWERED}"
)
_LETTER = "[A-Za-zα-ωΑ-Ωϵℓ∂Σ∑∇ŶŷÂâ]"
_ATOM = re.compile(
    rf"(?P<base>(?<![A-Za-z])(?:[d∂](?=[A-Za-zα-ωŶŷ](?![a-z])))?{_LETTER}|\d+|[)\]])(?P<scripts>(?:{_SCRIPT})+)"
)
_NAME = re.compile(r"log1p|expm1|[A-Za-z]{2,}")
_TOKEN = re.compile(rf"√(?:\([^()]*\)|\d+|\w)|log1p|expm1|[A-Za-z]{{2,}}\(?|{_RAISED}|{_LOWERED}|.", re.DOTALL)
_OPERATORS = frozenset("=+-−·*/∘⊙⊗×<>≤≥≈≠→←⇒⇔") | {":="}


@dataclass(frozen=True)
class Piece:
    """A part of a sentence: a formula or words."""

    text: str
    math: bool


@lru_cache(maxsize=1024)
def pieces(words: str) -> tuple[Piece, ...]:
    """A sentence cut into words and formulas, in order; their texts together are the sentence without backticks."""
    for equation in _equations():
        if equation in words and "`" not in words:
            words = words.replace(equation, f"`{equation}`")
    found: list[Piece] = []
    for k, part in enumerate(words.split("`") if words.count("`") % 2 == 0 else [words]):
        found += list(_statements(part)) if k % 2 else list(_sentence(part))
    return tuple(x for x in found if x.text)


def _statements(formula: str) -> Iterator[Piece]:
    """`a x + b x = (a + b) x, x y / y = x`: two equations and a comma of the sentence."""
    parts = formula.split(", ")
    apart = len(parts) > 1 and all("=" in x and x.count("(") == x.count(")") for x in parts)
    for k, part in enumerate(parts if apart else [formula]):
        yield from [Piece(", ", False)] * (k > 0)
        yield Piece(part, True)


@lru_cache(maxsize=1)
def _equations() -> tuple[str, ...]:
    """Those of the laws, which hold words too: `Σ over what was repeated = n times`."""
    return tuple(sorted({law.equation for law in LAWS} | equations(), key=len, reverse=True))


def _sentence(words: str) -> Iterator[Piece]:
    chunks = re.findall(r"\s+|[^\s]+", words)
    kinds = [_kind(c) for c in chunks]
    for i, c in enumerate(chunks):
        around = [chunks[j] for j in (i - 2, i + 2) if 0 <= j < len(chunks)]
        if kinds[i] == "word" and len(around) == 2 and all(x in _OPERATORS for x in around):
            kinds[i] = "letter"  # S · scale + R
        if c in _FUNCTIONS and i >= 2 and chunks[i - 2] in _OPERATORS:
            kinds[i] = "letter"  # C = tanh A
        if c.strip("(.,;:)") in _ARTICLES:  # a letter only beside another formula
            beside = [kinds[j] for j in (i - 2, i + 2) if 0 <= j < len(chunks)]
            kinds[i] = "letter" if any(k in ("sign", "strong") for k in beside) or "letter" in beside[-1:] else "word"
    start = 0
    while start < len(chunks):
        end = start
        while end < len(chunks) and kinds[end] != "word" and (end > start or kinds[end] != "space"):
            end += 1
        while end > start and kinds[end - 1] == "space":
            end -= 1
        run = kinds[start:end]
        if "strong" in run or "letter" in run:
            yield from _run("".join(chunks[start:end]))
        else:
            end = max(end, start + 1)
            yield Piece("".join(chunks[start:end]), False)
        start = end


def _kind(chunk: str) -> str:
    """What a chunk between blanks is: "strong" mathematics, a "letter", a "sign", a "number", "space" or a "word"."""
    bare = chunk.strip(".,;:")
    if chunk.isspace():
        return "space"
    if chunk in _OPERATORS or bare == "":
        return "sign" if bare else "word"
    rest = _ATOM.sub("", bare)
    names = _NAME.findall(rest)
    differentials = [n for n in names if len(n) == 2 and n[0] == "d" and n != "do"]
    if any(n not in _WORDS and n not in differentials for n in names):
        return "word"
    if len(rest) < len(bare) or any(c > "\x7f" and (c in SIGNS or c in _GREEK or c in _HATTED) for c in bare):
        return "strong"
    if names and "(" not in bare:
        return "letter" if all(n in _ALONE or n in differentials for n in names) else "word"
    if re.search(r"[A-Za-z]", bare):
        return "strong" if ("(" in bare and names) or "=" in bare else "letter"
    return "number"


def _run(run: str) -> Iterator[Piece]:
    """A run of mathematics: what only closes the sentence, such as a comma, is left to the words."""
    body = run.rstrip(".,;:")
    opened = body.count("(") - body.count(")")
    if opened < 0 and body.endswith(")"):
        body = body[:-1]
    lead = 1 if opened > 0 and body.startswith("(") else 0
    yield Piece(run[:lead], False)
    for k, part in enumerate(re.split(r"([,;:] )", body[lead:])):
        yield Piece(part, k % 2 == 0)
    yield Piece(run[len(body) :], False)


# For a terminal ------------------------------------------------------------------------------------------------------


def plain(words: str, style: Style) -> str:
    """A sentence for a terminal: indices lowered and layers raised where the style does so in formulas."""
    return "".join(_together(_plain(p.text, style)) if p.math else p.text for p in pieces(words))


def _together(formula: str) -> str:
    """A short formula is not broken at the end of a row; the page takes its blanks for what they are."""
    return formula.replace(" ", "\u00a0") if len(formula) <= _SHORT else formula


def heading(title: str) -> str:
    """A title with a capital, unless it begins with a formula."""
    first = next(iter(pieces(title)), None)
    return title if first is None or first.math else title[:1].upper() + title[1:]


def _plain(formula: str, style: Style) -> str:
    def scripts(m: re.Match[str]) -> str:
        return m["base"] + re.sub(_SCRIPT, lambda s: _one(s[0], style), m["scripts"])

    return _ATOM.sub(scripts, formula)


def _one(script: str, style: Style) -> str:
    inside = script[1:].removeprefix("{").removesuffix("}").removesuffix("]")
    if re.fullmatch(_INDEXED, script):
        return f"^{_plain(script[1:], style)}"
    if script[0] == "[":
        above = raised(f"({inside})") if style.notation in ("leibniz", "components") else None
        return above or script
    if script[0] == "_":
        return lowered(inside) or script
    return (raised(inside) or script) if script[0] == "^" else script


# In LaTeX ------------------------------------------------------------------------------------------------------------


def latex(formula: str, style: Style) -> str:
    """A formula in a sentence as LaTeX, for math mode."""
    formula = unicodedata.normalize("NFC", formula)
    found, end = [], 0
    for m in _ATOM.finditer(formula):
        found += [_flat(formula[end : m.start()]), _scripted(m["base"], m["scripts"], style)]
        end = m.end()
    whole = _BLANKS.sub(" ", "".join([*found, _flat(formula[end:])])).replace(" )", ")").strip()
    whole = _AFTER_SIGN.sub(r"\1\\text{", _BEFORE_SIGN.sub("}", whole))
    return _BESIDE.sub(r"\1\,", whole)


def _scripted(base: str, scripts: str, style: Style) -> str:
    above, below = "", ""
    for script in re.findall(_SCRIPT, scripts):
        inside = script[1:].removeprefix("{").removesuffix("}").removesuffix("]")
        if re.fullmatch(_INDEXED, script):
            above += _scripted(script[1], script[2:], style)
        elif script[0] == "[":
            layer = _flat(inside)
            above += f"({layer})" if style.notation == "leibniz" else f"[{layer}]"
        elif script[0] == "_":
            below += inside if inside.isalpha() else _flat(inside)
        elif script[0] == "^":
            above += _flat(inside.removeprefix("(").removesuffix(")") if inside.startswith("(") else inside)
        elif script[0] in "'′":
            above += r"\prime " * len(script)
        elif script[0] in _UP:
            above += "".join(_UP[c] for c in script)
        else:
            below += "".join(_DOWN[c] for c in script)
    body = _flat(base)
    power = re.search(rf"^(.*[\]⁾])({_RAISED_DIGITS})$", scripts)
    if power is not None and style.layer != "subscript":  # the square of W[l], and not W with [l]2 above
        inner = _scripted(base, power[1], style).strip()
        return f"({inner})^{{{''.join(_UP[c] for c in power[2])}}} "
    return body.rstrip() + (f"_{{{below.strip()}}}" if below else "") + (f"^{{{above.strip()}}}" if above else "") + " "


def _flat(part: str) -> str:
    """Signs, numbers and letters without scripts."""
    found = []
    for token in _TOKEN.findall(part):
        if token[0] == "√" and len(token) > 1:
            found.append(rf"\sqrt{{{_flat(token[1:].removeprefix('(').removesuffix(')')).strip()}}}")
        elif token in _FUNCTIONS:
            found.append(f"{_FUNCTIONS[token]} ")
        elif token in _WORDS:
            found.append(rf"\operatorname{{{token}}}")
        elif token[0] in _UP:
            found.append(rf"\,^{{{''.join(_UP[c] for c in token)}}}")
        elif token[0] in _DOWN:
            found.append(rf"\,_{{{''.join(_DOWN[c] for c in token)}}}")
        elif token[-1] == "(" and len(token) > 1:
            found.append(_flat(token[:-1]) if token[:-1] in _WORDS else rf"\operatorname{{{token[:-1]}}}")
            found.append("(")
        elif len(token) > 1:
            found.append(token if len(token) == 2 and token[0] == "d" else rf"\text{{ {token} }}")
        elif token in SIGNS:
            found.append(SIGNS[token])
        elif token in _GREEK:
            found.append(f"{_GREEK[token]} ")
        elif token in _HATTED:
            found.append(_HATTED[token])
        else:
            found.append(token if token.isascii() else rf"\text{{{token}}}")
    return "".join(found)


__all__ = ["Piece", "heading", "latex", "pieces", "plain"]
