"""What a formula may be about: its plain meanings, and everything else that may have been meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, combinations, product
from typing import Any

from ..meaning.values import NoValueError
from ..notation.formula import Binary, Call, Equation, Index, Number, Symbol, Transpose
from .attempt import Attempt, has_small_letters, keeps_widths
from .conditions import (
    as_cost,
    dots,
    has_outputs,
    penalty_of,
    read_otherwise,
)
from .conventions import conventions, two_of
from .definitions import definitions_of
from .habits import changes_the_loss, leading_up, names_the_derivative, with_bias_columns
from .parts import places, summed_call
from .subscripts import counts_one_by_one, names_two_units
from .verdict import NO_NETWORK
from .worlds import (
    PAIRS,
    Survey,
    highest_layer,
    may_be_one_unit,
    widths_of,
    with_output,
)


def attempts(taken: Sequence[tuple[Equation, str]], base: Attempt, samples: str, survey: Survey) -> Iterator[Attempt]:
    """Everything else that may have been meant: one change first, then two."""
    decays, refused = base.depth > 0 and penalty_of(base.tree) is not None, base.declared.refused
    for attempt in _attempts(taken, replace(base, condition=""), samples, survey):
        if any(words in attempt.condition for words in refused):
            continue
        if decays and attempt.convention.penalty is None:
            continue  # without the penalty it is not what was meant
        yield replace(attempt, condition=_both(base.condition, attempt.condition)) if base.condition else attempt


def _attempts(taken: Sequence[tuple[Equation, str]], base: Attempt, samples: str, survey: Survey) -> Iterator[Attempt]:
    plain, declared = base.tree, base.declared
    trees = [(note or "it is read otherwise", tree) for tree, note in taken[1:]]
    one_layer = declared.network not in (None, NO_NETWORK) and base.depth == 1
    others = list(read_otherwise(plain, base.code))
    trees += [("" if v.filled and one_layer else v.condition, v.tree) for v in others]
    up = leading_up(plain) if declared.network is None and not declared.letters.rename else None
    if up is not None:
        trees.append(("W[l] and b[l] lead from layer l to layer l + 1", up))
    if _counts_a_diagonal(plain) and survey.first is not None and survey.first.status == "shape":
        common = replace(base.convention, common_range=True)
        yield replace(base, condition="", note="an index that stands for two runs as far as both", convention=common)
    if survey.failed and survey.dotted:
        for v in dots(plain):
            note = f"{v.condition}: its factors do not fit as a product of matrices"
            yield replace(base, condition="", note=note, tree=v.tree)
    if base.depth == 0 and _asks_positive(plain):
        positive = replace(base.convention, signs="positive")
        yield replace(base, condition="the numbers are positive", convention=positive)
    if base.depth == 0 and not base.convention.rows and _has_softmax_of_a_matrix(base):
        rows = replace(base.convention, rows=True)
        yield replace(base, condition="the soft-max is taken of each row", convention=rows)
    if base.depth and (declared.network is None or declared.any_widths) and counts_one_by_one(plain):
        words = "the units that are written one by one are all that there are"
        written = replace(base, condition=words, convention=replace(base.convention, written=True))
        yield written
        if samples == "batch" and declared.samples is None and has_small_letters(plain):
            of_one = replace(written.convention, samples="one")
            yield replace(written, condition=_both(words, "there is one sample (m = 1)"), convention=of_one)
    if changes_the_loss(plain) and not base.convention.differentials:
        changing = replace(base.convention, differentials=True)
        yield replace(base, condition="dX is the differential of X", convention=changing)
    if names_the_derivative(plain):
        yield replace(base, condition="L stands for the cost", tree=as_cost(plain))
    square = [name for name, (rows, cols) in base.shapes if rows == cols > 1]
    if square and set(square) <= _of_quadratic_forms(plain):
        words = f"{', '.join(square)} {'is' if len(square) == 1 else 'are'} symmetric"
        yield replace(base, condition=words, convention=replace(base.convention, symmetric=True))
    yield from _of_other_shapes(base)
    beside = entry_by_entry(base)
    if beside is not None:
        yield beside
    if declared.layout == "numerator":
        words = "a derivative by a matrix has the shape of its transpose, as in numerator layout"
        turned = replace(base.convention, transposed_gradients=True)
        yield replace(base, condition="", note=words, convention=turned)
    changes = list(conventions(declared, samples, plain, base.code))
    biases = with_bias_columns(plain)
    for words, change in [("", {}), *changes, *two_of(changes)] if biases is not None else ():
        convention = replace(base.convention, **change)
        if convention.rows and biases is not None:
            yield replace(base, condition=_both(words, "b is a column"), tree=biases, convention=convention)
    for words, tree in trees:
        yield replace(base, condition=words, tree=tree)
    for words, change in changes:
        yield replace(base, condition=words, convention=replace(base.convention, **change))
    if declared.network is not None and keeps_widths(base):
        widths = widths_of(declared.network)
        words = ", ".join(f"n_{i} = {n}" for i, n in enumerate(widths))
        own = replace(base, note=f"it holds for {words}", own=True)
        yield own
        for more, change in changes:
            if change.keys() <= {"samples", "rows", "place"}:
                yield replace(own, condition=more, convention=replace(base.convention, **change))
    where = list(_networks(base))
    for move in where:
        yield move(base)
    if "!=" in plain.relations and declared.network not in (None, NO_NETWORK):
        other = replace(declared, network=with_output(declared.network, "softmax"), loss=None)
        yield replace(base, condition="the output layer is a soft-max", declared=other)
    if survey.vectorial and survey.failed and declared.network is not None:
        other = replace(declared, network=with_output(declared.network, "sigmoid"), loss=declared.loss)
        yield replace(base, condition=ENTRYWISE, declared=other)
    for words, tree in trees:
        for again in read_otherwise(tree, base.code):
            yield replace(base, condition=_both(words, again.condition), tree=again.tree)
    for move in _two(changes):
        yield move(base)
    readings = [Move("tree", words, partial(_with, tree=tree)) for words, tree in trees]
    several = [*(Move(_kind(c), w, partial(_under, change=c)) for w, c in changes), *_two(changes)]
    pairs = chain(product([*readings, *several], where), combinations(where, 2), product(readings, several))
    for one, two in pairs:
        if one.kind != two.kind and {one.kind, two.kind} != {"layout", "outputs"}:  # of one unit a row is no mistake
            yield two(one(base))


@dataclass(frozen=True)
class Move:
    """One thing that may have been meant, to be combined with those of other kinds.

    words  its condition; `change` what it makes of an attempt
    """

    kind: str
    words: str
    change: Callable[[Attempt], Attempt]

    def __call__(self, attempt: Attempt) -> Attempt:
        return replace(self.change(attempt), condition=_both(attempt.condition, self.words))


def _with(attempt: Attempt, **changes: Any) -> Attempt:
    return replace(attempt, **changes)


def _under(attempt: Attempt, change: Mapping[str, Any]) -> Attempt:
    return replace(attempt, convention=replace(attempt.convention, **change))


def _two(changes: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[Move]:
    """Two conventions of one program."""
    for words, change in two_of(changes):
        yield Move(_kind(change), words, partial(_under, change=change))


def _kind(change: Mapping[str, Any]) -> str:
    return "layout" if "layout" in change else ""


def _networks(base: Attempt) -> Iterator[Move]:
    """What networks a formula may be about where none is declared: how deep, with how many outputs, of which kind."""
    plain, highest = base.tree, highest_layer(base.tree)
    undeclared = base.declared.network is None
    if undeclared and 1 < highest < base.depth:
        words = f"layer {highest} is the last (L = {highest})"
        yield Move("depth", words, partial(_with, depth=highest))
    told = has_outputs(plain) or _sums_everything(plain)
    open_widths = (undeclared or base.declared.any_widths) and not base.numbers and base.depth > 0
    if open_widths and told and may_be_one_unit(base.declared) and not names_two_units(plain):
        yield Move("outputs", "there is one output unit", partial(_with, numbers=1))
    if not undeclared:
        return
    if base.declared.output:
        yield Move("kind", "", partial(_alike, kind=base.declared.output, loss=None))
    elif base.numbers in (0, 3) or base.depth == 1:
        losses = (None, "quadratic", "sum_of_squares") if has_outputs(plain) and base.declared.loss is None else (None,)
        kinds = [k for k in _kinds(plain) if base.depth > 1 or k not in _OUTPUTS]  # those are tried as outputs
        for kind, loss in product(kinds, losses):
            yield Move("kind", "", partial(_alike, kind=kind, loss=loss))


def _sums_everything(tree: Equation) -> bool:
    """`np.sum(dZ2)`, which of one unit is the sum over the samples."""
    return any(summed_call(x) and isinstance(x, Call) and len(x.arguments) == 1 for x in tree.parts)


def _alike(base: Attempt, kind: str, loss: str | None) -> Attempt:
    network = f"3-{'-'.join(f'{i + 4}:{kind}' for i in range(base.depth))}"
    declared = replace(base.declared, network=network, loss=loss or base.declared.loss)
    return replace(base, declared=declared, kind=kind)


def _of_other_shapes(base: Attempt) -> Iterator[Attempt]:
    """`softmax(z)_1 = σ(z_1 - z_2)`: z has two entries."""
    columns = [name for name, (rows, cols) in base.shapes if cols == 1 < rows]
    numbers = {e.value for x in base.tree.parts if isinstance(x, Index) for e in x.entries if isinstance(e, Number)}
    if columns and len(columns) == len(base.shapes) and max(numbers, default=0) in (1, 2) and 0 not in numbers:
        words = f"{', '.join(columns)} {'has' if len(columns) == 1 else 'have'} two entries"
        yield replace(base, condition=words, shapes=tuple((name, (2, 1)) for name in columns))


def _of_quadratic_forms(tree: Equation) -> set[str]:
    """A of xᵀ A x, which people take for symmetric without saying so."""
    found = set()
    for part in tree.parts:
        match part:
            case Binary(_, Binary(_, Transpose(x), Symbol(name)), y) if x == y:
                found.add(name)
            case Binary(_, Transpose(x), Binary(_, Symbol(name), y)) if x == y:
                found.add(name)
    return found


def _has_softmax_of_a_matrix(base: Attempt) -> bool:
    """The formula, or a definition of the document, takes a soft-max of a matrix; of a row of one number it is 1."""
    formulas = (base.tree, *definitions_of(base.declared).values())
    called = [x for tree in formulas for x in tree.parts if isinstance(x, Call) and x.function == Symbol("softmax")]
    world = base.worlds.cases[0].worlds[0]
    try:
        return bool(called) and all(min(world.value(x.arguments[0]).shape) > 1 for x in called)
    except NoValueError:
        return False


def _asks_positive(tree: Equation) -> bool:
    """It has a logarithm, a root or a power that is no whole number, which negative numbers have not."""
    for part in tree.parts:
        if isinstance(part, Call) and isinstance(part.function, Symbol) and part.function.name in ("ln", "log", "sqrt"):
            return True
        if isinstance(part, Binary) and part.sign == "^":
            whole = isinstance(part.right, Number) and part.right.value.denominator == 1
            if not whole:
                return True
    return False


def _both(words: str, more: str) -> str:
    return f"{words}, and {more}" if words and more else words or more


def entry_by_entry(base: Attempt) -> Attempt | None:
    """`σ(z)(1 - σ(z))`: factors without a sign between them that cannot be multiplied as matrices; None if all can."""
    world, tree = base.worlds.cases[0].worlds[0], base.tree
    binding = base.worlds.binding(tree)
    if binding is None or all(not isinstance(x, Binary) or x.sign != " " for x in tree.parts):
        return None
    columns = True
    for _ in range(_MOST_BESIDE):
        found = world.compare(tree, binding)
        part = tree.at(found.path) if found.status == "shape" and found.path else None
        if found.path is None or not isinstance(part, Binary) or part.sign != " ":
            break
        left, _, right = found.message.partition(" times ")
        if left != right:
            return None
        columns = columns and left.endswith(" × 1")
        changed = tree.replaced(found.path, Binary("∘", part.left, part.right))
        assert isinstance(changed, Equation)
        tree = changed
    words = "what stands side by side and does not fit as a product of matrices is multiplied entry by entry"
    if tree == base.tree:
        return None
    alike = any(isinstance(x, Binary) and x.sign == " " for x in tree.parts)  # products of matrices are written so too
    if columns and not alike:  # of two columns of one size there is no other product of that size
        return replace(base, condition="", note=words, tree=tree)
    return replace(base, condition=words, tree=tree)


_MOST_BESIDE = 4


def alike(base: Attempt) -> Iterator[Attempt]:
    """Networks of one kind of activation, where the formula names one or writes its derivative by the value."""
    for move in _networks(base):
        if move.kind == "kind":
            same = move(base)
            if same.declared.loss == base.declared.loss:
                yield replace(same, condition=f"all activations are {same.kind}")


def _kinds(tree: Equation) -> tuple[str, ...]:
    """Activations that a formula which names no g may be about: by its functions, a (1 - a), 1 - a^2, or z > 0."""
    called = {p.part.name for p in places(tree) if isinstance(p.part, Symbol) and p.role == "function"}
    by_value = any(isinstance(p.part, Binary) and p.part.sign in "-^" and p.role == "operand" for p in places(tree))
    smooth, rectified = called & {"sigmoid", "sigma", "sig", "tanh"} or by_value, called & _RECTIFIED
    if called & {"g", "f", "h", "phi"}:
        return ()
    named = tuple(sorted(called & _OTHERS))
    slope = any(isinstance(x, Number) and 0 < x.value < 1 for x in tree.parts)
    rectifiers = ("relu", "leaky_relu")[: 1 + slope] if rectified else ()
    return (("sigmoid", "tanh") if smooth else ()) + rectifiers + named


_OUTPUTS = frozenset(output for _, output, _ in PAIRS)
_OTHERS = frozenset({"elu", "gelu", "leaky_relu", "mish", "selu", "silu", "softplus", "softsign"})
_RECTIFIED = frozenset({"relu", "step", "greater", "less", "where", "max", "maximum"})


def _counts_a_diagonal(tree: Equation) -> bool:
    """`W_kk`: one letter for row and column."""
    pairs = (p.part.entries for p in places(tree) if isinstance(p.part, Index) and len(p.part.entries) == 2)
    return any(a == b and isinstance(a, Symbol) for a, b in pairs)


ENTRYWISE = "g acts entry by entry, which the soft-max does not"
