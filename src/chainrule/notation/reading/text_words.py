"""The words of plain text and of programs as names, letters with indices, products of letters, or prose."""

from __future__ import annotations

import re
from functools import lru_cache

from ...errors import FormulaError
from .tokens import (
    CLOSING,
    COUNTS,
    FUNCTIONS,
    GREEK,
    KEYWORDS,
    SYNONYMS,
    Token,
    is_differential,
    is_symbol_name,
    short,
    where,
    words,
)

_PROSE = words(
    "so as at an if in is it on be by do he of me my no or to up us we go am ie eg ok et al la le el lo se si da de du "
    "eq ex re id mr dr es il"
)
_TWO_INDICES = frozenset({"pi", "xi"})  # below a letter, p and i
_ACTIVATION = "sigmoid|Sigmoid|sigma|sig|logistic|tanh|relu|ReLU|RELU|Relu|softplus|leaky_relu|elu|gelu|silu|swish"
_DERIVATIVE = re.compile(
    rf"(?:({_ACTIVATION})_?(?:prime|derivative|deriv|der|grad|gradient|Gradient|Prime|Derivative))"
    rf"|(?:d_?|grad_|deriv_|derivative_)({_ACTIVATION})"
)
_GRADIENT = re.compile(
    r"(?:grad|gradient|nabla)_?([WbAZwaz]|[Tt]heta|beta)_?(\d*)|d_([WbAZ])(\d+)"
    r"|([WbAZwaz]|[Tt]heta|beta)_?(\d*)_?(?:grad|gradient)"
)
_NO_OPERAND = re.compile(r"\s*(?:\Z|[-+*/@=<),;:\].'\[]|\n)")
ACCENT_WORDS = {"\u0302": "hat", "\u0304": "bar", "\u0303": "tilde"}
LAYERED = words("g W b Z A dW db dZ dA z a w dz da dw delta ddelta")
PRODUCT_LETTERS = frozenset("wxyzabWXYZAB")
PYTHON = words("import def class return exec eval elif try except yield nonlocal assert raise async await self")


def program_name(value: str, start: int, end: int) -> list[Token]:
    """A name of a program: that of a letter, `dW2`, or any other."""
    if value.startswith("_") or value.endswith("__") or value in PYTHON:
        raise FormulaError(f"{short(value)} is program text, not a part of a formula: leave it out.")
    parts = _parts(value)
    if parts[0][0] == "WORD" and len(parts) > 1:
        parts = (("NAME", parts[0][1]), *parts[1:])
    elif parts[0][0] != "NAME" or (len(parts) > 1 and parts[1][0] == "NAME"):
        parts = (("NAME", value),)
    return [Token(k, v, start if n == 0 else end, end) for n, (k, v) in enumerate(parts)]


_OVER_A_CHANGE = re.compile(r"\s*\((?:[^()]|\([^()]*\)){0,60}\)\s*/\s*[d∂]\w")  # (z)/dz


@lru_cache(maxsize=4096)
def _parts(word: str) -> tuple[tuple[str, str], ...]:
    """A written word as (type, value) of tokens: a name, a name with scripts, two letters side by side, or a word."""
    if word in KEYWORDS or word in FUNCTIONS or word in COUNTS:
        return (("NAME", SYNONYMS.get(word, word)),)
    derivative = _DERIVATIVE.fullmatch(word)
    if derivative is not None:  # sigmoid_prime(z), d_tanh(z)
        name = derivative[1] or derivative[2]
        return (("NAME", SYNONYMS.get(name, name)), ("PRIME", "'"))
    gradient = _GRADIENT.fullmatch(word)
    if gradient is not None:  # grad_W1, W1_grad
        return _parts(f"d{gradient[1] or gradient[3] or gradient[5]}{gradient[2] or gradient[4] or gradient[6] or ''}")
    of = re.fullmatch(r"(?:grad|gradient)_(\w+)", word)
    if of is not None and is_symbol_name(SYNONYMS.get(of[1], of[1])):  # grad_y_pred
        return (("NAME", f"d{SYNONYMS.get(of[1], of[1])}"),)
    if word == "net":  # of the older texts, what a unit gets
        return (("NAME", word),)
    if word in ("and", "And", "AND"):
        return (("SEP", word),)
    if word in SYNONYMS:
        return (("NAME", SYNONYMS[word]),)
    if word == "learning_rate" or word == "lr":
        return (("NAME", "alpha"),)
    if is_symbol_name(word):
        return (("NAME", word),)
    found = re.fullmatch(r"([A-Za-z]+)(\d*)(.*)", word, re.DOTALL)
    assert found is not None  # a word begins with a letter
    letters, digits, tail = found.groups()
    base = SYNONYMS.get(letters, letters)
    if is_symbol_name(base):
        parts: list[tuple[str, str]] = [("NAME", base)]
        if digits:
            if base in LAYERED:
                parts += [
                    ("SUP", "^"),
                    ("LBRACE", "{"),
                    ("LBRACK", "["),
                    ("NUM", digits),
                    ("RBRACK", "]"),
                    ("RBRACE", "}"),
                ]
            else:
                parts += [("SUB", "_"), ("LBRACE", "{"), ("NUM", digits), ("RBRACE", "}")]
        if not tail:
            return tuple(parts)
        subs = tail.strip("_").split("_")
        if subs == ["hat"]:
            return (("NAME", base + "hat"), *parts[1:])
        named = subs[0] in ("in", "up") and len(subs) == 1
        if tail.startswith("_") and not tail.endswith("_") and len(subs) == 1 and _is_index(subs[0]) and not named:
            return (*parts, ("SUB", "_"), ("LBRACE", "{"), *index_tokens(subs[0]), ("RBRACE", "}"))
        if re.fullmatch(r"(?:_(?:[a-z]{2,}\d*|[a-z]))+", tail):  # W_hidden, w_new
            return (("NAME", word),)
    if len(word) == 2 and set(word) <= PRODUCT_LETTERS:
        return (("NAME", word[0]), ("NAME", word[1]))
    if re.fullmatch(r"[A-Z][a-hl-z]", word) and word.lower() not in _PROSE | FUNCTIONS:  # Uh, a matrix times a column
        return (("NAME", word[0]), ("NAME", word[1]))
    if re.fullmatch(r"[a-z][ijkn]|d[f-hu-z][ijkn]", word):  # xn beside x1, dxn beside dx1
        return (("NAME", word[:-1]), ("SUB", "_"), ("LBRACE", "{"), ("NAME", word[-1]), ("RBRACE", "}"))
    stem, _, index = word.partition("_")
    named = index in ("in", "up")  # hidden_in is a name
    if len(stem) > 1 and stem.isalpha() and _is_index(index) and index.islower() and not named:  # net_j
        return (
            ("NAME" if stem == "net" else "WORD", stem),
            ("SUB", "_"),
            ("LBRACE", "{"),
            *index_tokens(index),
            ("RBRACE", "}"),
        )
    return (("WORD", word),)


def is_component(index: str) -> bool:
    """Whether j of `Fehler_1_j` counts components."""
    return re.fullmatch(r"[ijklmnpqrs]{1,2}", index) is not None


def is_long(name: str) -> bool:
    """Whether a name is one of programs, l2_delta, that a reader of mathematics would take apart."""
    _, _, tail = name.partition("_")
    return len(tail) > 1 and not re.fullmatch(r"[i-np-v]{1,3}\d*|\d+|hat|bar|tilde", tail)


def is_word(text: str) -> bool:
    """Whether a text is a word to a reader, no letter with or without a number."""
    parts = _parts(text)
    return (len(parts) == 1 and parts[0][0] == "WORD") or (len(parts) > 1 and parts[1][0] == "NAME")


def _is_index(part: str) -> bool:
    return bool(re.fullmatch(r"[ijklmnpqrstuv]{1,3}\d*|\d+|[A-Za-z]\d*", part)) or part in GREEK or part in SYNONYMS


def is_change_of_a_word(word: str, out: list[Token], rest: str, names: frozenset[str]) -> bool:
    """Whether a word is a d before a quantity with a name, above or below the bar: `dE/dnet`, `dloss/dz`."""
    if word[0] != "d" or len(word) < 4 or word in names or _parts(word)[0][0] != "WORD":
        return False
    changes = any(t.value.startswith("d") or t.type in CLOSING for t in out[-3:-1])
    return (changes and out[-1][:2] == ("OP", "/")) or re.match(r"\s*/\s*[d∂]\w", rest) is not None


def is_gradient(word: str, rest: str) -> bool:
    """Whether `grad` is a quantity of a program, `theta - alpha * grad`, no operator as in `grad J`."""
    return word in ("grad", "gradient") and _NO_OPERAND.match(rest) is not None


def side_by_side(word: str) -> bool:
    """Whether a word among indices is several letters and numbers: ij, T1, n2."""
    known = word in FUNCTIONS or word in SYNONYMS or word in GREEK or word in KEYWORDS or word == "dx"
    known = known and word not in _TWO_INDICES
    return not known and re.fullmatch(r"[A-Za-z]{1,3}\d*", word) is not None


def index_tokens(part: str) -> list[tuple[str, str]]:
    if (part in GREEK or part in SYNONYMS) and part not in _TWO_INDICES:
        return [("NAME", SYNONYMS.get(part, part))]
    return [("NUM" if x.isdigit() else "NAME", x) for x in re.findall(r"\d+|[A-Za-z]", part)]


def word_tokens(text: str, value: str, start: int, end: int, glued: bool = False) -> list[Token]:
    if glued and value[0] == "_" and value[1:].isalnum():  # the index of a Greek letter or a sum sign
        rest = index_tokens(value[1:]) if _is_index(value[1:]) else [("NAME", value[1:])]
        body = [("SUB", "_"), ("LBRACE", "{"), *rest, ("RBRACE", "}")]
        return [Token(k, v, start if n == 0 else end, end) for n, (k, v) in enumerate(body)]
    if value.startswith("_") or value.endswith("__") or value in PYTHON:
        raise FormulaError(
            f"{short(value)} {where(text, start)} is program text, not a part of a formula: leave it out."
        )
    if value in ("where", "Where") and not re.match(r"\s*\(", text[end:]):
        return [Token("WORD", value, start, end)]
    if value.startswith("grad_") and re.match(r"\s+[JLCE]\b", text[end:]):
        body = [("NAME", "nabla"), ("SUB", "_"), ("LBRACE", "{"), *_parts(value[5:]), ("RBRACE", "}")]
        return [Token(k, v, start, end) for k, v in body]
    if turned := re.fullmatch(r"(d?[WAXZ])(\d*)T", value):  # A1T
        return [*word_tokens(text, f"{turned[1]}{turned[2]}", start, end - 1), Token("ATTR", "T", end - 1, end)]
    if value == "lim":
        return [Token("LIM", value, start, end)]
    if is_differential(value) and re.match(r"\s*/\s*[d∂]", text[end:]):  # dsigma/dz, of which dsigma is no sigma'
        return [Token("NAME", value, start, end)]
    if value[0] == "d" and value not in FUNCTIONS and _OVER_A_CHANGE.match(text[end:]):  # dsigma(z)/dz, dtanh(x)/dx
        name = SYNONYMS.get(value[1:], value[1:])
        if name in FUNCTIONS or name in GREEK:
            return [Token("NAME", "d", start, start + 1), Token("NAME", name, start + 1, end)]
    if value == "sum" and re.match(r"\s*[^\s(]", text[end:]) and not re.match(r"\s*=", text[end:]):
        return [Token("SUMOP", "∑", start, end)]
    marks = ""
    if not value.isascii():
        marks = "".join(ACCENT_WORDS.get(c, "") for c in value if "\u0300" <= c <= "\u036f")
        value = "".join(c for c in value if c.isascii())
    if value.startswith("sum_") and value != "sum_":
        rest = index_tokens(value[4:]) if _is_index(value[4:]) else [("NAME", value[4:])]
        body = [("SUMOP", "∑"), ("SUB", "_"), ("LBRACE", "{"), *rest, ("RBRACE", "}")]
        return [Token(k, v, start, end) for k, v in body]
    if marks:
        base, _, tail = value.partition("_")
        parts = _parts(base + marks + ("_" + tail if tail else ""))
    else:
        parts = _parts(value)
    if len(parts) == 2 and parts[0][0] == parts[1][0] == "NAME":
        return [Token("NAME", parts[0][1], start, start + 1), Token("NAME", parts[1][1], start + 1, end)]
    return [Token(k, v, start if n == 0 else end, end) for n, (k, v) in enumerate(parts)]
