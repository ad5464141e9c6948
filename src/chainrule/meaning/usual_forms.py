"""Ways of writing that ask for a meaning: g' of an unnamed g, J a Jacobian, z_c of the class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..notation.formula import (
    ONE,
    Binary,
    Bound,
    Call,
    Equation,
    Formula,
    Index,
    Negate,
    Number,
    Partial,
    Sum,
    Symbol,
    Transpose,
)
from ..notation.write import exact
from .letters import LOSSES
from .named_losses import NAMED
from .nearly import SMALL
from .usual_letters import Usual, mapped, operands

# --- functions ---

_NAMED = ("sigmoid", "tanh", "relu", "exp", "ln", "identity")


def functions(tree: Equation, known: frozenset[str], activations: Sequence[str]) -> Iterator[Usual]:
    """`g'(z) = 1 - g(z)^2`: right if g is tanh."""
    called = {x.function for x in tree.parts if isinstance(x, Call) and isinstance(x.function, Symbol)}
    names = {f.name for f in called if f.layer is None and f.prime and f.name in ("g", "f", "h", "phi", "psi")} - known
    if len(names) != 1 or len(operands(tree) - {"a"}) > 1:
        return  # beside other letters any function may excuse a mistake
    (name,) = names
    slopes = {x.function for side in tree.sides[1:] for x in side.parts if isinstance(x, Call)}
    if any(isinstance(f, Symbol) and f.name == name and f.prime for f in slopes):
        return  # g' on the right as well: it is said of a g in general
    alike = set(activations)
    for function in activations[:1] if len(alike) == 1 else _NAMED:

        def change(part: Formula, function: str = function) -> Formula:
            return replace(part, name=function) if isinstance(part, Symbol) and part.name == name else part

        words = "" if len(alike) == 1 else f"{name} is {'the identity' if function == 'identity' else function}"
        yield Usual(words, mapped(tree, change), ((Symbol(function), Symbol(name)),), defines=True, anyway=True)


def steps(tree: Equation, known: frozenset[str]) -> Iterator[Usual]:
    """`H(z)`, `Θ(z)`: the step function; H of probabilities, beside a cross-entropy, is their entropy."""
    if any(isinstance(x, Call) and x.function == Symbol("H") and len(x.arguments) == 2 for x in tree.parts):
        new = mapped(tree, _entropy)  # H(p) beside H(p, q)
        if new != tree and "H" not in known:
            yield Usual("", new, anyway=True)
            return
    called = {x.function: x for x in tree.parts if isinstance(x, Call) and len(x.arguments) == 1 and not x.names}
    names = {f.name for f in called if isinstance(f, Symbol) and f.layer is None and not f.prime} & _STEPS - known
    names -= operands(tree)
    if len(names) != 1:
        return
    (name,) = names
    entropy = name == "H" and any(
        isinstance(x, Call) and isinstance(x.function, Symbol) and x.function.name in NAMED and len(x.arguments) == 2
        for x in tree.parts
    )

    def change(part: Formula) -> Formula:
        match part:
            case Call(Symbol(f, layer=None, prime=0), (x,), ()) if f == name:
                return Call(Symbol("H"), (x, x)) if entropy else Call(Symbol("step"), (x,))
        return part

    words = f"{name} is the step function, 1 where its argument is positive and 0 elsewhere"
    back = () if entropy else ((Symbol("step"), Symbol(name)),)
    yield Usual("" if name in _SURE_STEPS else words, mapped(tree, change), back, anyway=True)


def _entropy(part: Formula) -> Formula:
    match part:
        case Binary(" ", Symbol("H") as f, x):
            return Call(f, (x, x))
        case Binary("-" | "+" as sign, left, Binary(" ", Symbol("H") as f, x)):
            return Binary(sign, left, Call(f, (x, x)))
    return part


_SURE_STEPS = frozenset({"H", "Theta"})
_STEPS = _SURE_STEPS | {"theta", "u"}


def laws_of_functions(tree: Equation, known: frozenset[str]) -> Iterator[Usual]:
    """`ln(a) + ln(b) = ln(a b)`: a law of numbers, for which a and b need not be what the network has."""
    if isinstance(tree.sides[0], Symbol):
        return  # it says what a letter is
    parts = list(tree.parts)
    called = {x.function for x in parts if isinstance(x, Call)}
    letters = [x for x in parts if isinstance(x, Symbol) and x not in called]
    plain = all(isinstance(x, Call | Binary | Negate | Number | Symbol | Equation) for x in parts)
    alone = all(x.layer is None and x.sample is None and len(x.name) == 1 and x.name not in _LOSS for x in letters)
    if not plain or not alone or not called & _ELEMENTARY or not {x.name for x in letters}.isdisjoint(known):
        return
    table: dict[Formula, Symbol] = {x: Symbol(f"any{x.name}") for x in letters if x.name != "e"}
    back = tuple((ours, theirs) for theirs, ours in table.items())
    names = tuple(sorted(x.name for x in table.values()))
    yield Usual("", mapped(tree, lambda x: table.get(x, x)), back, names)


_LOSS = frozenset({"L", "J", "C", "E"})
_ELEMENTARY = frozenset(Symbol(x) for x in ("ln", "log", "exp", "sqrt"))


# --- derivatives ---


def jacobians(tree: Equation, known: frozenset[str]) -> Iterator[Usual]:
    """`J = diag(a) - a aᵀ`, `J_ij = a_i (δ_ij - a_j)`: the Jacobian of the activation."""
    if "J" in known:
        return
    yield from _through_a_jacobian(tree)
    left, *right = tree.sides
    base, entries = (left.base, left.entries) if isinstance(left, Index) else (left, ())
    if base != Symbol("J") or len(entries) not in (0, 2):
        return
    letters = [x for side in right for x in side.parts if isinstance(x, Symbol) and x.name in _VALUES | {"z"}]
    value = next((x for x in letters if x.name != "z"), None)
    if not letters:
        return
    ours = dict.fromkeys(_VALUES - {"a"}, "yhat")

    def change(part: Formula) -> Formula:
        return replace(part, name=ours.get(part.name, part.name)) if isinstance(part, Symbol) else part

    top: Formula = value or Symbol("a", letters[0].layer)
    below: Formula = Symbol("z", top.layer if isinstance(top, Symbol) else None)
    if entries:
        top, below = Index(top, entries[:1]), Index(below, entries[1:])
    slope = Partial(top, below)
    back = () if value is None or value.name not in ours else ((Symbol("yhat"), value),)
    yield Usual(f"J is the Jacobian {exact(slope)}", mapped(Equation((slope, *right), tree.relations), change), back)


_VALUES = frozenset({"a", "yhat", "p", "s", "y", "o"})


def _through_a_jacobian(tree: Equation) -> Iterator[Usual]:
    """`∂L/∂z = Jᵀ ∂L/∂ŷ`: J is the Jacobian ∂ŷ/∂z."""
    if not any(isinstance(x, Binary) and Symbol("J") in _bare(x.children) for x in tree.parts):
        return
    pairs = [
        {x.denominator for x in side.parts if isinstance(x, Partial) and x.numerator != Symbol("J")}
        for side in tree.sides
    ]
    if len(pairs) != 2 or len(pairs[0]) != 1 or len(pairs[1]) != 1 or pairs[0] == pairs[1]:
        return
    (below,), (top,) = pairs
    words = f"J is the Jacobian {exact(Partial(top, below))}"
    output = Symbol("yhat") if top == Symbol("y") else top

    whole = Transpose(Transpose(Partial(output, below)))  # a matrix: no link of a chain, which has no layout

    def change(part: Formula) -> Formula:
        return whole if part == Symbol("J") else output if part == top else part

    yield Usual(words if output == top else f"{words}, and y is the output", mapped(tree, change))


def _bare(parts: Sequence[Formula]) -> list[Formula]:
    return [x.operand if isinstance(x, Transpose) else x for x in parts]


def of_one_sample(tree: Equation, known: frozenset[str]) -> Iterator[Usual]:
    """`C_0 = (a - y)^2`, `C_x = …`: the cost of one sample, whose number stands below."""
    for letter in ("C", "J", "E"):
        found = {x for x in tree.parts if isinstance(x, Index) and x.base == Symbol(letter)}
        numbers = [x.entries[0] for x in found if len(x.entries) == 1 and isinstance(x.entries[0], Number | Symbol)]
        if letter in known or len(numbers) != 1 or len(found) > 1 or Symbol(letter) in _operand_parts(tree):
            continue
        (cost,) = found
        inside = sum(x == cost for x in tree.parts)
        if isinstance(numbers[0], Symbol) and sum(x == numbers[0] for x in tree.parts) > inside:
            continue  # other letters have the number of the sample as well

        def change(part: Formula, cost: Formula = cost) -> Formula:
            return Symbol("L") if part == cost else part

        words = "" if letter == "C" else f"{exact(cost)} is the loss of one sample"
        yield Usual(words, mapped(tree, change), ((Symbol("L"), cost),))


def _operand_parts(tree: Formula) -> list[Formula]:
    """The letters that carry no index."""
    if isinstance(tree, Index):
        return []
    return [tree] if isinstance(tree, Symbol) else [y for x in tree.children for y in _operand_parts(x)]


def entries_in_turn(tree: Equation, known: frozenset[str]) -> Iterator[Usual]:
    """`dW ≈ (J(W + ε) - J(W - ε)) / (2 ε)`: each entry of W is moved by itself."""
    moved = {
        x.left
        for call in tree.parts
        if isinstance(call, Call) and isinstance(call.function, Symbol) and call.function.name in LOSSES
        for x in call.arguments
        if isinstance(x, Binary) and x.sign in "+-" and isinstance(x.left, Symbol | Index)
        if isinstance(x.right, Symbol) and x.right.name in SMALL
    }
    steps = tuple(x for x in SMALL if x in operands(tree) - known)
    if len(moved) != 1 or len(steps) != 1:
        return
    (letter,) = moved
    relations = tuple("≈" if x == "=" else x for x in tree.relations)
    if isinstance(letter, Index):
        yield Usual("", Equation(tree.sides, relations), free=steps)
        return
    assert isinstance(letter, Symbol)
    ours = {"theta": "W", "Theta": "W", "w": "W"}.get(letter.name, letter.name)
    layer = letter.layer or Symbol("L")
    table = {
        letter: Symbol(ours, layer),
        replace(letter, name=f"d{letter.name}"): Symbol(f"d{ours}", layer),
    }
    entries: tuple[Formula, ...] = (Symbol("i"), Symbol("j"))

    def change(part: Formula) -> Formula:
        new = table.get(part) if isinstance(part, Symbol) else None
        return part if new is None else Index(new, entries)

    new = Equation(mapped(tree, change).sides, relations)
    back = tuple((x, theirs) for theirs, x in table.items())
    yield Usual(f"{letter.name} stands for each of its entries in turn", new, back, steps)


def entry_by_entry(tree: Equation) -> Iterator[Usual]:
    """`∂a/∂z = a (1 - a)`: where g acts entry by entry, the derivative of each entry by its own.

    It is the sum over each row of the Jacobian, which holds nothing else; that of the soft-max is zero.
    """
    wanted = {("a", "z"), ("A", "Z"), ("yhat", "z"), ("Yhat", "Z"), ("z", "b")}

    def change(part: Formula) -> Formula:
        match part:
            case Partial(Symbol(top, sample=None), Symbol(below, sample=None)) if (top, below) in wanted:
                return Call(Symbol("sum"), (part, ONE, Symbol("True")), ("axis", "keepdims"))
        return part

    pairs = [x for x in tree.parts if isinstance(x, Partial) and change(x) != x]
    if pairs:
        factors = [x for p in tree.parts if isinstance(p, Binary) and p.sign in "∘*" for x in p.children]
        meant = any(x in factors for x in pairs)  # by one who multiplies so
        yield Usual(f"{exact(pairs[0])} is taken entry by entry, as a column", mapped(tree, change), anyway=meant)


# --- indices ---


def of_the_class(tree: Equation, known: frozenset[str]) -> Iterator[Usual]:
    """`L = -log ŷ_c`, `z_c`: c is the class of the sample, where y is one-hot; what is said is said of y_c = 1.

    In `L = -log ŷ_2` it is the second: what holds for each class holds for this one.
    """
    entries = {x.entries for x in tree.parts if isinstance(x, Index)}
    numbers = {e for x in entries for e in x if isinstance(e, Number)}
    alone = all(len(x) == 1 for x in entries if not numbers.isdisjoint(x))
    if len(numbers) == 1 and alone and _states_loss(tree) and Symbol("c") not in tree.parts:
        (number,) = numbers

        def any_class(part: Formula) -> Formula:
            return Index(part.base, (Symbol("c"),)) if isinstance(part, Index) and part.entries == (number,) else part

        for told in of_the_class(mapped(tree, any_class), known):
            if told.words.startswith("c "):
                yield replace(told, words=told.words.replace("c ", f"{exact(number)} ", 1))
        return
    yield from _of_two_classes(tree)
    bound = {b.index for x in tree.parts if isinstance(x, Sum) for b in x.bounds if isinstance(b, Bound)}
    for letter in ("c", "t", "y"):
        if Symbol(letter) in bound:
            continue
        target = Index(Symbol("y"), (Symbol(letter),))

        def change(part: Formula, letter: str = letter) -> Formula:
            match part:
                case Index(Symbol("delta"), (a, b)) | Call(Symbol("kronecker"), (a, b)):
                    for i, which in ((a, b), (b, a)):
                        if isinstance(which, Symbol) and which.name == letter and which.layer is None and i != which:
                            return Index(Symbol("y", None, which.sample), (i,))
            return part

        new = mapped(tree, change)  # 1{i = c} is y_i
        words = f"{letter} is the class of the sample (y is one-hot)"
        conventions = {"one_hot_targets": True}
        indicated = new != tree
        if letter in _free_indices(new) - known:
            new = Equation(tuple(Binary("*", target, side) for side in new.sides), new.relations)
        if new != tree:
            yield Usual(words, new, conventions=conventions, anyway=indicated)


def _of_two_classes(tree: Equation) -> Iterator[Usual]:
    """`1{y = 1} ln p + 1{y = 0} ln(1 - p)`: y is 0 or 1."""

    def change(part: Formula) -> Formula:
        match part:
            case Call(Symbol("kronecker"), (Symbol("y", layer=None) as y, Number(value))) | Call(
                Symbol("kronecker"), (Number(value), Symbol("y", layer=None) as y)
            ) if value in (0, 1):
                return y if value == 1 else Binary("-", ONE, y)
        return part

    new = mapped(tree, change)
    if new != tree:
        words = "the targets are 0 and 1"
        yield Usual(words, new, conventions={"one_hot_targets": True}, anyway=True)


def _states_loss(tree: Equation) -> bool:
    left = tree.sides[0]
    return isinstance(left, Symbol) and left.name in LOSSES


def off_the_diagonal(tree: Equation) -> Iterator[Usual]:
    """`∂a_i/∂z_j = -a_i a_j`: it is said of i ≠ j."""
    left = tree.sides[0]
    match left:
        case Partial(Index(_, (Symbol() as i,)), Index(_, (Symbol() as j,))) if i != j:
            pass
        case _:
            return
    other = Binary("-", ONE, Index(Symbol("delta"), (i, j)))
    sides = tuple(Binary("*", other, side) for side in tree.sides)
    yield Usual(f"{exact(i)} ≠ {exact(j)}", Equation(sides, tree.relations))


def _free_indices(tree: Formula) -> frozenset[str]:
    """The letters that count entries and that no sum binds."""
    match tree:
        case Sum(body, bounds):
            bound = {b.index.name for b in bounds if isinstance(b, Bound) and isinstance(b.index, Symbol)}
            return _free_indices(body) - bound
        case Index(base, entries):
            own = {x.name for x in entries if isinstance(x, Symbol) and x.layer is None}
            return _free_indices(base) | own
    return frozenset[str]().union(*map(_free_indices, tree.children))
