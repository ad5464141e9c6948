"""Reading formulas as people write them: NumPy-like text, Unicode, LaTeX."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Literal, TypeGuard

from ..errors import FormulaError
from .components import with_counted_components
from .formula import ONE, Binary, Call, Equation, Formula, Index, Number, Symbol, symbols
from .letters import Letters
from .named_losses import with_named_losses
from .reading.averages import EXPECTATION, check_about_losses
from .reading.calls import DOWN_THE_COLUMNS
from .reading.clauses import INDICES, Condition, compared_at_the_end
from .reading.code import as_formula
from .reading.grammar import Chain, parse
from .reading.list_marks import without_marks
from .reading.parts import MAX_READINGS, defined_function, single
from .reading.resolve import readings
from .reading.statements import Statement, is_latex, statements
from .reading.steps import steps_of
from .reading.text_words import is_long, is_word
from .reading.tokens import COMPARISONS, Token, check_text, short
from .samples import with_numbered_columns

Syntax = Literal["auto", "text", "latex", "code"]
_PROGRAM = re.compile(r"\.[A-Za-z_]{2}|\.t\(|\bassert\b|\[\s*['\"]")  # what only programs have
_TWO = Number(Fraction(2))
_ABOVE = frozenset({"W", "w", "b", "z", "a", "Z", "A", "delta", "dW", "dw", "db", "dz", "da", "dZ", "dA"})
_SHAPED = re.compile(
    r"\[[^\]]*\b(?:None|newaxis)\b|\.(?:reshape|clip|clamp|permute|swapaxes)\(|\bones\(\(|\.(?:mT|t\(\))"
    r"|\b(?:F|nn|K|jax|keras|autograd)\.[a-z]{2}|\bno_grad\b"
    r"|\w\.(?:g|_grad|gradient)\b(?!\s*\()"
    r"|\b(?:[hv]stack|column_stack|row_stack|concatenate|concat|cat|insert|append)\(|\b[cr]_\["
)
_WEIGHTS = frozenset({"W", "w", "dW", "dw"})
_ABOVE_THEM = "the numbers above the letters are layers"
_SOFTMAX, _AS_SOFTMAX = Symbol("softmax"), "sigma is the soft-max"
_NAMED = "the loss is the one of that name"
_AVERAGED = "the cost is the mean of the loss of that name"
_SAMPLES = "the index of the sum is that of a sample"
_CHANGES = "an upright d is a small change"
_UPRIGHT = re.compile(r"\\(?:mathrm|operatorname|text|textrm|mathsf|rm)\s*\{?\s*d\s*\}")
_QUOTED = re.compile(r"^(\s*)[\"“”'‘]([A-Za-z]\w*)[\"“”'’](?=\s*(?:=|:=))")  # "dz" = a - y
_FLAT = "the vectors are arrays of one axis"
_LED = re.compile(  # where dz = a - y
    r"\A\s{0,20}(?:\\text\s?\{\s?(?:where|wobei|with|mit|and|so)\s?\}|(?:where|wobei)\s+(?![\s(]))"
)
_REMARK = "the comparison at the end only says more of the right side"
_OF_SAMPLES = ("i", "j", "k", "s", "n", "m", "N")
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
    text = _LED.sub(_blank, _QUOTED.sub(r"\1 \2 ", without_marks(check_text(text))))
    letters = letters or Letters()
    if syntax == "code":
        return _of_code(text, letters)
    latex = _is_latex(text, syntax)
    if not latex and _SHAPED.search(text) and as_formula(text) != text:
        return _of_code(text, letters)
    try:
        return _readings(_only(statements(text, latex, names_of(letters)), text), text, letters)
    except FormulaError as error:
        if latex or not _PROGRAM.search(text) or as_formula(text) == text:
            raise
        try:
            return _of_code(text, letters)
        except FormulaError:
            raise error from None


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _of_code(text: str, letters: Letters) -> list[Reading]:
    """A statement of a program, and what it says where vectors have one axis, if that is something else."""
    plain, flat = as_formula(text), as_formula(text, flat=True)
    first = _of_program(plain, letters)
    return first if flat == plain else [*first, *(replace(r, note=_FLAT) for r in _of_program(flat, letters))]


def _of_program(text: str, letters: Letters) -> list[Reading]:
    """The one reading of a statement, whose signs have one order in a program, and that of MATLAB's sums."""
    found = _readings(_only(statements(text, False, names_of(letters), code=True), text), text, letters)
    return found[:1] + [r for r in found[1:] if r.note.endswith(DOWN_THE_COLUMNS)]


def read_all(text: str, *, syntax: Syntax = "auto", letters: Letters | None = None) -> list[list[Reading]]:
    """The readings of every statement of a display, a line or a paragraph, in order; prose is passed over."""
    text = _QUOTED.sub(r"\1 \2 ", without_marks(check_text(text)))
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


def conditioned(equation: Equation, relation: str, left: Formula, right: Formula) -> Equation:
    """An equation that holds where i = j, with i for j; where i != j or z > 0, with both sides 0 elsewhere."""
    if len(equation.sides) < 2:
        return equation
    if relation in ("=", "=="):
        if left == Symbol("L"):  # for L = 3
            return Equation(
                tuple(s.mapped(lambda x: right if x == left else x) for s in equation.sides), equation.relations
            )
        index, place = (left, right) if isinstance(left, Symbol) and left.name in INDICES else (right, left)
        if isinstance(place, Symbol) and place.name in INDICES:
            index, place = place, index
        return Equation(
            tuple(s.mapped(lambda x: place if x == index else x) for s in equation.sides), equation.relations
        )
    if relation == "!=":
        where: Formula = Binary("-", ONE, Call(Symbol("kronecker"), (left, right)))
    else:
        where = Call(Symbol(COMPARISONS[relation]), (left, right))
    return Equation(tuple(Binary("*", where, s) for s in equation.sides), equation.relations)


def _under(equation: Equation, condition: Condition, text: str, letters: Letters) -> Equation:
    """An equation under its condition."""
    left, right = (readings(parse(list(side), text), text, letters)[0][0] for side in (condition.left, condition.right))
    return conditioned(equation, condition.relation, left, right)


def _unread(said: str) -> FormulaError:
    return FormulaError(
        f"it is said to hold on a condition on {short(said)}, which is not read: state it for all numbers, or by cases."
    )


def _with_layers_in_parentheses(
    found: list[tuple[Formula, str]], chain: Chain, text: str, letters: Letters
) -> list[tuple[Formula, str]]:
    """W^{(3)}, a^{(3)}: where no layer stands in brackets, numbers in parentheses may be layers."""
    numbered = [s for f, _ in found[:1] for s in symbols(f) if s.sample is not None and s.layer is None]
    of_weights = set().union(*(_letters_in(s.layer) for f, _ in found[:1] for s in symbols(f) if s.layer is not None))
    as_weights = any(s.sample is not None and _letters_in(s.sample) & of_weights for s in numbered)  # W^{(k)} h^{(k-1)}
    if not as_weights and not any(s.name in ("delta", "epsilon", "e", "d", *LAYERED) for s in numbered):
        return found
    if not as_weights and any(isinstance(s.sample, Symbol) and s.sample.name in _OF_SAMPLES for s in numbered):
        return found
    beside_weights = any(s.layer is not None or s.name in ("delta", "e") for f, _ in found[:1] for s in symbols(f))
    beside_weights |= any(_may_be_layer(s.sample) and not isinstance(s.sample, Number) for s in numbered if s.sample)
    others = readings(chain, text, replace(letters, layer="parentheses"))
    first, second = (others, found) if beside_weights else (found, others)
    note = "the numbers in parentheses are samples" if beside_weights else "the numbers in parentheses are layers"
    known = [f for f, _ in first]
    more = [(f, f"{note}; {n}" if n else note) for f, n in second if f not in known]
    return [*first, *more][:MAX_READINGS]


def _has_layers_in_brackets(tokens: list[Token]) -> bool:
    """Whether brackets that may hold a layer or an index stand behind or above a letter: W[1], W^[1], W^{[1]}."""
    for n, t in enumerate(tokens):
        before = [x.type for x in tokens[max(0, n - 2) : n]]
        if t.type == "IDX" or (t.type == "LBRACK" and (before == ["SUP", "LBRACE"] or before[-1:] == ["SUP"])):
            return True
    return False


def _with_numbered_columns(found: list[tuple[Formula, str]]) -> list[tuple[Formula, str]]:
    """The first reading where the index of a sum numbers the samples of matrices, if it may."""
    formula, note = found[0]
    numbered = with_numbered_columns(formula)
    return [] if numbered == formula else [(numbered, _said(_SAMPLES, note))]


def _with_softmax(found: list[tuple[Formula, str]]) -> list[tuple[Formula, str]]:
    """The first reading with the soft-max for a sigma with a component: `σ(z)_i = e^{z_i} / Σ_j e^{z_j}`."""
    formula, note = found[0]
    taken = {
        x.base.function
        for x in formula.parts
        if isinstance(x, Index) and isinstance(x.base, Call) and isinstance(x.base.function, Symbol)
        if x.base.function in (Symbol("sigma"), Symbol("sig"))
    }
    if not taken or not any(isinstance(x, Call) and x.function == Symbol("exp") for x in formula.parts):
        return []
    changed = formula.mapped(lambda x: replace(x, function=_SOFTMAX) if _is_of(x, taken) else x)
    return [(changed, _said(_AS_SOFTMAX, note))]


def _is_of(part: Formula, functions: set[Symbol]) -> TypeGuard[Call]:
    return isinstance(part, Call) and part.function in functions


def _with_layers_above(
    found: list[tuple[Formula, str]], chain: Chain, text: str, letters: Letters
) -> list[tuple[Formula, str]]:
    """`δ² = …`, `W¹ x`: numbers above letters may be layers, and are where they are no powers that anybody takes."""
    raised = [x for f, _ in found[:1] for x in f.parts if isinstance(x, Binary) and x.sign == "^"]
    powers = [(x.left.name, x.right) for x in raised if isinstance(x.left, Symbol)]
    powers += [
        (x.left.base.name, x.right)  # w^l_{jk}; a_j^2 is a square
        for x in raised
        if isinstance(x.left, Index) and isinstance(x.left.base, Symbol)
        if not isinstance(x.right, Number) or x.right == ONE
    ]
    counted = _counted(powers)
    above = [(name, x) for name, x in powers if name in _ABOVE and (_may_be_layer(x) or counted & _letters_in(x))]
    stated = found[0][0].sides[0] if isinstance(found[0][0], Equation) else found[0][0]
    heads = {part for part in stated.parts if isinstance(part, Binary) and part.sign == "^"}
    if not above or not (heads or any(x != _TWO or name in ("delta", "b") for name, x in above)):
        return found
    others = readings(chain, text, replace(letters, layer="superscript"))
    if any(not isinstance(x, Number) or x == ONE for _, x in above):
        return others  # powers that nobody takes
    layered = [(f, n if any(name in ("delta", "b") for name, _ in above) else _said(_ABOVE_THEM, n)) for f, n in others]
    if layered[0][1].startswith(_ABOVE_THEM):
        return [*found, *layered][:MAX_READINGS]
    return [*layered, *[(f, _said("the numbers above the letters are powers", n)) for f, n in found]][:MAX_READINGS]


def _counted(powers: list[tuple[str, Formula]]) -> set[str]:
    """The letters that number layers above weights and, one more or less, above values: j of `z^j = W^j a^{j-1}`."""
    shifted = {
        x.left.name
        for name, x in powers
        if name in _ABOVE - _WEIGHTS and isinstance(x, Binary) and x.sign in "+-" and x.right == ONE
        if isinstance(x.left, Symbol)
    }
    weighted = set().union(*(_letters_in(x) for name, x in powers if name in _WEIGHTS))
    return shifted & weighted


def _letters_in(part: Formula) -> set[str]:
    return {s.name for s in symbols(part)}


def _changes_stand_upright(chain: Chain, text: str) -> bool:
    r"""Whether an upright d stands on both sides, `\mathrm{d}z = W \mathrm{d}x`, where it may be a small change."""
    if len(chain.sides) != 2 or len(_UPRIGHT.findall(text)) < 2:
        return False
    left = single(Chain(chain.sides[:1], []))
    return left is not None and len(left) == 1 and left[0].factor.kind == "name" and left[0].factor.value[0] == "d"


def _said(note: str, more: str) -> str:
    return f"{note}; {more}" if more else note


def _may_be_layer(exponent: Formula) -> bool:
    """`2`, `l`, `L - 1`."""
    if isinstance(exponent, Binary) and exponent.sign in "+-" and exponent.right == ONE:
        exponent = exponent.left
    if isinstance(exponent, Number):
        return exponent.value.denominator == 1 and 0 <= exponent.value < 10
    return isinstance(exponent, Symbol) and exponent.name in ("l", "L")


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
    if found and all(s.tokens[0].type == "REL" and s.condition is None and not s.unread for s in found[1:]):
        return replace(found[0], tokens=[t for s in found for t in s.tokens])  # `a = b \\ = c`, one chain
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
    if statement.unread:
        raise _unread(statement.unread)
    if tokens[0].type == "REL":
        tokens = [Token("NAME", "", tokens[0].start, tokens[0].start), *tokens]
    compared = compared_at_the_end(tokens)
    chain = parse(tokens if compared is None else compared[0], text)
    if (function := defined_function(chain)) and not steps_of(chain, letters):
        letters = replace(letters, functions=letters.functions | {function})
    found = readings(chain, text, letters)
    if any(t.value == EXPECTATION for t in tokens):
        check_about_losses(found[0][0])
    if letters.network and any(t.type == "IDX" for t in tokens):
        found = [(with_counted_components(f), note) for f, note in found]
    if letters.network and any(t.type == "SUMOP" for t in tokens):
        found += _with_numbered_columns(found)
    if any(t.type == "SUMOP" for t in tokens):
        found += _with_softmax(found)
    if letters.network and (named := with_named_losses(found[0][0])):
        notes = found[0][1], _said(_NAMED, found[0][1]), _said(_AVERAGED, found[0][1])
        found = [*zip(named, notes, strict=True), *found[1:]][:MAX_READINGS]
    if letters.layer == "brackets" and not _has_layers_in_brackets(tokens):
        found = _with_layers_in_parentheses(found, chain, text, letters)
        found = _with_layers_above(found, chain, text, letters)
    if not letters.differentials and _changes_stand_upright(chain, text):
        known = [f for f, _ in found]
        changed = readings(chain, text, replace(letters, differentials=True))[:1]
        found += [(f, _said(_CHANGES, n)) for f, n in changed if f not in known]
    if compared is not None:
        found += [(f, _REMARK) for f, _ in readings(parse(compared[1], text), text, letters)[:1]]
    equations = [(f if isinstance(f, Equation) else Equation((f,)), note) for f, note in found]
    if statement.condition is not None:
        equations = [(_under(f, statement.condition, text, letters), note) for f, note in equations]
    return [Reading(f, note) for f, note in equations]
