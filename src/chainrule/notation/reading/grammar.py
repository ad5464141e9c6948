"""The one grammar of written formulas, over the tokens of either lexer; it groups signs and gives them no meaning yet.

What it builds is loose on purpose: a run of factors that stand side by side, `g (z) _k`, is a list until `resolve`
knows whether g is applied to z. Parsing is LALR(1) with one parser per process, so its time is linear.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ...errors import FormulaError
from .tokens import CLOSING, OPENING, Token, short, where

GRAMMAR = r"""
start: chain
chain: side                                   -> chain_first
     | chain REL side                         -> chain_more
side: product                                 -> side_first
    | ADD product                             -> side_signed
    | ADD ADD product                         -> side_signed_twice
    | side ADD product                        -> side_more
    | side ADD ADD product                    -> side_twice
product: run                                  -> product_first
       | product OP run                       -> product_more
       | product OP ADD run                   -> product_signed
run: factor                                   -> run_first
   | run factor                               -> run_more
factor: atom
      | factor SUP LBRACE list RBRACE         -> script
      | factor SUB LBRACE list RBRACE         -> script
      | factor IDX list RBRACK                -> entry
      | factor PRIME                          -> mark
      | factor ATTR                           -> mark
atom: NUM                                     -> leaf
    | NAME                                    -> leaf
    | WORD                                    -> leaf
    | SUMOP                                   -> leaf
    | LIM                                     -> leaf
    | PARTIAL                                 -> leaf
    | DOTS                                    -> leaf
    | COLON                                   -> leaf
    | AT                                      -> leaf
    | PRIME                                   -> leaf
    | LPAR list RPAR                          -> group
    | LPAR RPAR                               -> empty
    | LBRACK list RBRACK                      -> group
    | LBRACE list RBRACE                      -> group
    | NORMO list NORMC                        -> group
    | ABSO list ABSC                          -> group
    | FRAC LBRACE list RBRACE LBRACE list RBRACE -> fraction
    | SQRT LBRACE list RBRACE                 -> root
    | MATRIX rows ENDM                        -> matrix
    | CASES rows ENDC                         -> matrix
rows: row                                     -> rows_first
    | rows ROW row                            -> rows_more
row: cell                                     -> row_first
   | row AMP cell                             -> row_more
cell: list                                    -> cell_full
    |                                         -> cell_empty
list: chain                                   -> list_first
    | list COMMA chain                        -> list_more
    | list SEMI chain                         -> list_more
    | list COMMA                              -> list_end
    | list SEMI                               -> list_end
%declare NUM NAME WORD SUMOP LIM PARTIAL DOTS COLON AT LPAR RPAR LBRACK RBRACK LBRACE RBRACE NORMO NORMC ABSO ABSC
%declare FRAC SQRT MATRIX ENDM CASES ENDC ROW AMP COMMA SEMI REL ADD OP SUP SUB IDX PRIME ATTR
"""


# Without equality by value all of these have a hash, so that any factor's value may be looked up among names.
@dataclass(slots=True, eq=False)
class Factor:
    """One thing in a run, with what hangs on it in the order of writing: ("sup", List), ("prime", None), …"""

    kind: str
    value: Any
    start: int
    end: int
    marks: list[tuple[str, Any]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Part:
    """Factors side by side, and the sign before them: "" in front of a product, else * / @ …; `negative` for `* -x`."""

    sign: str
    negative: bool
    factors: list[Factor]


Product = list[Part]


@dataclass(slots=True, eq=False)
class Chain:
    """Sides joined by relations; a side is a list of (sign, product), the first sign "" or "-" or "+"."""

    sides: list[list[tuple[str, Product]]]
    relations: list[str]


@dataclass(slots=True, eq=False)
class List:
    """Chains between commas and semicolons; `breaks` are the numbers of items before each semicolon."""

    items: list[Chain]
    breaks: list[int] = field(default_factory=list)

    @property
    def semicolons(self) -> int:
        return len(self.breaks)


class _Builder:
    """What the parser does when a rule is complete."""

    def start(self, c: list[Any]) -> Chain:
        return c[0]  # type: ignore[no-any-return]

    def chain_first(self, c: list[Any]) -> Chain:
        return Chain([c[0]], [])

    def chain_more(self, c: list[Any]) -> Chain:
        c[0].relations.append(c[1].value)
        c[0].sides.append(c[2])
        return c[0]  # type: ignore[no-any-return]

    def side_first(self, c: list[Any]) -> list[tuple[str, Product]]:
        return [("", c[0])]

    def side_signed(self, c: list[Any]) -> list[tuple[str, Product]]:
        return [(c[0].value, c[1])]

    def side_signed_twice(self, c: list[Any]) -> list[tuple[str, Product]]:
        return [("" if c[0].value == c[1].value else "-", c[2])]  # --a

    def side_more(self, c: list[Any]) -> list[tuple[str, Product]]:
        c[0].append((c[1].value, c[2]))
        return c[0]  # type: ignore[no-any-return]

    def side_twice(self, c: list[Any]) -> list[tuple[str, Product]]:
        c[0].append(("+" if c[1].value == c[2].value else "-", c[3]))  # a + -b
        return c[0]  # type: ignore[no-any-return]

    def product_first(self, c: list[Any]) -> Product:
        return [Part("", False, c[0])]

    def product_more(self, c: list[Any]) -> Product:
        c[0].append(Part(c[1].value, False, c[2]))
        return c[0]  # type: ignore[no-any-return]

    def product_signed(self, c: list[Any]) -> Product:
        c[0].append(Part(c[1].value, c[2].value == "-", c[3]))
        return c[0]  # type: ignore[no-any-return]

    def run_first(self, c: list[Any]) -> list[Factor]:
        return [c[0]]

    def run_more(self, c: list[Any]) -> list[Factor]:
        c[0].append(c[1])
        return c[0]  # type: ignore[no-any-return]

    def factor(self, c: list[Any]) -> Factor:
        return c[0]  # type: ignore[no-any-return]

    def script(self, c: list[Any]) -> Factor:
        kind, factor = "power" if c[1].value == "**" else c[1].type.lower(), c[0]
        while kind == "power" and factor.marks and factor.marks[-1][0] == "power":  # a ** b ** c is a ** (b ** c)
            factor = factor.marks[-1][1].items[-1].sides[-1][-1][1][-1].factors[-1]
        factor.marks.append((kind, c[3]))
        c[0].end = c[4].end_pos
        return c[0]  # type: ignore[no-any-return]

    def entry(self, c: list[Any]) -> Factor:
        c[0].marks.append(("idx", c[2]))
        c[0].end = c[3].end_pos
        return c[0]  # type: ignore[no-any-return]

    def mark(self, c: list[Any]) -> Factor:
        c[0].marks.append((c[1].type.lower(), c[1].value))
        c[0].end = c[1].end_pos
        return c[0]  # type: ignore[no-any-return]

    def leaf(self, c: list[Any]) -> Factor:
        return Factor(c[0].type.lower(), c[0].value, c[0].start_pos, c[0].end_pos)

    def group(self, c: list[Any]) -> Factor:
        return Factor(c[0].type.lower(), c[1], c[0].start_pos, c[2].end_pos)

    def empty(self, c: list[Any]) -> Factor:
        return Factor("empty", "", c[0].start_pos, c[1].end_pos)

    def fraction(self, c: list[Any]) -> Factor:
        return Factor("frac", (c[2], c[5]), c[0].start_pos, c[6].end_pos)

    def root(self, c: list[Any]) -> Factor:
        return Factor("sqrt", c[2], c[0].start_pos, c[3].end_pos)

    def matrix(self, c: list[Any]) -> Factor:
        return Factor(c[0].type.lower(), c[1], c[0].start_pos, c[2].end_pos)

    def rows_first(self, c: list[Any]) -> list[list[Any]]:
        return [c[0]]

    def rows_more(self, c: list[Any]) -> list[list[Any]]:
        c[0].append(c[2])
        return c[0]  # type: ignore[no-any-return]

    def row_first(self, c: list[Any]) -> list[Any]:
        return [c[0]]

    def row_more(self, c: list[Any]) -> list[Any]:
        c[0].append(c[2])
        return c[0]  # type: ignore[no-any-return]

    def cell_full(self, c: list[Any]) -> List:
        return c[0]  # type: ignore[no-any-return]

    def cell_empty(self, c: list[Any]) -> None:
        return None

    def list_first(self, c: list[Any]) -> List:
        return List([c[0]])

    def list_more(self, c: list[Any]) -> List:
        if c[1].type == "SEMI":
            c[0].breaks.append(len(c[0].items))
        c[0].items.append(c[2])
        return c[0]  # type: ignore[no-any-return]

    def list_end(self, c: list[Any]) -> List:
        return c[0]  # type: ignore[no-any-return]


@cache
def _parser() -> Any:
    import lark
    from lark.lexer import Lexer

    class Stream(Lexer):
        """Hands tokens that were made elsewhere to the parser."""

        def __init__(self, lexer_conf: Any) -> None:
            pass

        def lex(self, data: list[Token]) -> Iterator[Any]:  # type: ignore[override]
            for t in data:
                yield lark.Token(t.type, t.value, start_pos=t.start, end_pos=t.end)

    return lark.Lark(GRAMMAR, parser="lalr", lexer=Stream, transformer=_Builder(), maybe_placeholders=False)


NAMES = {
    "NUM": "a number", "NAME": "a letter", "WORD": "a word", "SUMOP": "a sum sign", "REL": "a relation",
    "LIM": "a limit", "ADD": "a sign", "OP": "a sign of multiplication", "COMMA": "a comma", "SUP": "an exponent",
    "SUB": "an index",
    "RPAR": "a closing bracket", "RBRACK": "a closing bracket", "RBRACE": "a closing brace", "AMP": "&",
    "ROW": "a new row", "FRAC": "a fraction",
}  # fmt: skip


def _open_bracket(tokens: list[Token]) -> Token | None:
    """The innermost bracket of the writer's that is not closed."""
    stack: list[Token] = []
    for t in tokens:
        if t.type in OPENING:
            stack.append(t)
        elif t.type in CLOSING and stack:
            stack.pop()
    return next((t for t in reversed(stack) if t.end > t.start), None)


def parse(tokens: list[Token], text: str) -> Chain:
    """The statement that the tokens form; FormulaError that says where they do not form one."""
    import lark

    try:
        return _parser().parse(tokens)  # type: ignore[no-any-return]
    except lark.exceptions.UnexpectedToken as error:
        token = error.token
        if token.type == "$END":
            if (open_ := _open_bracket(tokens)) is not None:
                raise FormulaError(
                    f"the bracket {open_.value!r} {where(text, open_.start)} is open where the formula ends: close it."
                ) from None
            last = tokens[-1].value if tokens else ""
            raise FormulaError(f"the formula ends behind {short(last)}, where something must follow.") from None
        raise FormulaError(
            f"{short(token.value)} {where(text, token.start_pos or 0)} cannot stand there: "
            f"{NAMES.get(token.type, 'this sign')} is out of place or an operand is missing before it."
        ) from None
