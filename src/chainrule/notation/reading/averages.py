r"""Expectations, `\mathbb E[dz a^T]` and `⟨dz aᵀ⟩`: means over the samples of what has a value for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...errors import FormulaError
from ..formula import ONE, Binary, Bound, Formula, Index, Partial, Sum, Symbol, symbols
from ..letters import Letters
from .parts import DATA, PER_SAMPLE, WITH_LAYER
from .tokens import is_differential

EXPECTATION = "expectation"
_NUMBERS = [Symbol(x) for x in ("i", "s", "n", "k", "j", "r")]
_LOSSES = frozenset({"L", "ell", "l", "E"})
_OF_ONE = (PER_SAMPLE | _LOSSES) - {"g"}
_OF_ALL = frozenset(x for x in DATA | WITH_LAYER if x.removeprefix("d")[:1].isupper()) - {"W", "dW", "B", "Delta"}
_SAMPLES = Symbol("m")


def expectation(body: Formula, below: Formula | None, letters: Letters) -> Formula:
    r"""1/m times the sum over the samples of `body`; `below` is what stands below the sign, i of `\mathbb E_i`.

    FormulaError outside of networks, and for a body that has no value for each sample.
    """
    if not letters.network or letters.rename.get("m", "m") != "m":
        raise FormulaError("an expectation is read only of quantities of the samples of a network: write out its sum.")
    given = {s.sample for s in symbols(body) if s.sample is not None}
    if len(given) > 1 or any(s.name in _OF_ALL for s in symbols(body)):
        raise FormulaError(
            "an expectation is read only of quantities of one sample, in small letters: write it as a mean or a sum."
        )
    used = {s.name for s in symbols(body)}
    free = next(x for x in (*_NUMBERS, Symbol("samples")) if x.name not in used)
    number = given.pop() if given else below if below in _NUMBERS and below is not None else free
    numbered = _of_sample(body, number)
    if number not in numbered.parts:
        raise FormulaError("an expectation is read only of quantities that differ from sample to sample.")
    return Binary("*", Binary("/", ONE, _SAMPLES), Sum(numbered, (Bound(number, ONE, _SAMPLES),)))


def check_about_losses(formula: Formula) -> None:
    """FormulaError for a mean of random quantities, `E[x] = 0`: what is assumed of them, and no loss or gradient."""
    names = set(_quantities(formula))
    differentiated = any(isinstance(x, Partial) for x in formula.parts) or any(map(is_differential, names))
    if not differentiated and names.isdisjoint(_LOSSES | {"J", "C", "delta", "Delta", "epsilon", "nabla"}):
        raise FormulaError("an expectation of random quantities is assumed or found by experiment, not judged here.")


def _quantities(part: Formula) -> Iterator[str]:
    """The names in a formula, but for those in layers, places and limits of sums."""
    if isinstance(part, Symbol):
        yield part.name
        return
    inner = (part.base,) if isinstance(part, Index) else (part.body,) if isinstance(part, Sum) else part.children
    for x in inner:
        yield from _quantities(x)


def _of_sample(part: Formula, number: Formula) -> Formula:
    """A part with the number of the sample at every letter that has a value for each, but for its layers and places."""
    if isinstance(part, Symbol):
        return replace(part, sample=number) if part.name in _OF_ONE and part.sample is None else part
    if isinstance(part, Index):
        return replace(part, base=_of_sample(part.base, number))
    if isinstance(part, Sum):
        return replace(part, body=_of_sample(part.body, number))
    if isinstance(part, Partial):
        by = part.denominator
        return Partial(_of_sample(part.numerator, number), _of_sample(by, number))
    return part.rebuilt(tuple(_of_sample(x, number) for x in part.children))
