"""Losses with a name below their letter: `L_{CE}` is the loss of the text, or the cross-entropy by its name."""

from __future__ import annotations

from dataclasses import replace

from .formula import ONE, Binary, Bound, Call, Formula, Index, Sum, Symbol, symbols

_COSTS = frozenset({"L", "J", "C", "E", "l", "loss", "cost"})
_NAMES = {
    "CE": "CE", "CCE": "CE", "XE": "CE", "XENT": "CE", "SCE": "CE", "BCE": "BCE", "NLL": "NLL", "KL": "KL",
    "MSE": "MSE", "SSE": "SSE", "SE": "SSE", "MAE": "MAE",
}  # fmt: skip
_CALLED = frozenset(_NAMES.values())


def with_named_losses(formula: Formula) -> list[Formula]:
    """The formula with L for `L_{CE}`, with CE(yhat, y), and with its mean over samples; none without such a name."""
    if not any(_name(x) for x in formula.parts):
        return []
    of_all = any(s.name in ("Y", "Yhat") for s in symbols(formula))
    called = formula.mapped(lambda x: _called(x, of_all=of_all))
    return [formula.mapped(_plain), called, called.mapped(_averaged)]


def _name(part: Formula) -> str:
    """CE of `L_{CE}` and of `L_CE`; "" for anything else."""
    if isinstance(part, Symbol):
        cost, _, said = part.name.partition("_")
        return _NAMES.get(said.upper(), "") if cost in _COSTS else ""
    if not isinstance(part, Index) or not isinstance(part.base, Symbol) or part.base.name not in _COSTS:
        return ""
    said = "".join(x.name if isinstance(x, Symbol) and x == Symbol(x.name) else "?" for x in part.entries)
    return _NAMES.get(said.upper(), "")


def _loss(part: Formula) -> Symbol:
    """L of `L_{CE}` and of `L_CE`."""
    if isinstance(part, Symbol):
        return replace(part, name=part.name.partition("_")[0])
    assert isinstance(part, Index)
    assert isinstance(part.base, Symbol)
    return part.base


def _plain(part: Formula) -> Formula:
    return _loss(part) if _name(part) else part


def _called(part: Formula, *, of_all: bool) -> Formula:
    if name := _name(part):
        number = _loss(part).sample
        given = ("Yhat", "Y") if of_all else ("yhat", "y")
        return Call(Symbol(name), tuple(Symbol(x, None, number) for x in given))
    if isinstance(part, Call) and isinstance(part.function, Call) and part.function.function in _FUNCTIONS:
        arguments = part.arguments if len(part.arguments) == 2 else part.function.arguments  # L_{CE}(W, b)
        return Call(part.function.function, arguments)
    return part


def _averaged(part: Formula) -> Formula:
    """1/m Σ_i CE(yhat(i), y(i)) for CE(yhat, y), and the mean of the squared distances for MSE."""
    if not isinstance(part, Call) or part.function not in _FUNCTIONS or any(s.sample for s in symbols(part)):
        return part
    assert isinstance(part.function, Symbol)
    name = "SSE" if part.function.name == "MSE" else part.function.name
    of_one = tuple(Symbol(x, None, _SAMPLE) for x in ("yhat", "y"))
    total = Sum(Call(Symbol(name), of_one), (Bound(_SAMPLE, ONE, Symbol("m")),))
    return Binary("*", Binary("/", ONE, Symbol("m")), total)


_SAMPLE = Symbol("i")
_FUNCTIONS = tuple(Symbol(name) for name in _CALLED)
