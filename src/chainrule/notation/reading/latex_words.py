r"""What words say inside of LaTeX: `\text{…}` and runs of letters as letters, functions, keywords or prose."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .latex_commands import TEXT
from .text_tokens import text_tokens
from .tokens import FUNCTIONS, GREEK, KEYWORDS, SYNONYMS, Token, is_symbol_name, words

SAID = words("if for when else all then any each otherwise")  # words of conditions, no products of letters
NAMED = words("in out err act inp targ tgt pred hid obs")  # quantities of older texts, with an index
_CONDITION = re.compile(r"(?:if|for|when|whenever)\s[^a-z]*(?:all\s|any\s)?[^a-z]*[a-zA-Z][^a-z]*[<>=≠≤≥]")


def is_condition(words: str) -> bool:
    """Whether words hold a condition that is to be read as a formula: `if z > 0`."""
    return _CONDITION.match(words) is not None


def spelled(word: str, names: frozenset[str], start: int, end: int, *, applied: bool) -> list[Token]:
    r"""What `\text{word}` is: a letter, a function, a keyword argument, a sign between statements, or words.

    applied  a bracket stands right behind it
    """
    module = re.fullmatch(r"(?:np|numpy)\.(?:linalg\.)?([A-Za-z_]+)", word)
    keyword = re.fullmatch(r"([a-z]+)\s*=\s*(\w+)", word)
    if not word:
        return []
    if module and module.group(1) in FUNCTIONS:
        return [Token("NAME", module.group(1), start, end)]
    if keyword and keyword.group(1) in KEYWORDS:
        return [t._replace(start=start, end=end) for t in text_tokens(word)]
    known = word in FUNCTIONS | KEYWORDS and (word != "where" or applied)
    if known or word in names or is_symbol_name(word):
        return [Token("NAME", SYNONYMS.get(word, word), start, end)]
    if re.fullmatch(r"d?[A-Za-z]\d{1,2}", word):  # \texttt{dW2}
        return [t._replace(start=start, end=end) for t in text_tokens(word)]
    if word in ("and", "or", "and also"):
        return [Token("SEP", "and", start, end)]
    if re.fullmatch(r"[.,;:()\s]+", word):
        if set(word) & set(".;"):
            return [Token("SEP", word, start, end)]
        return [Token("COMMA", ",", start, end)] if "," in word else []
    return [Token("WORD", word, start, end)]


def goes_on_behind(primitives: Sequence[tuple[str, str, int, int]]) -> bool:
    """Whether an operand stands behind a full stop, and up to the next one neither a relation nor a word.

    Then the full stop multiplies: `W^{[2]} . A^{[1]} + b`; it ends `Z = W X. A = g(Z)`.
    """
    operand = False
    for n, (kind, value, _, _) in enumerate(primitives):
        name = value[1:] if kind == "command" else ""
        if not n:
            operand = kind in ("greek", "module") or value == "(" or name in _OPERANDS or name in GREEK
            operand |= kind == "letters" and (len(value) < _WORD or value in FUNCTIONS)
            if not operand:
                return False
        if value == "." or kind == "row" or name in ("end", "quad", "qquad"):
            break
        if name in TEXT | _RELATIONS:
            return False
        prose = kind == "letters" and len(value) >= _WORD and value not in FUNCTIONS
        if prose or value in ("=", ":=", "≈", "->", "<-"):
            return False
    return operand and not (len(primitives) > 2 and primitives[0][1] == "(" and primitives[2][1] == ")")


_WORD = 4  # letters that are prose rather than a product
_RELATIONS = words("approx equiv leftarrow rightarrow gets to coloneqq triangleq simeq le ge leq geq neq ne in sim")
_OPERANDS = words(
    "frac dfrac tfrac partial nabla left bigl Bigl big Big sum ln log exp tanh sigma sqrt operatorname mathrm mathbf "
    "boldsymbol bm mathcal hat bar tilde delta dot ell vec widehat overline max min cos sin"
)


def beside_case(written: str) -> str:
    """The words beside a branch of a definition by cases, without commands and one pair of brackets around them."""
    bare = re.sub(r"\\(?:text|mathrm|textrm|quad|qquad|mbox)|[{}]|\\[,;: ]", " ", written)
    said = " ".join(bare.split())
    if said.startswith("(") and said.endswith(")") and said.count("(") == 1:
        return said[1:-1].strip()
    return said
