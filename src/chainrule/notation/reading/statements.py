"""Which parts of a text are formulas, and where one statement ends and the next begins."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ...errors import FormulaError
from .cases import with_cases
from .clauses import (
    CLAUSE,
    Condition,
    condition_before,
    first_word,
    heads_a_loop,
    is_condition,
    said_in,
    said_of_the_rest,
    without_condition,
    without_range,
)
from .columns import divided
from .latex_tokens import latex_tokens
from .quantities import of_sizes, with_named_quantities
from .rows import divides, goes_on, stands_between
from .text_tokens import text_tokens
from .tokens import CLOSING, COMPARISONS, FUNCTIONS, MAX_TOKENS, OPENING, Token, balanced, where, wrap_scripts

LATEX = re.compile(r"\\[A-Za-z]{2,}|\\\\|&|\\\s*\Z|\$|\\[\[\](){}|,;! ]|\^\s*\{\s*\[")
DELIMITER = re.compile(r"(?<!\\)(\$\$|\$|\\\[(?!\s*-?[\d.]+(?:pt|em|ex|mm))|\\\]|\\\(|\\\))")
# `lim h→0`, `lim_h->0`, `lim_(h → 0)`
_LIMIT = re.compile(r"(?<![A-Za-z])lim\s*_?\s*[({]?\s*([^\W\d_]+(?:\s[^\W\d_])?)\s*(?:->|→)\s*([\w.+-]+)\s*[)}]?")
_IN_WORDS = re.compile(r"\\(?:text|mbox|textrm|hbox)\s*\{(?:[^{}]|\{[^{}]*\})*\}")
PROSE_WORD = re.compile(r"[A-Za-z]{4,}|[\u3040-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True)
class Statement:
    """The tokens of one statement.

    cut        a bracket was opened and not closed
    condition  what the statement is said to hold for: `j != k`, `z > 0`
    unread     what is said of when it holds and is not understood
    """

    tokens: list[Token]
    cut: bool = False
    condition: Condition | None = None
    unread: str = ""

    @property
    def relations(self) -> list[str]:
        """The relations outside brackets."""
        found, depth = [], 0
        for t in self.tokens:
            depth += (t.type in OPENING) - (t.type in CLOSING)
            if t.type == "REL" and depth == 0:
                found.append(t.value)
        return found

    @property
    def has_relation(self) -> bool:
        return bool(self.relations)

    @property
    def is_inequality(self) -> bool:
        """Whether it only compares, as the range of an index `l > 1` does."""
        relations = self.relations
        return bool(relations) and all(r in COMPARISONS for r in relations)


def is_latex(text: str) -> bool:
    """Whether a text is LaTeX rather than plain text."""
    return LATEX.search(text) is not None


def statements(text: str, latex: bool, names: frozenset[str] = frozenset(), *, code: bool = False) -> list[Statement]:
    """The statements of a text in order, with prose, numbers of equations and punctuation passed over."""
    found: list[Statement] = []
    if latex:
        parts = _formula_parts(_IN_WORDS.sub(lambda m: m[0].replace("$", " "), text))  # \text{if $z > 0$}
    else:
        parts = [(0, _LIMIT.sub(r"lim_{\1->\2} ", (text if code else divided(text)).replace("⅟", "1/")))]
    for offset, part in parts:
        tokens = latex_tokens(part, names) if latex else text_tokens(part, names, code=code)
        if offset:
            tokens = [t._replace(start=t.start + offset, end=t.end + offset) for t in tokens]
        if len(tokens) > MAX_TOKENS:
            raise FormulaError(
                f"the formula has {len(tokens)} signs, of which at most {MAX_TOKENS} are read: split it."
            )
        tokens = with_cases(wrap_scripts(balanced(wrap_arguments(tokens), text), text))
        for piece in _pieces(tokens):
            found.extend(_sentences(piece, text, latex))
    stated = [s for s in found if not s.is_inequality]  # the others are conditions of what is stated
    return stated if any(s.has_relation for s in stated) else found


def _formula_parts(text: str) -> list[tuple[int, str]]:
    """What stands between delimiters, or the whole where there are none; a fragment may begin inside a formula."""
    pieces = DELIMITER.split(text)
    if len(pieces) == 1:
        return [(0, text)]
    inside = _looks_like_formula(pieces[0]) or pieces[1] in ("\\]", "\\)")
    found: list[tuple[int, str]] = []
    offset = 0
    for n, piece in enumerate(pieces):
        if n % 2 == 0:
            if inside and piece.strip():
                found.append((offset, piece))
        elif piece in ("\\[", "\\("):
            inside = True
        elif piece in ("\\]", "\\)"):
            inside = False
        else:
            inside = not inside
        offset += len(piece)
    return found


def _looks_like_formula(part: str) -> bool:
    bare = re.sub(r"\\(?:text|mathrm|begin|end|tag)\s*\{[^{}]*\}|\\[A-Za-z]+", " ", part)
    return bool(part.strip()) and PROSE_WORD.search(bare) is None and bool(re.search(r"\\[A-Za-z]|[=^_+]", part))


def wrap_arguments(tokens: list[Token]) -> list[Token]:
    """`\\frac12` and `\\sqrt x` with their arguments in braces."""
    if not any(t.type in ("FRAC", "SQRT") for t in tokens):
        return tokens
    out: list[Token] = []
    stack: list[tuple[str, int]] = []  # open braces, with how many arguments remain behind each
    due = 0
    for t in tokens:
        if t.type in ("FRAC", "SQRT"):
            if due:
                raise FormulaError("a fraction stands as the argument of another without braces: write the braces.")
            due = 2 if t.type == "FRAC" else 1
            out.append(t)
            continue
        if due and t.type != "LBRACE":
            characters = list(t.value) if t.type == "NUM" and t.value.isdigit() else [t.value]
            while characters and due:
                c = characters.pop(0)
                out += [Token("LBRACE", "{", t.start, t.start), t._replace(value=c), Token("RBRACE", "}", t.end, t.end)]
                due -= 1
            if characters:
                out.append(t._replace(value="".join(characters)))
            continue
        if t.type == "LBRACE":
            stack.append(("{", due - 1 if due else 0))
            due = 0
        elif t.type == "RBRACE" and stack:
            due = stack.pop()[1]
        out.append(t)
    return out


def _pieces(tokens: list[Token]) -> list[Statement]:
    """The tokens split where rows, sentences and clauses end; line breaks inside brackets are dropped."""
    pieces: list[list[Token]] = [[]]
    stack: list[str] = []
    clause = False  # behind "for", "where" … up to the end of the line, or to the comma where the clause stands first
    conditions: dict[int, list[Token]] = {}  # what such a clause says, by the number of its piece
    for n, t in enumerate(tokens):
        if t.type in OPENING:
            stack.append(t.type)
        elif t.type in CLOSING and stack:
            stack.pop()
        if not stack:
            if t.type == "WORD" and CLAUSE.match(t.value):
                clause = True
            elif t.type in ("ROW", "SEMI") or (t.type == "SEP" and t.value == "\n"):
                clause = False
            elif not pieces[-1] and first_word(t) in ("then", "we"):
                clause = False
                continue
            elif clause and not pieces[-1] and t.type in ("COMMA", "COLON"):
                said = conditions.get(len(pieces) - 1, [])
                if t.type == "COLON" or not heads_a_loop(tokens, n, said):
                    clause = False
                    continue
        if clause:
            conditions.setdefault(len(pieces) - 1, []).append(t)
            continue
        beside = not stack and (
            (t.type == "AMP" and divides(pieces[-1], tokens, n))
            or (t[:2] == ("REL", "->") and stands_between(pieces[-1], tokens, n))
        )
        if beside or (not stack and t.type in ("ROW", "SEP", "SEMI") and not goes_on(pieces[-1], tokens, n)):
            pieces.append([])
        elif t.type in ("ROW", "AMP"):
            if stack and stack[-1] in ("MATRIX", "CASES"):
                pieces[-1].append(t)
        elif t.type != "SEP" or t.value not in ("\n", "quad"):
            pieces[-1].append(t)
    found = _with_conditions(pieces, conditions)
    if stack and pieces[-1]:
        last = pieces[-1]
        end = last[-1].end
        while stack and stack[-1] in ("MATRIX", "CASES"):
            kind = OPENING[stack.pop()]
            last.append(Token(kind, "end", end, end))
        found[-1] = replace(found[-1], tokens=last, cut=bool(stack))
    return found


def _with_conditions(pieces: list[list[Token]], clauses: dict[int, list[Token]]) -> list[Statement]:
    """The pieces with what clauses say of them; a piece that is a condition alone belongs to the one before it."""
    found: list[Statement] = []
    for k, piece in enumerate(pieces):
        condition, unread = said_in(clauses[k]) if k in clauses else (None, "")
        stated = next((n for n in reversed(range(len(found))) if found[n].has_relation), None)
        if stated is not None and found[stated].condition is None and is_condition(piece):
            found[stated] = _under(found[stated], piece)
            piece = []
        found.append(Statement(piece, condition=condition, unread=unread or said_of_the_rest(piece)))
    return found


def _sentences(piece: Statement, text: str, latex: bool) -> list[Statement]:
    """A piece without numbering and prose at its ends, split at commas where every part is an equation."""
    tokens = _stripped(piece.tokens, latex)
    if not tokens:
        return []
    if piece.cut:
        return [Statement(tokens, cut=True)]
    parts = [p for p in (_stripped(p, latex) for p in without_range(_split(tokens))) if p]
    if len(parts) <= 1:
        return [_of_part(p, piece) for p in parts]
    equations = [p for p in parts if Statement(p).has_relation]
    if len(equations) == len(parts) or not equations:
        return _joined_to_conditions(parts, piece)
    if any(len(p) == 1 and p[0].type == "DOTS" for p in _split(tokens)):
        return []  # the range of an index: l = 1, …, L
    first = next(n for n, p in enumerate(parts) if Statement(p).has_relation)
    if all(Statement(p).has_relation for p in parts[first:]):
        return _joined_to_conditions([p for p in parts if not _is_prose(p) or Statement(p).has_relation], piece)
    if all(_is_prose(p) for p in parts if not Statement(p).has_relation):
        return _joined_to_conditions(equations, piece)
    raise FormulaError(f"a comma {where(text, parts[0][-1].end)} stands outside brackets: put a list into brackets.")


def _of_part(tokens: list[Token], piece: Statement) -> Statement:
    """The statement of some of a piece's tokens, with what the piece and a condition beside them say of it."""
    tokens, before = condition_before(tokens)
    tokens, behind = without_condition(with_named_quantities(tokens))
    found = replace(_updated(of_sizes(tokens)), condition=piece.condition, unread=piece.unread)
    for said in filter(None, (before, behind)):
        found = _under(found, said)
    return _masked(found)


def _joined_to_conditions(parts: list[list[Token]], piece: Statement) -> list[Statement]:
    """The statements of the parts between commas, where `j ≠ k` and `z > 0` belong to the statement before them."""
    found: list[Statement] = []
    for part in parts:
        if found and is_condition(part) and not found[-1].is_inequality:
            found[-1] = _under(found[-1], part)
        else:
            found.append(_of_part(part, piece))
    return found


def _under(statement: Statement, tokens: list[Token]) -> Statement:
    """A statement under one condition more."""
    condition, unread = said_in(tokens, conditional=True)
    if statement.condition is not None and condition is not None:
        return replace(statement, unread=unread or " ".join(t.value for t in tokens))
    return replace(statement, condition=condition or statement.condition, unread=unread or statement.unread)


def _masked(statement: Statement) -> Statement:
    """`dZ[Z <= 0] = 0`: dZ = 0 for Z <= 0."""
    tokens = statement.tokens
    if len(tokens) < 2 or tokens[0].type != "NAME" or not any(t.type == "IDX" for t in tokens):
        return statement
    depth, opened = 0, 0
    for k, t in enumerate(tokens):
        depth += (t.type in OPENING) - (t.type in CLOSING)
        if t.type == "IDX" and depth == 1:
            opened = k
        elif t.type == "REL" and depth == 0:
            break
        elif t.type == "RBRACK" and depth == 0:
            inside = tokens[opened + 1 : k]
            if any(x.type == "REL" and x.value in COMPARISONS for x in inside):
                return _under(replace(statement, tokens=[*tokens[:opened], *tokens[k + 1 :]]), inside)
    return statement


def _split(tokens: list[Token]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    depth = 0
    for t in tokens:
        depth += (t.type in OPENING) - (t.type in CLOSING)
        if t.type == "COMMA" and depth == 0:
            parts.append([])
        else:
            parts[-1].append(t)
    return parts


def _is_prose(tokens: list[Token]) -> bool:
    return any(t.type == "WORD" for t in tokens)


def _stripped(tokens: list[Token], latex: bool) -> list[Token]:
    """Tokens without what surrounds a formula: its number, commas, dots in place of a line, words marked as such."""
    said = [t for t in tokens if t.type == "WORD"]
    if all(t.type in ("WORD", "DOTS", "COMMA", "COLON", "LPAR", "RPAR", "LBRACE", "RBRACE") for t in tokens):
        return tokens if len(tokens) == 1 and said and len(said[0].value.split()) == 1 else []
    kinds = [t.type for t in tokens]
    if kinds in (["LPAR", "NUM", "RPAR"], ["ADD", "LPAR", "NUM", "RPAR"], ["LBRACK", "NUM", "RBRACK"]):
        return []
    begin, end = 0, len(tokens)
    while begin < end:
        t = tokens[begin]
        after = tokens[begin + 1].type if begin + 1 < end else ""
        if t.type == "WORD" and after == "LPAR" and tokens[begin + 1].start == t.end:
            break  # CE(y, yhat)
        if t.type in ("COMMA", "COLON") or (
            t.type == "WORD"
            and after not in ("REL", "OP", "ADD", "SUB", "SUP", "PRIME", "ATTR", "")
            and (latex or after == "COLON")
        ):
            begin += 1
        else:
            break
    while end > begin:
        t = tokens[end - 1]
        before = tokens[end - 2].type if end - 2 >= begin else ""
        if t.type in ("COMMA", "COLON") or (latex and t.type == "WORD" and before not in ("REL", "OP", "ADD", "")):
            end -= 1
        elif t.type == "RPAR" and (open_ := _words_in_brackets(tokens, begin, end)) > begin:
            end = open_
        else:
            break
    return tokens[begin:end]


def _words_in_brackets(tokens: list[Token], begin: int, end: int) -> int:
    """Where a remark in parentheses at the end begins, or -1."""
    k = end - 2
    while k > begin and tokens[k].type in ("WORD", "COMMA", "ADD", "NAME", "NUM"):
        k -= 1
    inside = tokens[k + 1 : end - 1]
    if k <= begin or tokens[k].type != "LPAR" or not inside:
        return -1
    shape = [t.type for t in inside] == ["NUM", "NAME", "NUM"] and inside[1].value == "x"
    signs = any(t.type == "NUM" or (t.type == "NAME" and t.value not in FUNCTIONS) for t in inside)
    for a, b, c in zip(inside, inside[1:], inside[2:], strict=False):
        signs |= b.type == "ADD" and not a.end == b.start < b.end == c.start  # the hyphen of cross-entropy is none
    remark = any(t.type == "WORD" for t in inside) and not signs and (len(inside) > 1 or " " in inside[0].value)
    single = [t.type for t in inside] == ["WORD"] and _closes_a_list(tokens, k - 1)
    apart = tokens[k - 1].end < tokens[k].start and tokens[k - 1].type not in ("OP", "ADD", "REL", "AMP")
    return k if apart and (shape or remark or single) else -1


def _closes_a_list(tokens: list[Token], k: int) -> bool:
    depth = 0
    for t in reversed(tokens[: k + 1]):
        depth += (t.type in CLOSING) - (t.type in OPENING)
        if depth == 0:
            return t.type == "LBRACK"
    return False


def _updated(tokens: list[Token]) -> Statement:
    """`W -= x` as W <- W - (x)."""
    for k, t in enumerate(tokens):
        if t.type == "AUG":
            target, rest = tokens[:k], tokens[k + 1 :]
            sign = Token("ADD" if t.value in "+-" else "OP", t.value, t.start, t.end)
            bracket = [Token("LPAR", "(", t.end, t.end), *rest, Token("RPAR", ")", t.end, t.end)]
            return Statement([*target, Token("REL", "<-", t.start, t.end), *target, sign, *bracket])
    return Statement(tokens)
