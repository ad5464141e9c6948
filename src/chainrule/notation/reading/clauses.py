"""What a formula is said to hold for: `for j ≠ k`, `(i = j)`, `for l = L, …, 1:`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .tokens import CLOSING, COMPARISONS, FUNCTIONS, OPENING, Token, words

CLAUSE = re.compile(
    r"(?:for|where|with|when|while|if|whenever|provided|unless|assuming|given|since|because|using|whereas)\b",
    re.IGNORECASE,
)
IF = words("if for when whenever")
_CONDITIONAL = IF | words("while provided unless assuming")
STATED = frozenset({"=", ":=", "<-", "->", "≈"})
_OTHERWISE = words("otherwise else elsewhere sonst andernfalls sinon altrimenti")
_COMPARED = frozenset({"==", "=", "!=", *COMPARISONS})
INDICES = frozenset("ijklpqrsc")
_PLAIN = INDICES | words("m n K L N M d D t epsilon eps alpha eta lambda beta gamma mu h delta rho tau")
_VARIABLE = words("x y yhat z a t u v Z A X Y Yhat")


@dataclass(frozen=True)
class Condition:
    """`left relation right`, as tokens: `j != k`, `z > 0`."""

    left: tuple[Token, ...]
    relation: str
    right: tuple[Token, ...]


def first_word(t: Token) -> str:
    """The first word of a token of words, in small letters."""
    found = re.match(r"[^\W\d_]+|\?", t.value) if t.type == "WORD" else None
    return found[0].lower() if found else ""


def outside(tokens: list[Token]) -> list[int]:
    """The places of the tokens outside of all brackets."""
    found, depth = [], 0
    for k, t in enumerate(tokens):
        depth += (t.type in OPENING) - (t.type in CLOSING)
        if depth == 0:
            found.append(k)
    return found


def condition_in(tokens: list[Token]) -> Condition | None:
    """One comparison of two quantities, also in brackets; None for anything else."""
    if len(tokens) > 2 and (tokens[0].type, tokens[-1].type) == ("LPAR", "RPAR") and not outside(tokens)[:-1]:
        tokens = tokens[1:-1]
    places = [k for k in outside(tokens) if tokens[k].type == "REL"]
    if len(places) != 1 or any(t.type in ("WORD", "DOTS", "COMMA") for t in tokens):
        return None
    k = places[0]
    if not 0 < k < len(tokens) - 1 or tokens[k].value not in _COMPARED:
        return None
    return Condition(tuple(tokens[:k]), tokens[k].value, tuple(tokens[k + 1 :]))


def is_condition(tokens: list[Token]) -> bool:
    """Whether a piece by itself says what the statement before it holds for: `j ≠ k`, `(i = j)`, `z > 0`."""
    found = condition_in(tokens)
    if found is None:
        return False
    return found.relation in COMPARISONS or (_is_index(found.left) and _is_index(found.right))


def without_condition(tokens: list[Token]) -> tuple[list[Token], list[Token]]:
    """A statement and the condition in brackets behind it, `(j ≠ k)`, `(l = 1, …, L)`, empty where there is none."""
    if len(tokens) < 6 or tokens[-1].type != "RPAR":
        return tokens, []
    depth, k = 0, len(tokens)
    while k and (k == len(tokens) or depth):
        k -= 1
        depth += (tokens[k].type in CLOSING) - (tokens[k].type in OPENING)
    inside, before = tokens[k + 1 : -1], tokens[k - 1] if k else tokens[k]
    gap = tokens[k].start - before.end
    operand = before.type in ("OP", "ADD", "REL", "AMP", "SUMOP") or before.value in FUNCTIONS
    relations = [t.value for t in inside if t.type == "REL"]
    if k and inside and CLAUSE.match(first_word(inside[0])):
        return tokens[:k], inside
    if not k or gap < 1 or operand or not relations or not any(t.type == "REL" for t in tokens[:k]):
        return tokens, []
    over_indices = inside[0].type == "NAME" and inside[0].value in INDICES and "==" not in relations
    ranged = over_indices and (any(t.type == "DOTS" for t in inside) or relations[0] in COMPARISONS)
    if ranged or (is_condition(inside) and (over_indices or gap > 1)):
        return tokens[:k], inside
    return tokens, []


def _is_index(side: tuple[Token, ...]) -> bool:
    return len(side) == 1 and side[0].type == "NAME" and side[0].value in INDICES


def _is_place(side: tuple[Token, ...]) -> bool:
    """`L`, `2`, `L - 1`; not the two ends of a range."""
    kinds = ["" if t.type in ("NAME", "NUM") else t.type for t in side]
    return kinds in ([""], ["", "ADD", ""])


def condition_before(tokens: list[Token]) -> tuple[list[Token], list[Token]]:
    """A statement and the condition that leads it, `i ≠ j: …`, `Case z > 0: …`, empty where there is none."""
    bare = outside(tokens)
    k = next((k for k in bare if tokens[k].type == "COLON"), len(tokens))
    said = [t for t in tokens[:k] if t.type != "WORD"]
    if k == len(tokens) or not is_condition(said) or not any(tokens[n].type == "REL" for n in bare if n > k):
        return tokens, []
    return tokens[k + 1 :], said


def heads_a_loop(tokens: list[Token], n: int, clause: list[Token]) -> bool:
    """Whether the comma at place n of a clause stands in the range of an index that a colon ends: `for l = L, …, 1:`"""
    depth, dots = 0, any(t.type == "DOTS" for t in clause)
    for t in tokens[n + 1 : n + 80]:
        depth += (t.type in OPENING) - (t.type in CLOSING)
        if depth < 0 or (depth == 0 and t.type in ("ROW", "SEMI", "SEP") and t.value != "quad"):
            return False
        dots |= t.type == "DOTS"
        if depth == 0 and t.type == "COLON":
            return dots
    return False


def without_range(parts: list[list[Token]]) -> list[list[Token]]:
    """The parts between commas without the range of an index, `l = 1`, `…`, `L`."""
    found: list[list[Token]] = []
    skip = False
    for part in parts:
        if len(part) == 1 and part[0].type == "DOTS" and found and _begins_a_range(found[-1]):
            found.pop()
            skip = True
        elif skip:
            skip = False
        else:
            found.append(part)
    while (
        found and len(found) > 1 and _begins_a_range(found[-1]) and any(t.type in ("DOTS", "COLON") for t in found[-1])
    ):
        found.pop()
    return found


def _begins_a_range(part: list[Token]) -> bool:
    """`l = 1`, of an index."""
    return len(part) > 2 and part[0].type == "NAME" and part[0].value in INDICES and part[1].type == "REL"


def said_in(clause: list[Token], *, conditional: bool = False) -> tuple[Condition | None, str]:
    """What a clause says: a condition that is understood, and what it says that is not, "" where nothing matters.

    conditional  it is a condition by its place, without a word that says so

    The range of an index and the explanation of a letter say nothing that a formula must be judged by.
    """
    word = next((w for t in clause if (w := first_word(t))), "")
    conditional = conditional or word in _CONDITIONAL
    inner = [t for t in clause if t.type not in ("WORD", "AMP", "SEP")]
    while inner and inner[-1].type in ("COMMA", "COLON"):
        inner.pop()
    for a, b, c in zip(inner, inner[1:], inner[2:], strict=False):
        if b.type == "REL" and b.value == "!=" and is_condition([a, b, c]):
            return Condition((a,), "!=", (c,)), ""
    found = condition_in(inner)
    said = " ".join(t.value for t in inner)
    if found is None:
        compared = [t for t in inner if t.type == "REL" and t.value in COMPARISONS]
        return None, said if compared and conditional and _names(inner) - _PLAIN else ""
    if _is_index(found.left) or _is_index(found.right):
        ranged = found.relation in COMPARISONS or not (_is_place(found.left) and _is_place(found.right))
        return (None if ranged else found), ""
    if conditional and [t.value for t in found.left] == ["L"] and [t.type for t in found.right] == ["NUM"]:
        return found, ""
    if found.relation in COMPARISONS:
        return (found, "") if _names(inner) - _PLAIN else (None, "")
    value = found.right[-1].type == "NUM" and bool(_names(found.left) & _VARIABLE)
    return None, said if conditional or (value and word in ("where", "with")) else ""


def said_of_the_rest(tokens: list[Token]) -> str:
    """The word of a statement that says it holds where none of the conditions before does, `otherwise`; "" for none."""
    ends = [t for t in tokens if t.type not in ("COMMA", "SEP", "COLON", "AMP")]
    return next((w for t in (*ends[-1:], *ends[:1]) if (w := first_word(t)) in _OTHERWISE), "")


def _names(tokens: list[Token] | tuple[Token, ...]) -> set[str]:
    return {t.value for t in tokens if t.type == "NAME"}


def compared_at_the_end(tokens: list[Token]) -> tuple[list[Token], list[Token]] | None:
    """`y = z > 0` with its last side in brackets, 1 where it holds, and without `> 0`; None for other statements."""
    places = [k for k in outside(tokens) if tokens[k].type == "REL"]
    if len(places) < 2 or tokens[places[-1]].value not in COMPARISONS or places[-1] == len(tokens) - 1:
        return None
    if any(tokens[k].value not in STATED for k in places[:-1]):
        return None
    k, end = places[-2] + 1, tokens[-1].end
    bracket = Token("LPAR", "(", tokens[k].start, tokens[k].start), Token("RPAR", ")", end, end)
    return [*tokens[:k], bracket[0], *tokens[k:], bracket[1]], tokens[: places[-1]]
