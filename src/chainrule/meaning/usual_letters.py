"""Letters as texts use them without saying so: E the error, t the target, o the output, θ the weights, γ the rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import product
from typing import Any

from ..notation.formula import Binary, Bound, Call, Equation, Formula, Index, Number, Partial, Sum, Symbol
from .letters import PENALTIES
from .named_losses import NAMED

Change = Callable[[Formula], Formula]  # of one part, from the innermost outwards


@dataclass(frozen=True)
class Usual:
    """One meaning that a formula may have.

    words        under what it is meant, to end the sentence "right if …"; empty where nothing else can be meant
    tree         the formula in letters that mean something
    back         these letters with what the text has for them
    free         letters that are any numbers
    conventions  fields of `Convention` that go with it
    defines      the left side is one of these letters: the formula defines it, and is not wrong
    anyway       it counts though a mistake was found: what stands there may well not be what it was taken for
    definitions  letters that are what a rule makes them, such as the new average of the gradients
    """

    words: str
    tree: Equation
    back: tuple[tuple[Symbol, Formula], ...] = ()
    free: tuple[str, ...] = ()
    conventions: Mapping[str, Any] = field(default_factory=dict, hash=False)
    defines: bool = False
    anyway: bool = False
    definitions: tuple[tuple[str, Formula], ...] = ()


# letter -> what it may stand for, the likelier first: our letter, and how that is called
_OUTPUT, _INPUT = ("yhat", "the output"), ("x", "the input of the layer")
_NET, _LOGITS = ("z", "z, what the activation is taken of"), ("z", "z, what the soft-max is taken of")
_WEIGHTS, _SAMPLES = ("w", "the column of weights"), ("m", "the number of samples")
_LETTERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "E": (("L", "the loss of one sample"), ("J", "the cost")),
    "l": (("L", ""),),
    "t": (("y", "the target"),),
    "T": (("Y", "the matrix of targets"),),
    "o": (_OUTPUT, _INPUT, _LOGITS),
    "p": (_OUTPUT,),
    "q": (_OUTPUT,),
    "h": (_OUTPUT, _INPUT),
    "out": (_OUTPUT,),
    "output": (_OUTPUT,),
    "pred": (_OUTPUT,),
    "prediction": (_OUTPUT,),
    "target": (("y", "the target"),),
    "label": (("y", "the target"),),
    "O": (("Yhat", "the matrix of outputs"),),
    "P": (("Yhat", "the matrix of outputs"),),
    "net": (_NET,),
    "s": (_NET, _OUTPUT),
    "u": (_NET,),
    "logits": (_LOGITS,),
    "scores": (_LOGITS,),
    "theta": (_WEIGHTS,),
    "beta": (_WEIGHTS,),
    "omega": (_WEIGHTS,),
    "Theta": (("W", "the matrix of weights"),),
    "Phi": (("X", "the matrix of samples"),),
    "c": (("b", "the bias"),),
    "M": (_SAMPLES,),
    "B": (_SAMPLES,),
}
_RATES = ("gamma", "epsilon", "rho", "mu", "nu", "kappa", "tau", "lambda")
_COUNTS = frozenset({"m", "N", "n"})


def mapped(tree: Equation, change: Change) -> Equation:
    new = tree.mapped(change)
    assert isinstance(new, Equation)
    return new


def letters_meant(tree: Equation, known: frozenset[str]) -> Iterator[Usual]:
    """Every letter of the formula that may stand for one of ours, in all combinations."""
    names = operands(tree)
    given = {x.removeprefix("d") if x.removeprefix("d") in _LETTERS else x for x in names}
    roles: dict[str, tuple[tuple[str, str], ...]] = {
        x: _LETTERS[x] for x in sorted(given & _LETTERS.keys() - known) if _may_be(x, tree, names)
    }
    if "d" in names - known and names & {"o", "y", "out"}:
        roles["d"] = (("y", "the target"),)
    if "o" in roles and names & {"p", "yhat"}:
        roles["o"] = (_LOGITS, _INPUT)
    if "l" in roles and "L" in names - known:
        roles["L"] = (("J", "the cost"),)
    if {"p", "q"} <= roles.keys():
        roles["p"] = (("y", "the target"),)  # of the cross-entropy H(p, q)
    target = next((x for x in ("t", "d") if x in roles), None)
    if target and "y" in names - known and not names & {"yhat", "o", "p"}:
        roles["y"] = (_OUTPUT,)  # t - y: beside a target y is the output
    if _is_of(tree, "y", "a") and not names & {"z", "yhat"}:
        roles |= {"y": (_OUTPUT,), "a": (_NET,)}
    if "E" in roles and (names & _COUNTS or numbers_samples(tree)):
        roles["E"] = roles["E"][::-1]
    rate = next((x for x in _RATES if x in names - known), None)
    if rate and is_update(tree) and not names & {"alpha", "eta", "lr"}:
        roles[rate] = (("alpha", "the learning rate"),)
    roles |= _hidden(tree, names - known)
    taken = names - roles.keys()
    left = tree.sides[0].base if isinstance(tree.sides[0], Index) else tree.sides[0]
    defines = isinstance(left, Symbol) and left.name in roles and not is_update(tree)
    for chosen in product(*roles.values()):
        table = {theirs: ours for theirs, (ours, _) in zip(roles, chosen, strict=True)}
        if not table or len(set(table.values())) < len(table) or set(table.values()) & taken - _COUNTS:
            continue
        if any(ours in tree.parts for ours, _ in back_to(table) if ours.layer is not None):
            continue  # beside a[1] h is something else
        said = [f"{theirs} is {words}" for theirs, (_, words) in zip(roles, chosen, strict=True) if words]
        yield Usual(", and ".join(said), renamed(tree, table), back_to(table), defines=defines)


def net_inputs(tree: Equation, known: frozenset[str], *, declared: bool) -> Iterator[Usual]:
    """`ŷ_k = exp(a_k) / Σ_j exp(a_j)`, `ŷ = σ(a)`: what some texts call a is what the activation is taken of."""
    if declared or "a" in known or len(tree.sides) != 2 or stem(tree.sides[0]) not in ("yhat", "Yhat"):
        return
    called = [x for x in tree.sides[1].parts if isinstance(x, Call) and isinstance(x.function, Symbol)]
    of = {stem(x.arguments[0]) for x in called if x.arguments and x.function in _OF_NETS}
    if of == {"a"} == operands(tree.sides[1]):
        ours, words = _NET
        table = {"a": ours}
        yield Usual(f"a is {words}", renamed(tree, table), back_to(table), anyway=True)


_OF_NETS = tuple(Symbol(x) for x in ("exp", "softmax", "sigmoid", "sigma", "tanh"))


def _hidden(tree: Equation, names: frozenset[str]) -> dict[str, tuple[tuple[str, str], ...]]:
    """The hidden layer of two, h and H, and the weights U or W before it and V or U behind it."""
    layers = {x.name: x.layer for x in tree.parts if isinstance(x, Symbol) and x.layer is not None}
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    hidden = (("h", "a[1]"), ("H", "A[1]"))
    weights = [x for x in ("U", "W", "V") if x in {y.removeprefix("d") for y in names}]
    own = set(weights) & {"U", "V"}
    if own and not own & layers.keys():
        if len(weights) == 1 and names & {"x", "X"}:
            numbers = {weights[0]: 1}
        else:
            numbers = {x: i for i, x in enumerate(weights, 3 - len(weights))}
        found |= {x: ((f"W[{i}]", f"the weights of layer {i}"),) for x, i in numbers.items() if i in (1, 2)}
        biases = [x for x in ("b", "c") if x in {y.removeprefix("d") for y in names}]
        ends = {x: i + 1 if len(biases) == 2 else max(numbers.values()) for i, x in enumerate(biases)}
        found |= {x: ((f"b[{i}]", f"the bias of layer {i}"),) for x, i in ends.items()}
    if found or any(isinstance(x, Number) for x in layers.values()):
        found |= {x: ((ours, "the hidden layer"),) for x, ours in hidden if x in {y.removeprefix("d") for y in names}}
    return {x: y for x, y in found.items() if x not in layers}


def with_letters(told: Usual, known: frozenset[str]) -> Iterator[Usual]:
    """A meaning in which letters that it leaves unclear mean what they usually do, too."""
    for more in letters_meant(told.tree, known):
        words = ", and ".join(x for x in (told.words, more.words) if x)
        defines = told.defines or more.defines
        yield replace(
            more, words=words, conventions=told.conventions, free=told.free, defines=defines, anyway=told.anyway
        )


def sums_of_losses(tree: Equation, known: frozenset[str], *, declared: bool = False) -> Iterator[Usual]:
    """`∇_w J = Xᵀ (X w - y)`: J is the sum over the samples; nothing is divided by their number.

    declared  the network is: then its cost is, too, and what a formula says of it may be wrong
    """
    names = operands(tree)
    several = names & {"X", "Y", "Yhat", "A", "Z", "T"} or numbers_samples(tree)
    several = several or (names & {"x", "y"} and any(isinstance(x, Sum) for x in tree.parts))
    several = several or any(isinstance(x, Index) and x.base in COSTS for x in tree.parts)
    if not several or names & _COUNTS:
        return
    for letter in ("J", "C", "E", "L"):
        if letter not in names - known or (letter == "L" and names & {"J", "C", "E"}):
            continue

        def change(part: Formula, letter: str = letter) -> Formula:
            if isinstance(part, Index) and part.base == TOTAL and len(part.entries) == 1:
                return Index(Symbol("J"), part.entries)  # E_n, of one sample
            return TOTAL if part == Symbol(letter) else part

        words = f"{letter} is the sum of the losses of all samples"
        defines = tree.sides[0] == Symbol(letter)
        told = Usual(words, mapped(tree, change), defines=defines, anyway=defines and not declared)
        yield told
        yield from with_letters(told, known)


COSTS = (Symbol("E"), Symbol("J"), Symbol("C"), Symbol("L"))
TOTAL = Binary("*", Symbol("m"), Symbol("J"))


def without_penalty(tree: Equation, known: frozenset[str]) -> Iterator[Usual]:
    """`J = L + λ/2 ‖W‖²`, `∂J/∂W = ∂L/∂W + λ W`: L is the cost without the penalty."""
    names = operands(tree) - known
    if "L" not in names or not names & {"J", "C"} or not names & PENALTIES:
        return

    def change(part: Formula) -> Formula:
        return _WITHOUT if part == Symbol("L") else part

    yield Usual("L is the cost without the penalty", mapped(tree, change), ((_WITHOUT, Symbol("L")),))


_WITHOUT = Symbol("cost")  # J as any other; but a penalty is added to J and C alone


def losses_by_name(tree: Equation, known: frozenset[str]) -> Iterator[Usual]:
    """`∂MSE/∂p_i = 2/N (p_i - y_i)`: the loss that has this name, of output and target."""
    names = operands(tree) & _NAMED - known
    if len(names) != 1:
        return
    (name,) = names
    many = operands(tree) & {"Y", "Yhat", "A", "P", "O", "T"}
    arguments = (Symbol("Y"), Symbol("Yhat")) if many else (Symbol("y"), Symbol("yhat"))
    taken = Call(Symbol(name), arguments)
    told = Usual("", mapped(tree, lambda x: taken if x == Symbol(name) else x))
    yield told
    for more in letters_meant(tree, known):
        yield replace(more, tree=mapped(more.tree, lambda x: taken if x == Symbol(name) else x))


_NAMED = NAMED.keys() - {"H", "KL"}


def outputs(tree: Equation, known: frozenset[str], *, declared: bool = False) -> Iterator[Usual]:
    """`L = (f(x) - y)^2`: f(x), of the input, is the output of the network."""
    names = {
        x.function.name
        for x in tree.parts
        if isinstance(x, Call) and isinstance(x.function, Symbol) and not x.function.prime and x.function.layer is None
        if len(x.arguments) == 1 and stem(x.arguments[0]) in ("x", "X")
    } & {"f", "h", "F", "model", "net"}
    names -= known
    if len(names) != 1 or operands(tree) & {"yhat", "Yhat"}:
        return
    (name,) = names

    def change(part: Formula) -> Formula:
        match part:
            case Call(Symbol(called, layer=None, prime=0), (Symbol("x" | "X" as given, layer=None) as x,)):
                ours = "yhat" if given == "x" else "Yhat"
                return Symbol(ours, None, x.sample) if called == name else part
            case Call(Symbol(called, layer=None, prime=0), (Index(Symbol("x", layer=None), entries),)):
                return Index(Symbol("yhat"), entries) if called == name else part
        return part

    new = mapped(tree, change)
    if new != tree and new.sides[0] not in (Symbol("yhat"), Symbol("Yhat")):
        told = Usual(f"{name}(x) is the output", new, anyway=True)
        for summed in sums_of_losses(new, known, declared=declared):
            yield replace(summed, words=f"{summed.words}, and {told.words}", anyway=not declared)
        yield told
        yield from with_letters(told, known)


def _may_be(letter: str, tree: Equation, names: frozenset[str]) -> bool:
    """Whether nothing contradicts: M counts only where it divides or bounds, T is no transpose."""
    if letter in ("M", "B"):
        divisors = [x.right for x in tree.parts if isinstance(x, Binary) and x.sign == "/"]
        divides = any(Symbol(letter) in x.parts for x in divisors)
        return divides and not names & _COUNTS
    if letter == "c":
        return bool(names & {"W", "w", "X", "x"}) and "b" not in names
    letters = [x for x in tree.parts if isinstance(x, Symbol) and x.name == letter]
    if letter == "l":
        return any(isinstance(x, Partial) and x.numerator in letters for x in tree.parts) or any(
            x.sample is not None for x in letters
        )
    return letter != "E" or all(x.layer is None for x in letters)


def _is_of(tree: Formula, top: str, below: str) -> bool:
    """Whether a letter is differentiated by another: y by a, which then is what y is computed from."""
    pairs = ((x.numerator, x.denominator) for x in tree.parts if isinstance(x, Partial))
    return any(stem(a) == top and stem(b) == below for a, b in pairs)


def stem(part: Formula) -> str:
    base = part.base if isinstance(part, Index) else part
    return base.name if isinstance(base, Symbol) else ""


def operands(tree: Formula) -> frozenset[str]:
    """The names of letters that stand for quantities: neither functions, nor indices, layers, samples or bounds."""
    match tree:
        case Symbol(name):
            return frozenset({name})
        case Index(base, _):
            return operands(base)
        case Call(function, arguments, names):
            inner = arguments[: len(arguments) - len(names)]
            return frozenset[str]().union(
                *map(operands, inner), () if isinstance(function, Symbol) else operands(function)
            )
        case Sum(body, _):
            return operands(body)
    return frozenset[str]().union(*map(operands, tree.children))


def renamed(tree: Equation, table: Mapping[str, str]) -> Equation:
    letters = {x.name: ours for ours, x in back_to(table)}
    values = {ours.name for ours in letters.values()}
    samples = _sample_letters(tree)

    def change(part: Formula) -> Formula:
        match part:
            case Binary(" ", Symbol(name, sample=None) as letter, Symbol() as at) if name in values and at in samples:
                return replace(letter, sample=at)  # o(i), which reads as o times i where o is no letter of ours
        ours = letters.get(part.name) if isinstance(part, Symbol) else None
        if ours is None or not isinstance(part, Symbol):
            return part
        return replace(part, name=ours.name, layer=part.layer or ours.layer)

    return mapped(tree, change)


def _sample_letters(tree: Formula) -> set[Formula]:
    """The letters that number samples, and those that a sum binds."""
    found: set[Formula] = set()
    for part in tree.parts:
        if isinstance(part, Symbol) and part.sample is not None:
            found.add(part.sample)
    for x in tree.parts:
        if isinstance(x, Bound) and x.index is not None:
            found.add(x.index)
    return found


def numbers_samples(tree: Formula) -> bool:
    """Whether a letter has the number of a sample: x(i); o(i), which reads as o times i."""
    at = _sample_letters(tree)
    return any(
        (isinstance(x, Symbol) and x.sample is not None)
        or (isinstance(x, Binary) and x.sign == " " and isinstance(x.left, Symbol) and x.right in at)
        for x in tree.parts
    )


def back_to(table: Mapping[str, str]) -> tuple[tuple[Symbol, Symbol], ...]:
    """Our letters, `y` or `a[1]`, with theirs, and so the derivatives by them."""
    found = []
    for theirs, ours in table.items():
        name, _, layer = ours.partition("[")
        at = Number(Fraction(layer[:-1])) if layer else None
        found += [(Symbol(f"{d}{name}", at), Symbol(f"{d}{theirs}")) for d in ("", "d")]
    return tuple(found)


def is_update(tree: Equation) -> bool:
    left = tree.sides[0].base if isinstance(tree.sides[0], Index) else tree.sides[0]
    if not isinstance(left, Symbol) or len(tree.sides) != 2:
        return False
    return tree.relations[0] == "<-" or any(x == tree.sides[0] for x in tree.sides[1].parts)
