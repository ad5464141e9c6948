"""The plain meanings of a formula: a network of layers, one layer or one unit, an identity, a step of descent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeGuard

from ..meaning.compare import ZERO
from ..meaning.letters import LOSSES
from ..meaning.matrices import matrix_shapes
from ..meaning.seen import speaks_of_differentials, updated
from ..meaning.values import NoValueError
from ..meaning.world import World
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
    Sum,
    Symbol,
    Transpose,
    symbols,
)
from ..notation.write import exact
from .attempt import Attempt
from .conditions import BATCH, SMALL, as_cost, capitals, has_outputs, is_small, speaks_of_samples, with_layer
from .definitions import definitions_of
from .parts import index_letters, layers_of, places, summed_call
from .subscripts import counts_entries, counts_units, samples_below, written_inputs
from .trees import Trees
from .verdict import NO_NETWORK, Declared
from .worlds import activations, may_be_one_unit, widths_of


def all_numbers(attempt: Attempt) -> bool:
    """The declared network has one unit in each layer: its letters are numbers, and rows and columns are the same."""
    network = attempt.declared.network
    widths = (0,) if network in (None, NO_NETWORK) else widths_of(network)
    return set(widths) == {1} and len(widths) == attempt.depth + 1


def bases_of(taken: Trees, first: Attempt) -> list[tuple[Attempt, Trees]]:
    """The plain meanings of a formula, with its readings in each.

    One that names no layer is about a network of one layer, such as logistic regression: small w is a column as small
    x is, or a row, or all small letters are numbers. Without a network a formula may also be an identity.
    A letter below the quantities of a sample may count the samples.
    """
    if first.declared.network == NO_NETWORK:
        return [(of_any_numbers(first), taken)]
    bases = _bases_of(taken, first)
    added = _accumulated(first.tree)
    if added is not None:
        words = "what is added to the gradient is judged, as for one sample more"
        one = replace(first.convention, samples=first.declared.samples or "one")
        bases = _bases_of([(added, "")], replace(first, tree=added, note=words, convention=one)) + bases
    numbered = samples_below(first.tree)
    if numbered is not None:
        words = "the letter below counts the samples"
        convention = replace(first.convention, samples=first.declared.samples or "batch")
        other = replace(first, tree=numbered, note=words, convention=convention)
        of_samples = [b for b in _bases_of([(numbered, "")], other) if b[0].depth]
        if first.declared.network is None and may_be_one_unit(first.declared) and not counts_entries(numbered):
            unit = "there is one output unit"
            of_samples += [
                (replace(b, numbers=1, note=_noted(unit, b.note)), t) for b, t in of_samples if not b.numbers
            ]
        at = len(bases) - (bases[-1][0].depth == 0)
        bases[at:at] = [(replace(b, note=_noted(words, b.note)), trees) for b, trees in of_samples]
    batch = _of_a_program(first)
    if batch is not None:
        at = len(bases) - (bases[-1][0].depth == 0)
        bases[at:at] = _bases_of([(batch.tree, "")], batch)[:1]
    bases += [step for b, _ in bases if b.depth for step in _steps(b)]
    counted = _counted_by_n(first)
    if counted is not None:
        words = "n is the number of samples"
        back = (*first.back, (Symbol("m"), Symbol("n")))
        other = replace(first, tree=counted, convention=replace(first.convention, samples="batch"), back=back)
        at = len(bases) - (bases[-1][0].depth == 0)
        more = [b for b in bases_of([(counted, "")], other) if b[0].depth]
        bases[at:at] = [(replace(b, note=_noted(words, b.note)), trees) for b, trees in more]
    return bases


def _of_a_program(first: Attempt) -> Attempt | None:
    """`dW2 = np.dot(a1.T, dz2)`, `db2 = dz2.sum(axis=0)`: small letters in a program hold all samples too."""
    tree = first.tree
    along = any(isinstance(x, Call) and "axis" in x.names for x in tree.parts)
    names = {p.part.name for p in places(tree) if isinstance(p.part, Symbol) and p.role == "operand"}
    mixed = bool(names & BATCH) and not first.code  # `Z1 = x @ W1 + b1` is a line of a program
    if not (first.code or along) or first.declared.samples == "one" or mixed or not layers_of(tree):
        return None
    for variation in capitals(tree, anyway=True):
        convention = replace(first.convention, samples="batch")
        return replace(first, tree=variation.tree, condition=variation.condition, convention=convention)
    return None


def _steps(first: Attempt) -> list[tuple[Attempt, Trees]]:
    """A step of stochastic descent: by the loss L in place of the cost, or by one sample i, `W - α dz(i) a(i)ᵀ`."""
    tree = first.tree
    if updated(tree) is None or len(tree.sides) != 2:
        return []
    if any(isinstance(x, Partial) and x.numerator == Symbol("L") for x in tree.parts):
        cost, words = as_cost(tree), "the step goes by L, of one sample or of all"
        back = (*first.back, (Symbol("J"), dict(first.back).get(Symbol("L"), Symbol("L"))))
        return [(replace(first, tree=cost, note=_noted(words, first.note), back=back), [(cost, "")])]
    numbers = {x.sample for x in tree.sides[1].parts if isinstance(x, Symbol) and isinstance(x.sample, Symbol)}
    bound = {b.index for x in tree.parts if isinstance(x, Sum) for b in x.bounds if isinstance(b, Bound)}
    if len(numbers) != 1 or numbers & bound or first.declared.samples == "one":
        return []
    (letter,) = numbers
    plain = tree.mapped(lambda x: replace(x, sample=None) if isinstance(x, Symbol) and x.sample == letter else x)
    assert isinstance(plain, Equation)
    one = replace(first, tree=plain, convention=replace(first.convention, samples="one"))
    words = f"a step for the one sample {exact(letter)}"
    back = (*first.back, *((replace(x, sample=None), x) for x in tree.sides[1].parts if _is_of(x, letter)))
    return [(replace(one, note=_noted(words, first.note), back=back), [(plain, "")])]


def _accumulated(tree: Equation) -> Equation | None:
    """dW = dz aᵀ of `dW += dz aᵀ`, which is done once for each sample."""
    left, right = tree.sides[0], tree.sides[-1]
    letter = left.base if isinstance(left, Index) else left
    if len(tree.sides) != 2 or tree.relations[0] != "<-" or not isinstance(letter, Symbol) or letter.name[:1] != "d":
        return None
    if not isinstance(right, Binary) or right.sign not in "+-" or right.left != left or left in right.right.parts:
        return None
    return Equation((left, right.right if right.sign == "+" else Negate(right.right)), ("=",))


def _is_of(part: Formula, sample: Formula) -> TypeGuard[Symbol]:
    return isinstance(part, Symbol) and part.sample == sample


def _counted_by_n(first: Attempt) -> Equation | None:
    """The formula with m for n, where n is a factor or a bound and nobody said what it is."""
    n, tree = Symbol("n"), first.tree
    known = {*definitions_of(first.declared), *first.declared.free}
    names = {p.part.name for p in places(tree) if isinstance(p.part, Symbol) and p.role in ("operand", "bound")}
    if "n" not in names or names & {"m", "N"} or "n" in known | index_letters(tree) - names:
        return None
    if not any(p.part == n and p.role == "operand" for p in places(tree)):
        return None  # a bound alone may be the number of features
    powers = [x.right for x in tree.parts if isinstance(x, Binary) and x.sign == "^"]
    if any(
        n in part.parts for part in (*powers, *(x.sample for x in tree.parts if isinstance(x, Symbol) and x.sample))
    ):
        return None
    new = tree.mapped(lambda part: Symbol("m") if part == n else part)
    assert isinstance(new, Equation)
    return new


def _noted(words: str, note: str) -> str:
    return "; ".join(dict.fromkeys(x for x in (words, *note.split("; ")) if x))


def _bases_of(taken: Trees, first: Attempt) -> list[tuple[Attempt, Trees]]:
    plain, declared = first.tree, first.declared
    names = {p.part.name for p in places(plain) if isinstance(p.part, Symbol)}
    alone = declared.network is None or len(activations(declared.network)) == 1
    tree, bare = with_layer(plain, ONE)
    only = declared.network is not None and alone and all(x in (ONE, Symbol("L")) for x in layers_of(plain))
    other = layers_of(plain) and not only
    if other or names & {*definitions_of(declared), *declared.free} or not bare or not alone:
        bases = [(first, taken)]
        if _weighs_one_unit(plain, declared):
            column = replace(first.convention, transposed_weights=True)
            bases.insert(0, (replace(first, convention=column, note=_noted("w is a column", first.note)), taken))
        if declared.network is not None and bare and not layers_of(plain) and has_outputs(plain):
            last = replace(
                first, tree=with_layer(plain, Symbol("L"))[0], note=f"{', '.join(bare)}: of the output layer"
            )
            bases.append((last, [(with_layer(t, Symbol("L"))[0], note) for t, note in taken]))
    else:
        small = (bool(names & SMALL) or "w" in names) and _may_be_one_unit(declared)
        several = counts_units(plain) or bool(names & {"W", "dW"})
        small = small and not (declared.network is None and several)
        filled = [(with_layer(t, ONE)[0], note) for t, note in taken]
        if any(isinstance(x, Symbol) and x.layer == ZERO for x in tree.parts):
            first = replace(first, note=_noted("a_j of the layer before is a[0]", first.note))
        sums: dict[str, Any] = {"bare_sum": "samples"} if small else {}  # over its one entry it would be idle
        convention = replace(first.convention, **sums)
        inputs = written_inputs(plain) if declared.network is None or declared.any_widths else 0
        one = replace(first, tree=tree, depth=1, numbers=1 if small else 0, inputs=inputs, convention=convention)
        bases = [(one, filled)]
        small_weights = ("w" in bare or "dw" in bare) and "transposed_weights" not in declared.conventions
        if small_weights or ("dW" not in bare and _weighs_one_unit(tree, declared)):
            column = replace(one.convention, transposed_weights=True)
            bases = [(replace(one, convention=column, note="w is a column"), filled)]
            bases.append((replace(one, note="w is a row"), filled))
        if small and _may_be_numbers(plain):
            bases.append((replace(one, numbers=2, note="all letters are numbers"), filled))
    if declared.network is None and may_be_one_unit(declared):
        bases += _of_numbers(taken, first)
        bases = [*_of_one_feature(first, tree), *bases]
    for b, t in list(bases):
        if speaks_of_samples(b.tree) and not {Symbol("J"), Symbol("C")} & set(b.tree.parts):
            theirs = next(x for x in b.tree.parts if isinstance(x, Symbol) and LOSSES.get(x.name) == "L")
            words = f"{exact(theirs)} is the cost"
            back = (*b.back, (Symbol("J"), dict(b.back).get(theirs, theirs)))
            bases.append((replace(b, tree=as_cost(t[0][0]), note=_noted(words, b.note), back=back), _as_costs(t)))
    operands = {p.part.name for p in places(plain) if isinstance(p.part, Symbol) and p.role == "operand"}
    free = declared.network is None or len(operands) == 1  # of one letter alone it is about functions
    about = not names & _GRADIENTS or speaks_of_differentials(plain)
    if not layers_of(plain) and about and free:
        bases.append((replace(of_any_numbers(first), note="an identity: it holds for any numbers"), taken))
    return bases


def _of_numbers(taken: Trees, first: Attempt) -> Iterator[tuple[Attempt, Trees]]:
    """A network of one unit in each layer, where small w stand between numbers: `z_2 = w_2 a_1 + b_2`."""
    for i, (tree, note) in enumerate(taken):
        layers = layers_of(tree)
        names = {x.name for x in tree.parts if isinstance(x, Symbol)}
        if layers and names & {"w", "dw"} and _may_be_numbers(tree):
            tree = with_layer(tree, layers[0])[0] if len(layers) == 1 else tree
            words = f"{note}, and {_NUMBERS}" if i and note else _NUMBERS
            yield replace(first, tree=tree, numbers=3, condition=words), [(tree, "")]


def _of_one_feature(first: Attempt, tree: Equation) -> Iterator[tuple[Attempt, Trees]]:
    """`dw = 2/m * np.sum((yhat - y) * x)`: rows of m numbers, where x is one number of each sample."""
    summed = [x for x in tree.parts if isinstance(x, Call) and summed_call(x) and not x.names and len(x.arguments) == 1]
    inside = {x for call in summed for x in call.arguments[0].parts}
    signs = any(isinstance(x, Transpose | Index) or (isinstance(x, Binary) and x.sign in "@⊗") for x in tree.parts)
    names = {x.name for x in tree.parts if isinstance(x, Symbol)}
    if Symbol("x") not in inside or signs or names & BATCH or first.declared.samples == "one":
        return
    convention = replace(first.convention, samples="batch")
    for variation in capitals(tree, anyway=True):
        words = "x is one number for each sample"
        back = dict(zip(symbols(variation.tree), symbols(first.tree), strict=True))
        one = replace(first, tree=variation.tree, depth=1, numbers=2, convention=convention, condition=words)
        one = replace(one, back=(*first.back, *back.items()))
        yield one, [(variation.tree, "")]


def of_any_numbers(first: Attempt) -> Attempt:
    """Without a network: every letter is any number, of either sign, or a matrix where the formula says so."""
    known = definitions_of(first.declared)
    shapes = tuple(matrix_shapes((*known.values(), first.tree), {*known, *first.declared.free}).items())
    if known and shapes and not _fit(known, dict(shapes)):
        shapes = ()
    return replace(first, depth=0, convention=replace(first.convention, signs="mixed"), shapes=shapes)


def _fit(known: Mapping[str, Formula], shapes: dict[str, tuple[int, int]]) -> bool:
    """Every definition of the document has numbers where its letters have these shapes."""
    world = World.free(definitions=known, shapes=shapes)
    for name, definition in known.items():
        head = definition.sides[0] if isinstance(definition, Equation) else definition
        if isinstance(head, Call):
            continue
        try:
            world.value(Symbol(name))
        except NoValueError as error:
            if error.status == "shape":
                return False
    return True


def _may_be_numbers(tree: Equation) -> bool:
    """Nothing says that there are matrices or columns: no capital letter, no index, transpose or matrix product."""
    if counts_entries(tree):
        return False
    names = {p.part.name for p in places(tree) if isinstance(p.part, Symbol) and p.role == "operand"}
    signs = any(isinstance(x, Transpose) or (isinstance(x, Binary) and x.sign in "@⊗∘") for x in tree.parts)
    signs = signs or any(isinstance(x, Call) and x.function in _OF_COLUMNS for x in tree.parts)
    return not signs and not names & {"W", "X", "Z", "A", "Y", "Yhat", "dW", "dZ", "dA"}


def _may_be_one_unit(declared: Declared) -> bool:
    """The declared network has one output, or none is declared; a soft-max of one number would be 1, whatever holds."""
    if declared.network is None:
        return may_be_one_unit(declared)
    return widths_of(declared.network)[-1] == 1


def _weighs_one_unit(tree: Equation, declared: Declared) -> bool:
    """The weights of the formula are small letters of the document, w or θ, each those of a layer of one unit."""
    if declared.network is None or "transposed_weights" in declared.conventions:
        return False
    layers = {f"W[{k}]" for k, width in enumerate(widths_of(declared.network)) if k and width == 1}
    small = {ours for theirs, ours in declared.letters.rename.items() if ours in layers and is_small(theirs)}
    weights = {x for x in tree.parts if isinstance(x, Symbol) and x.name in ("W", "dW")}
    return bool(weights) and all(x.layer is not None and f"W[{exact(x.layer)}]" in small for x in weights)


def _as_costs(trees: Trees) -> Trees:
    return [(as_cost(tree), note) for tree, note in trees]


_OF_COLUMNS = frozenset(Symbol(x) for x in ("norm", "outer", "softmax", "sum", "mean", "diag"))
_NUMBERS = "all letters are numbers (one unit in each layer)"
_GRADIENTS = frozenset({"dz", "da", "dw", "db", "dW", "dZ", "dA", "L", "J", "C"})
