"""A written formula as one line of ASCII that is read back as the very same tree.

`notation.write` is for reading: it drops parentheses and joins signs where the value is the same, so that a mending
which only moves a parenthesis, or writes `*` for `·`, would look like the formula that it mends.
"""

from __future__ import annotations

from fractions import Fraction

from ..notation.formula import (
    Array,
    At,
    Binary,
    Bound,
    Call,
    Cases,
    Dots,
    Equation,
    Formula,
    Index,
    Negate,
    Number,
    Partial,
    Slice,
    Sum,
    Symbol,
    Transpose,
)
from .regroup import BINDING

_SIGNS = {"·": " . ", " ": " ", "∘": " * ", "⊗": " ⊗ ", "^": "^"}
_MINUS = 2
_SUM = 2


def written(part: Formula) -> str:
    """`dW[2] = 1/m * dZ[2] @ A[1].T`."""
    return _text(part, 0)


def _in(text: str, binding: int, least: int) -> str:
    return f"({text})" if binding < least else text


def _text(part: Formula, least: int) -> str:
    """The text of a part, in parentheses if it binds less than `least`."""
    match part:
        case Equation(sides=sides, relations=relations):
            text = _text(sides[0], 0) if sides else ""
            for relation, side in zip(relations, sides[1:], strict=False):
                text += f" {relation} {_text(side, 0)}"
            return text
        case Number(value=value):
            if value.denominator == 1:
                return _in(str(value.numerator), 9 if value >= 0 else _MINUS, least)
            decimal = Fraction(repr(float(value)))
            if decimal == value:
                return _in(repr(float(value)), 9 if value >= 0 else _MINUS, least)
            return _in(f"{value.numerator}/{value.denominator}", 3, least)
        case Symbol():
            return _symbol(part)
        case Slice():
            return ":"
        case Index(base=base, entries=entries):
            return f"{_text(base, 8)}[{', '.join(_text(e, 0) for e in entries)}]"
        case Call(function=function, arguments=arguments, names=names):
            return _call(function, arguments, names)
        case Negate(operand=operand):
            return _in(f"-{_text(operand, _MINUS + 1)}", _MINUS, least)
        case Binary(sign=sign, left=left, right=right):
            own = BINDING[sign]
            if sign == "^":
                return _in(f"{_text(left, 8)}^{_text(right, 8)}", own, least)
            if sign == "/":
                tight = isinstance(left, Number | Symbol) and isinstance(right, Number | Symbol)
                joint = "/" if tight else " / "
                return _in(f"{_text(left, own)}{joint}{_text(right, own + 1)}", own, least)
            return _in(f"{_text(left, own)}{_SIGNS.get(sign, f' {sign} ')}{_text(right, own + 1)}", own, least)
        case Transpose(operand=operand):
            return f"{_text(operand, 8)}.T"
        case Bound(index=index, lower=lower, upper=upper):
            text = _text(index, 0) if index is not None else ""
            if lower is not None:
                text += f"={_text(lower, 4)}"
            return text + (f"..{_text(upper, 4)}" if upper is not None else "")
        case Sum(body=body, bounds=bounds):
            return _in(_sum(body, bounds), _SUM, least)
        case Partial(numerator=numerator, denominator=denominator):
            return _partial(numerator, denominator)
        case At(body=body, place=place):
            return _in(f"{_text(body, 8)}|_{{{_text(place, 0)}}}", 8, least)
        case Dots():
            return "..."
        case Array(entries=entries, columns=columns):
            rows = [entries[i : i + columns] for i in range(0, len(entries), max(columns, 1))]
            inner = [", ".join(_text(e, 0) for e in row) for row in rows]
            return f"[{inner[0] if inner else ''}]" if len(rows) < 2 else "[" + ", ".join(f"[{r}]" for r in inner) + "]"
        case Cases(branches=branches, words=words):
            return "; ".join(f"{_text(b, 0)} {w}".strip() for b, w in zip(branches, words, strict=False))
    return str(part)


def _symbol(part: Symbol) -> str:
    text = part.name
    if part.layer is not None:
        text += f"[{_text(part.layer, 0).replace(' ', '')}]"
    if part.prime:
        text += ".prime" if part.prime == 1 else "'" * part.prime
    if part.sample is not None:
        text += f"({_text(part.sample, 0)})"
    return text


def _call(function: Formula, arguments: tuple[Formula, ...], names: tuple[str, ...]) -> str:
    first = len(arguments) - len(names)
    inner = [_text(a, 0) for a in arguments[:first]]
    inner += [f"{n}={_text(a, 0)}" for n, a in zip(names, arguments[first:], strict=True)]
    return f"{_text(function, 8)}({', '.join(inner)})"


def _sum(body: Formula, bounds: tuple[Formula, ...]) -> str:
    inner = _text(body, 3)
    if not bounds:
        return f"sum {inner}"
    plain = all(isinstance(b, Bound) and b.lower is None and b.upper is None for b in bounds)
    if plain and len(bounds) == 1:
        return f"sum_{_text(bounds[0], 0)} {inner}"
    if plain:
        return f"sum_{{{','.join(_text(b, 0) for b in bounds)}}} {inner}"
    text = ""
    for b in bounds:
        assert isinstance(b, Bound)
        low = _text(b.index, 0) if b.index is not None else ""
        low += f"={_text(b.lower, 0)}" if b.lower is not None else ""
        text += f"sum_{{{low}}}" + (f"^{{{_text(b.upper, 0)}}}" if b.upper is not None else "") + " "
    return text + inner


def _partial(numerator: Formula, denominator: Formula) -> str:
    simple = isinstance(numerator, Symbol | Index | Call)
    below = _text(denominator, 8)
    return f"d{_text(numerator, 8)}/d{below}" if simple else f"d/d{below} {_text(numerator, 8)}"
