"""What stands right behind a letter: a ' that turns it, a ^ that is its hat, a word that says it is a derivative."""

from __future__ import annotations

import re

from .tokens import CLOSING, LETTER_NAMES, OPENING, SYNONYMS, Token, words

_BELOW = words("new old prev next out hid pred true opt val net err tot avg data test reg max min")
_COLUMNS = words("w x v u Y theta Theta beta delta Delta dz")  # letters that a ' turns where a product follows
_SLOPED = words(
    "f g h sigma sig phi psi sigmoid tanh relu softmax J L C E F G"
)  # functions, of which ' is a derivative
_SLOPE = re.compile(
    r"(\w+?)_?(?:[pP]rime|[dD]erivative|[dD]eriv|der|[gG]rad|[gG]radient)|(?:d_?|grad_|deriv_|derivative_)(\w+)"
)
_HATTED = re.compile(r"d?[a-df-zA-SU-Z]")
_NO_EXPONENT = re.compile(r"[=)_,*/\];|]|\s*(?:\Z|[=)*/·@,|⊙∘])|\s+[-+−]\s")


def owner(out: list[Token], k: int) -> int:
    """The place of the letter whose last script ends at k, or of the bracket's beginning."""
    while out[k].type in CLOSING and k > 0:
        depth = 0
        while k >= 0:
            depth += (out[k].type in CLOSING) - (out[k].type in OPENING)
            if depth == 0:
                break
            k -= 1
        if k <= 0 or out[k].type == "LPAR":
            return max(k, 0)
        k -= 2 if out[k - 1].type in ("SUP", "SUB") else 1
    return k


def slope_of(word: str, rest: str, names: frozenset[str]) -> str | None:
    """phi of `phi_prime(z)`, `dphi(z)`, where phi is a function of the text."""
    found = _SLOPE.fullmatch(word) if rest.startswith("(") else None
    function = "" if found is None else found[1] or found[2]
    if function not in names or function in ("J", "C", "L", "ell") or re.search(r"\)\s*/\s*[d∂]", rest):
        return None
    return LETTER_NAMES.get(function, SYNONYMS.get(function, function))


def is_hat(out: list[Token], start: int, rest: str) -> bool:
    """Whether a ^ behind a letter is its hat, as copying a page leaves it: `y^ - y`, `y^_k`."""
    letter = bool(out) and out[-1].type == "NAME" and out[-1].end == start and _HATTED.fullmatch(out[-1].value)
    return bool(letter) and _NO_EXPONENT.match(rest) is not None


def times_a_sum(out: list[Token], rest: str) -> bool:
    """`X'(Xθ - y)`: X and W are no functions, and what stands in the bracket is a sum or a difference."""
    k = owner(out, len(out) - 1)
    letter = out[k].type == "NAME" and out[k].value in ("X", "W", "dZ", "A")
    return letter and re.match(r"\s*\([^()]*(?:\([^()]*\)[^()]*)*[-+−]", rest) is not None


def is_turned(out: list[Token], rest: str) -> bool:
    """Whether the ' behind a letter or a bracket turns it: W2', X'y, y' * a, (y - t)'; not W' = …, a new W, nor g'."""
    k = owner(out, len(out) - 1)
    if out[k].type == "LPAR":
        return _is_turned_sum(out, k, rest)
    if out[k].type != "NAME":
        return False
    name = out[k].value
    if k == 0 and re.match(r"\s*(?::?=|<-|←)", rest):
        return False
    matrix = name.removeprefix("d")
    if len(matrix) == 1 and matrix.isupper() and matrix not in "YJLCEFG":
        return True
    if name in _SLOPED:
        return False
    behind = k > 0 and out[k - 1][:2] == ("OP", "*") and not rest.startswith("(")
    if behind or re.match(r"\s*[*@]", rest) is not None:
        return True
    return name in _COLUMNS and re.match(r"\s*·|\s?[A-Za-zα-ω]", rest) is not None


def _is_turned_sum(out: list[Token], k: int, rest: str) -> bool:
    """`(y - t)' * …`, `(y - t)'(y - t)`: a sum or difference in brackets, no argument, before a product."""
    if k > 0 and out[k - 1].end == out[k].start and out[k - 1].type in ("NAME", "PRIME", "RBRACE", "RBRACK"):
        return False
    depth, added = 0, False
    for t in out[k:]:
        depth += (t.type in OPENING) - (t.type in CLOSING)
        added |= depth == 1 and t.type == "ADD"
    return added and re.match(r"\s*(?:[*@]|\()", rest) is not None


def is_named_below(word: str, text: str) -> bool:
    """Whether letters below or above a quantity are a word: `out`, and `in` where something else is `out`."""
    return word in _BELOW or (word == "in" and "out" in text)
