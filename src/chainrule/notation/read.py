"""Reading formulas as people write them: NumPy-like text, Unicode, LaTeX."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from ..errors import FormulaError
from .formula import ONE, Binary, Call, Equation, Formula, Symbol, symbols
from .letters import Letters
from .reading.code import as_formula
from .reading.grammar import Chain, parse
from .reading.parts import MAX_READINGS, defined_function
from .reading.resolve import readings
from .reading.statements import Statement, is_latex, statements
from .reading.text_tokens import is_long, is_word
from .reading.tokens import Token, check_text

Syntax = Literal["auto", "text", "latex", "code"]
LAYERED = ("a", "z", "A", "Z", "da", "dz", "dA", "dZ")


@dataclass(frozen=True)
class Reading:
    """One way to read a statement.

    note  how an ambiguous place was read where that is not the plainest way; "" for the plain reading
    """

    equation: Equation
    note: str = ""


def read(text: str, *, syntax: Syntax = "auto", letters: Letters | None = None) -> list[Reading]:
    """The readings of one statement, an equation chain or a lone expression, the plainest first.

    >>> read("dW[2] = 1/m * dZ[2] @ A[1].T")[0].equation.sides[0]
    Symbol(name='dW', layer=Number(value=Fraction(2, 1)), sample=None, prime=0)

    syntax   "latex", "text" (NumPy-like, ASCII or Unicode), "code" (a statement of Python, or of pseudo-code), or
             "auto": LaTeX where a command or `$` occurs, else text

    A line that begins with a relation gives an equation whose first side is `Symbol("")`. FormulaError if the text is
    no formula, holds several statements, or is too long or too deeply nested.
    """
    text = check_text(text)
    letters = letters or Letters()
    if syntax == "code":
        text = as_formula(text)
    found = statements(text, _is_latex(text, syntax), names_of(letters), code=syntax == "code")
    readings = _readings(_only(found, text), text, letters)
    return readings[:1] if syntax == "code" else readings  # a program's signs have one order


def read_all(text: str, *, syntax: Syntax = "auto", letters: Letters | None = None) -> list[list[Reading]]:
    """The readings of every statement of a display, a line or a paragraph, in order; prose is passed over."""
    text = check_text(text)
    letters = letters or Letters()
    found = statements(text, _is_latex(text, syntax), names_of(letters))
    result: list[list[Reading]] = []
    for n, statement in enumerate(found):
        if statement.cut and n == len(found) - 1 and n > 0:
            continue  # the beginning of a line that was cut off
        if not statement.has_relation and any(t.type == "WORD" for t in statement.tokens):
            continue
        result.append(_readings(statement, text, letters))
    return result


def names_of(letters: Letters) -> frozenset[str]:
    """The words that are letters in a text: its functions, and those that its notation declares."""
    return letters.functions | _declared(tuple(letters.rename))


@lru_cache(maxsize=64)
def _declared(patterns: tuple[str, ...]) -> frozenset[str]:
    """Words such as `probs` and `dprobs` among the patterns, not letters such as h1, which is h of layer 1."""
    stems = {re.split(r"[_^(\[]", p)[0] for p in patterns} | set(patterns)  # net of net_j and of net^{(l)}
    found = {p for p in stems if p.isidentifier() and (is_word(p) or is_long(p))}
    return frozenset(found | {f"d{p}" for p in found})


def conditioned(equation: Equation, condition: tuple[str, str, str] | None) -> Equation:
    """An equation that holds where i = j, with i for j; where i != j, with both sides 0 elsewhere."""
    if condition is None or len(equation.sides) < 2:
        return equation
    first, second = Symbol(condition[0]), Symbol(condition[2])
    if condition[1] != "!=":
        sides = tuple(s.mapped(lambda x: first if x == second else x) for s in equation.sides)
    else:
        elsewhere = Binary("-", ONE, Call(Symbol("kronecker"), (first, second)))
        sides = tuple(Binary("*", elsewhere, s) for s in equation.sides)
    return Equation(sides, equation.relations)


def _with_layers_in_parentheses(
    found: list[tuple[Formula, str]], chain: Chain, text: str, letters: Letters
) -> list[tuple[Formula, str]]:
    """W^{(3)}, a^{(3)}: where no layer stands in brackets, numbers in parentheses may be layers."""
    numbered = [s for f, _ in found[:1] for s in symbols(f) if s.sample is not None and s.layer is None]
    if not any(s.name in ("delta", *LAYERED) for s in numbered):
        return found
    if any(isinstance(s.sample, Symbol) and s.sample.name in ("i", "j", "k", "s", "n", "m", "N") for s in numbered):
        return found
    beside_weights = any(s.layer is not None or s.name == "delta" for f, _ in found[:1] for s in symbols(f))
    others = readings(chain, text, replace(letters, layer="parentheses"))
    first, second = (others, found) if beside_weights else (found, others)
    note = "the numbers in parentheses are samples" if beside_weights else "the numbers in parentheses are layers"
    known = [f for f, _ in first]
    more = [(f, f"{note}; {n}" if n else note) for f, n in second if f not in known]
    return [*first, *more][:MAX_READINGS]


def _is_latex(text: str, syntax: Syntax) -> bool:
    if syntax not in ("auto", "text", "latex", "code"):
        raise FormulaError(f"unknown syntax {syntax!r}: use 'auto', 'text', 'latex' or 'code'.")
    return syntax == "latex" or (syntax == "auto" and is_latex(text))


def _only(found: list[Statement], text: str) -> Statement:
    """The one statement of a text; mentions of letters beside one equation do not count."""
    if len(found) > 1:
        found = [s for n, s in enumerate(found) if not (s.cut and n)]
    if len(found) > 1:
        equations = [s for s in found if s.has_relation]
        found = equations if len(equations) == 1 else found
    if not found:
        raise FormulaError(f"no formula in {_excerpt(text)!r}: write an equation or an expression.")
    if len(found) > 1:
        raise FormulaError(
            f"{len(found)} statements in {_excerpt(text)!r} where one is expected: give one formula at a time."
        )
    return found[0]


def _excerpt(text: str) -> str:
    short = " ".join(text.split())
    return short if len(short) <= 40 else short[:37] + "…"


def _readings(statement: Statement, text: str, letters: Letters) -> list[Reading]:
    tokens = statement.tokens
    if tokens[0].type == "REL":
        tokens = [Token("NAME", "", tokens[0].start, tokens[0].start), *tokens]
    chain = parse(tokens, text)
    if function := defined_function(chain):
        letters = replace(letters, functions=letters.functions | {function})
    found = readings(chain, text, letters)
    if letters.layer == "brackets" and not any(t.type in ("LBRACK", "IDX") for t in tokens):
        found = _with_layers_in_parentheses(found, chain, text, letters)
    equations = [(f if isinstance(f, Equation) else Equation((f,)), note) for f, note in found]
    return [Reading(conditioned(f, statement.condition), note) for f, note in equations]
