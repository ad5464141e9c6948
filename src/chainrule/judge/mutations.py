"""The mistakes that people make in formulas of backpropagation, as edits of a written formula.

Every edit changes one part of the tree and names the mistake that it would mend. The edits are generated from the tree
alone (every symbol, every operator, on both sides); whether one mends the formula is decided elsewhere, by numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ..meaning.compare import ZERO
from ..notation.formula import (
    ONE,
    Binary,
    Bound,
    Call,
    Equation,
    Formula,
    Index,
    Negate,
    Partial,
    Path,
    Slice,
    Symbol,
    Transpose,
    symbols,
)
from .budget import PER_TREE, Budget
from .mistakes import chain, derivatives, entries, factors, letters, products, sums
from .mistakes.setting import Change, Setting
from .parts import LAYERED, PRODUCTS, Place, is_derivative, is_scalar

# Which of several equally small mendings is named first.
PLAUSIBLE = (
    "undefined-symbol",
    "wrong-layer-index",
    "missing-transpose",
    "sign",
    "missing-1/m",
    "doubled-1/m",
    "gradient-used-for-weight",
    "derivative-used-for-function",
    "function-used-for-derivative",
    "missing-activation-derivative",
    "activation-derivative-at-wrong-place",
    "missing-parentheses",
    "product-vs-sum",
    "wrong-product",
    "outer-product-order",
    "operands-swapped",
    "missing-sum",
    "superfluous-sum",
    "sum-axis",
    "factor-2",
    "missing-square",
    "wrong-index",
    "wrong-operand",
    "other",
)
_RANK = {cause: i for i, cause in enumerate(PLAUSIBLE)}

Rule = Callable[[Place, Setting], Iterator[Change]]
RULES: tuple[Rule, ...] = (
    letters.layer_of_call,
    letters.quantity,
    letters.throughout,
    letters.layers_throughout,
    letters.applied,
    letters.missing_weight,
    entries.entries,
    entries.entries_throughout,
    entries.letters_exchanged,
    entries.beside_the_sum,
    entries.missing_index,
    letters.updates,
    letters.functions,
    letters.complements,
    letters.complements_exchanged,
    letters.value_for_derivative,
    products.transposes,
    factors.sign,
    factors.missing_factor,
    factors.superfluous_factor,
    derivatives.missing,
    derivatives.half,
    derivatives.complement,
    derivatives.written_out,
    derivatives.missing_before,
    derivatives.cancelled,
    derivatives.of_another,
    derivatives.in_own_letters,
    chain.inner,
    chain.link,
    chain.itself,
    chain.gradients,
    chain.penalty,
    products.operators,
    products.parentheses,
    sums.sums,
    factors.numbers,
    factors.delta,
    factors.powers,
)


@dataclass(frozen=True)
class Edit:
    """One change of a formula: the mistake that it mends, the place, and the formula after it.

    path         the part of the formula that is changed, `before` and `after` the change
    size         1 for a slip of the pen; larger for changes that write a new part
    explanation  what is wrong there, in words
    """

    cause: str
    path: Path
    tree: Equation
    size: float
    explanation: str
    before: Formula
    after: Formula

    @cached_property
    def parts(self) -> dict[int, Path]:
        """Where the objects in `after` stand, so that one of `before` is found again there."""
        return {id(part): path for path, part in self.after.walk()}

    @property
    def rank(self) -> tuple[float, int, int, int, Path]:
        """Order among edits: smaller first, then right sides, then the plausible mistake; a minus before all last."""
        left = 1 if self.path[:1] == (0,) else 0
        minus = 1 if isinstance(self.after, Negate) and self.after.operand is self.before else 0
        return self.size, left, _RANK.get(self.cause, 99), minus, self.path


def edits(
    equation: Equation,
    *,
    unknown: frozenset[str] = frozenset(),
    declared: tuple[Formula, ...] = (),
    told: bool = True,
    definitions: Mapping[str, Formula] | None = None,
    penalty: Formula | None = None,
    budget: Budget | None = None,
) -> list[Edit]:
    """Every single edit of a formula, smallest and most plausible first; of equal results only the first.

    unknown   names that mean nothing: what replaces them mends an undefined symbol
    declared  what the letters of the document stand for, where each is one quantity
    told      the network is declared, so that the activations of its layers are known
    definitions  of the document, by the letter at the left
    penalty   what multiplies W in the derivative of the declared penalty; None: there is none
    budget    what making them may cost; None: all are made
    """
    found: list[Edit] = []
    setting = Setting(equation, unknown, declared, told, definitions or {}, penalty)
    cost = PER_TREE * len(setting.places)
    for place in setting.places:
        for cause, after, size, explanation in _changes(place, setting):
            if budget is not None:
                budget.spend(cost)
                if budget.spent:
                    break
            if after == place.part:
                continue
            tree = equation.replaced(place.path, after)
            assert isinstance(tree, Equation)
            found.append(Edit(cause, place.path, tree, size, explanation, place.part, after))
    found.sort(key=lambda e: e.rank)
    seen: set[Equation] = {equation}
    kept: list[Edit] = []
    for e in found:
        if e.tree not in seen and not trivial(e.tree, equation):
            seen.add(e.tree)
            kept.append(e)
    return kept


def _changes(place: Place, setting: Setting) -> Iterator[Change]:
    if place.role in ("layer", "bound") or isinstance(place.part, Equation | Bound | Slice):
        return
    if place.role == "index":
        yield from entries.index(place.part, setting)
    elif place.role == "function":
        yield from letters.function(place.part, setting)
    else:
        for rule in RULES:
            yield from rule(place, setting)


def trivial(tree: Equation, original: Equation) -> bool:
    """A mending that says nothing: a side became the copy of another, or what is left only says what a letter means.

    In an identity between two writings of one thing a copy is what a mending makes, if it moves parentheses alone.
    """
    if _defines(tree) and not _defines(original):
        return True
    if _says_itself(tree, original) or _vanishing(tree) - _vanishing(original) or _ones(tree) > _ones(original):
        return True
    if _of_gradients(tree) > _of_gradients(original):
        return True
    if _is_transposed(*tree.sides[:2]) and not _is_transposed(*original.sides[:2]):
        return True  # `f(z)ᵀ = f(z)`
    if len(set(tree.sides)) < len(set(original.sides)):
        twice = [x for x in tree.sides if tree.sides.count(x) > 1]
        lone = any(isinstance(x, Symbol | Index | Partial) or is_derivative(x) for x in twice)
        if lone or _calls(tree) != _calls(original):
            return True
    meant = {_meant(s) for s in tree.sides}
    if len(meant) == len({_meant(s) for s in original.sides}) or (len(tree.sides) > 2 and len(meant) > 1):
        return False
    if len(tree.sides) == 2 and _names_a_derivative(tree) and _names_a_derivative(original):
        return False  # `dz = ∂L/∂z`, of `dz = 2 ∂L/∂z`: it says no more than that
    names = [sorted(x.name for x in symbols(side)) for side in original.sides]
    return isinstance(original.sides[0], Symbol | Index | Partial) or any(x != names[0] for x in names)


def _is_transposed(side: Formula, other: Formula) -> bool:
    """One side is the transpose of the other."""
    return Transpose(other) == side or Transpose(side) == other


def _vanishing(tree: Equation) -> set[Formula]:
    """`y - y`, `a / a`, `a - 0`, `w_ii` at the left: what nobody writes."""
    found: set[Formula] = {x for x in tree.parts if isinstance(x, Binary) and _is_idle(x)}
    left = tree.sides[0].parts
    return found | {x for x in left if isinstance(x, Index) and len(set(x.entries)) < len(x.entries)}


def _is_idle(part: Binary) -> bool:
    if part.sign in "+-" and ZERO in (part.left, part.right):
        return True
    return part.sign in "-/" and part.left == part.right


def _ones(tree: Equation) -> int:
    """How often it multiplies with 1."""
    return sum(isinstance(x, Binary) and x.sign in PRODUCTS and ONE in (x.left, x.right) for x in tree.parts)


def _of_gradients(tree: Equation) -> int:
    """How many derivatives are of a gradient or by one, `∂J/∂(dW)`: nobody means these."""
    letters = ((x.base if isinstance(x, Index) else x for x in (p.numerator, p.denominator)) for p in _partials(tree))
    return sum(any(isinstance(x, Symbol) and x.name in _GRADIENTS for x in pair) for pair in letters)


_GRADIENTS = frozenset(x for x in LAYERED if x[:1] == "d") | {"dw"}


def _partials(tree: Equation) -> list[Partial]:
    return [x for x in tree.parts if isinstance(x, Partial)]


def _names_a_derivative(tree: Equation) -> bool:
    """A letter for a gradient on one side, and on the other, but for numbers, the derivative of a loss."""
    sides = [_core(x) for x in tree.sides]
    letters = [x.base if isinstance(x, Index) else x for x in sides]
    of_a_loss = any(isinstance(x, Partial) and x.numerator in _COSTS for x in sides)
    return of_a_loss and any(isinstance(x, Symbol) and x.name in _GRADIENTS for x in letters)


def _core(side: Formula) -> Formula:
    """x of `2 x`, `-x` and `x + 1`."""
    if isinstance(side, Negate):
        return _core(side.operand)
    if isinstance(side, Binary) and side.sign != "^" and is_scalar(side.left) != is_scalar(side.right):
        return _core(side.right if is_scalar(side.left) else side.left)
    return side


def _calls(tree: Equation) -> set[Formula]:
    return {x for x in tree.parts if isinstance(x, Call)}


def _says_itself(tree: Equation, original: Equation) -> bool:
    """`dW = 1/2 (X + dW)`, `yhat = ln(exp(Yhat))`: what stands left is an operand at the right, and it is no update."""
    left = tree.sides[0]
    base = left.base if isinstance(left, Index) else left
    if tree.relations[:1] != ("=",) or not isinstance(base, Symbol) or base.name in ("W", "w", "b"):
        return False
    if base.name[:1] == "d" and any(left in side.parts for side in tree.sides[1:]):
        return True
    same = {"A": "Yhat", "a": "yhat", "Yhat": "A", "yhat": "a"}.get(base.name)  # Ŷ is A[L]
    if len(tree.sides) == 2 and same and _names_right(same, tree) and not _names_right(same, original):
        return True
    return _occurs(base, tree) and not _occurs(base, original)


def _names_right(name: str, equation: Equation) -> bool:
    return any(x.name == name for side in equation.sides[1:] for x in symbols(side))


def _occurs(letter: Symbol, equation: Equation) -> bool:
    """Whether a quantity stands at the right, for one sample or for all."""
    same = (letter.name.lower(), letter.layer)
    inner = (x for side in equation.sides[1:] for x in side.parts)
    return any(isinstance(x, Symbol) and (x.name.lower(), x.layer) == same for x in inner)


_COSTS = (Symbol("L"), Symbol("J"), Symbol("C"))


def _meant(side: Formula) -> Formula:
    """The side without factors 1, and ∂L/∂x as dx."""
    if isinstance(side, Binary) and side.sign in PRODUCTS and ONE in (side.left, side.right):
        return _meant(side.right if side.left == ONE else side.left)
    if isinstance(side, Partial) and side.numerator in _COSTS and isinstance(side.denominator, Symbol):
        return Symbol(f"d{side.denominator.name}", side.denominator.layer, side.denominator.sample)
    return side


def _defines(tree: Equation) -> bool:
    """`Yhat = A[2]`, `A[0] = X`: one letter for another."""
    sides = [_meant(s) for s in tree.sides]
    names = {s.name for s in sides if isinstance(s, Symbol)}
    return len(sides) == 2 and all(isinstance(s, Symbol) for s in sides) and bool(names & {"Yhat", "yhat", "X", "x"})
