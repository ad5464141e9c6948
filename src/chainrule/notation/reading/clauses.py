"""What is said beside a formula: its cases, `1 if z > 0 else 0`, and what it is said to hold for, `for j ≠ k`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .tokens import CLOSING, COMPARISONS, FUNCTIONS, OPENING, Token, words

CLAUSE = re.compile(
    r"(?:for|where|with|when|while|if|whenever|provided|unless|assuming|given|since|because|using|whereas)\b",
    re.IGNORECASE,
)
_IF = words("if for when whenever")
_ELSE = words("else otherwise")
_CONDITIONAL = _IF | words("while provided unless assuming")
_STATED = frozenset({"=", ":=", "<-", "->", "≈"})
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


# Cases ----------------------------------------------------------------------------------------------------------------


def with_cases(tokens: list[Token]) -> list[Token]:
    """`1 if z > 0 else 0`, `1 if z > 0, 0 otherwise`, `z > 0 ? 1 : 0`, also in brackets, as a definition by cases."""
    asked = any(first_word(t) in _IF or t.value == "?" for t in tokens if t.type == "WORD")
    if not asked and sum(t.type == "REL" for t in tokens) < 2:
        return tokens
    out: list[Token] = []
    for line in _lines(tokens):
        out += _line_with_cases(line)
    return out


def _lines(tokens: list[Token]) -> list[list[Token]]:
    """The tokens up to every line break and row, which end their line."""
    lines: list[list[Token]] = [[]]
    depth = 0
    for t in tokens:
        depth += (t.type in OPENING) - (t.type in CLOSING)
        lines[-1].append(t)
        if depth == 0 and (t.type == "ROW" or (t.type == "SEP" and t.value == "\n")):
            lines.append([])
    return lines


def _line_with_cases(line: list[Token]) -> list[Token]:
    line = _brackets_with_cases(line)
    at = _first_keyword(line)
    last = len(line)
    while last and (line[last - 1].type == "ROW" or (line[last - 1].type == "SEP" and line[last - 1].value in "\n.")):
        last -= 1
    begin = max(
        (
            k + 1
            for k in outside(line[:at] if at is not None else line)
            if line[k].type == "REL" and line[k].value in _STATED
        ),
        default=0,
    )
    cases = _listed_cases(line[begin:last]) if at is None else _cases(line[begin:last])
    return line if cases is None else [*line[:begin], *cases, *line[last:]]


def _brackets_with_cases(line: list[Token]) -> list[Token]:
    """The same inside of round brackets and braces that are no scripts."""
    out: list[Token] = []
    stack: list[int] = []  # where in `out` each open bracket stands
    for t in line:
        if t.type in OPENING:
            stack.append(len(out))
        elif t.type in CLOSING and stack:
            begin = stack.pop()
            opened = out[begin]
            inner = out[begin + 1 :]
            script = begin > 0 and out[begin - 1].type in ("SUB", "SUP", "SQRT", "FRAC", "RBRACE")
            if opened.type in ("LPAR", "LBRACE") and not script and any(x.type in ("REL", "WORD") for x in inner):
                cases = _listed_cases(inner) if _first_keyword(inner) is None else _cases(inner)
                if cases is not None:
                    del out[begin + 1 :]
                    out[begin] = Token("LPAR", "(", opened.start, opened.end)
                    out += [*cases, Token("RPAR", ")", t.start, t.end)]
                    continue
        out.append(t)
    return out


def outside(tokens: list[Token]) -> list[int]:
    """The places of the tokens outside of all brackets."""
    found, depth = [], 0
    for k, t in enumerate(tokens):
        depth += (t.type in OPENING) - (t.type in CLOSING)
        if depth == 0:
            found.append(k)
    return found


def _first_keyword(tokens: list[Token]) -> int | None:
    return next((k for k in outside(tokens) if first_word(tokens[k]) in _IF or tokens[k].value == "?"), None)


def _cases(tokens: list[Token]) -> list[Token] | None:
    """The tokens as a definition by two cases or more; None where they are none."""
    branches = _branches(_parts(tokens))
    if branches is None or len(branches) < 2 or any(not value for value, _ in branches):
        return None
    start, end = tokens[0].start, tokens[-1].end
    out = [Token("CASES", "cases", start, start)]
    for n, (value, condition) in enumerate(branches):
        if condition is None and n < len(branches) - 1:
            return None
        if condition is not None and condition_in(condition) is None:
            return None
        beside = condition or [Token("WORD", "otherwise", end, end)]
        out += [*([Token("ROW", "\\\\", end, end)] if n else []), *value, Token("AMP", "&", end, end), *beside]
    return [*out, Token("ENDC", "cases", end, end)]


def _listed_cases(tokens: list[Token]) -> list[Token] | None:
    """`1, z > 0; 0, z <= 0` and `1 (z > 0), 0 (z <= 0)` as a definition by cases; None for other lists."""
    bare = set(outside(tokens))
    semicolons = any(tokens[k].type == "SEMI" for k in bare)
    parts: list[list[Token]] = [[]]
    for k, t in enumerate(tokens):
        if k in bare and t.type == ("SEMI" if semicolons else "COMMA"):
            parts.append([])
        else:
            parts[-1].append(t)
    if len(parts) < 2:
        return None
    written: list[Token] = []
    for n, part in enumerate(parts):
        commas = [k for k in outside(part) if part[k].type == "COMMA"]
        value, condition = part[: commas[0]] if commas else part, part[commas[0] + 1 :] if commas else []
        if not commas and part and part[-1].type == "RPAR":
            opened = max((k for k in range(len(part)) if part[k].type == "LPAR"), default=0)
            value, condition = part[:opened], part[opened + 1 : -1]
        otherwise = len(condition) == 1 and first_word(condition[0]) in _ELSE and n == len(parts) - 1
        if len(commas) > 1 or not value or not (otherwise or condition_in(condition)):
            return None
        end = value[-1].end
        written += [Token("SEMI", ";", end, end)] if n else []
        written += [*value, Token("WORD", "else" if otherwise else "if", end, end), *([] if otherwise else condition)]
    return _cases(written)


_Part = tuple[str, list[Token]]  # "if", "else", "sep", "?", ":" or "value" with its tokens


def _parts(tokens: list[Token]) -> list[_Part]:
    found: list[_Part] = []
    bare = set(outside(tokens))
    for k, t in enumerate(tokens):
        kind = ""
        if k in bare:
            word = first_word(t)
            known = {**dict.fromkeys(_IF, "if"), **dict.fromkeys(_ELSE, "else"), "?": "?", "then": "sep", "and": "sep"}
            kind = known.get(word, "")
            kind = "sep" if t.type in ("COMMA", "SEMI", "SEP") else ":" if t.type == "COLON" else kind
        if kind == "if" and found and found[-1][0] in ("if", "else"):  # else if; if … for
            found[-1] = ("if", [])
        elif kind:
            found.append((kind, []))
        elif t.type == "AMP" or (t.type == "WORD" and found and found[-1][0] == "if"):  # for all
            continue
        elif found and found[-1][0] == "value":
            found[-1][1].append(t)
        else:
            found.append(("value", [t]))
    return found


def _branches(parts: list[_Part]) -> list[tuple[list[Token], list[Token] | None]] | None:
    """(value, condition) of every case, the condition None for "otherwise"; None where the parts make no sense."""
    found: list[tuple[list[Token], list[Token] | None]] = []
    otherwise = False
    i = 0

    def behind(k: int) -> int:
        """The next part from k that is no mere sign between."""
        while k < len(parts) and parts[k][0] == "sep":
            k += 1
        return k

    while (i := behind(i)) < len(parts):
        kind, tokens = parts[i]
        k = behind(i + 1)
        after = parts[k][0] if k < len(parts) else ""
        if kind in ("else", ":"):
            otherwise = True
            i += 1
        elif kind == "if":  # if z > 0 then 1
            k = behind(i + 2) if i + 1 < len(parts) else len(parts)
            k = behind(k + 1) if k < len(parts) and parts[k][0] == ":" else k
            if k >= len(parts) or parts[i + 1][0] != "value" or parts[k][0] != "value":
                return None
            found.append((parts[k][1], parts[i + 1][1]))
            i = k + 1
        elif kind == "value" and after == "if":
            if k + 1 >= len(parts) or parts[k + 1][0] != "value":
                return None
            found.append((tokens, parts[k + 1][1]))
            i = k + 2
        elif kind == "value" and after == "?":
            if k + 1 >= len(parts) or parts[k + 1][0] != "value":
                return None
            found.append((parts[k + 1][1], tokens))
            i = k + 2
        elif kind == "value" and (otherwise or after == "else"):
            found.append((tokens, None))
            i = i + 1 if otherwise else k + 1
            if behind(i) < len(parts):
                return None
        else:
            return None
    return found


# Conditions -----------------------------------------------------------------------------------------------------------


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
    if found.relation in COMPARISONS:
        return (found, "") if _names(inner) - _PLAIN else (None, "")
    value = found.right[-1].type == "NUM" and bool(_names(found.left) & _VARIABLE)
    return None, said if conditional or (value and word in ("where", "with")) else ""


def _names(tokens: list[Token] | tuple[Token, ...]) -> set[str]:
    return {t.value for t in tokens if t.type == "NAME"}


def compared_at_the_end(tokens: list[Token]) -> tuple[list[Token], list[Token]] | None:
    """`y = z > 0` with its last side in brackets, 1 where it holds, and without `> 0`; None for other statements."""
    places = [k for k in outside(tokens) if tokens[k].type == "REL"]
    if len(places) < 2 or tokens[places[-1]].value not in COMPARISONS or places[-1] == len(tokens) - 1:
        return None
    if any(tokens[k].value not in _STATED for k in places[:-1]):
        return None
    k, end = places[-2] + 1, tokens[-1].end
    bracket = Token("LPAR", "(", tokens[k].start, tokens[k].start), Token("RPAR", ")", end, end)
    return [*tokens[:k], bracket[0], *tokens[k:], bracket[1]], tokens[: places[-1]]
