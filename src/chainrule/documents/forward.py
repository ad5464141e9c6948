"""The forward pass that a document writes down: which of its letters are the quantities of which layer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction

from ..notation.canonical import is_hypothesis
from ..notation.formula import (
    Binary,
    Call,
    Equation,
    Formula,
    Index,
    Negate,
    Number,
    Sum,
    Symbol,
    Transpose,
)

_WEIGHT = re.compile(r"(?:W|w|V|U|Theta|theta|weights?|syn|kernel)\d*(?:_\w+)?|\w+_weights?")
_ACTIVATIONS = {
    "tanh": "tanh", "sigmoid": "sigmoid", "sig": "sigmoid", "sigma": "sigmoid", "logistic": "sigmoid", "relu": "relu",
    "softmax": "softmax", "softplus": "softplus", "silu": "silu", "swish": "silu", "gelu": "gelu", "elu": "elu",
}  # fmt: skip
_COUNTED = "ijklmnpqrstuvN"  # what these number are samples or components
_SUFFIXES = frozenset({"in", "ih", "ho", "hh", "xh", "hy", "hi", "io", "oh"})  # h_in of a program is one name
_INPUTS = re.compile(r"[xX](?:_\w+|\[0\])?|inputs?|data|features")
_DATA = frozenset({"X", "x"})
_SLOPE = re.compile(r"d[WwbZAza]|delta|grad")
SEVERAL = "?"
_PRODUCTS = "@ ·"
_ONE, _ZERO = Number(Fraction(1)), Number(Fraction(0))


@dataclass(frozen=True)
class Name:
    """A letter as a pattern of letters has it: `z[1]`, `h`, `W_o`."""

    text: str

    @property
    def stem(self) -> str:
        """The letter without its layer."""
        return re.sub(r"_\d$", "", self.text.partition("[")[0])


_HYPOTHESIS = Name("")  # the output where it is written as h_θ(x), which is no letter


@dataclass(frozen=True)
class Layer:
    """One layer as it is written: `pre = weight @ input + bias`, `post = activation(pre)`.

    activation  its name; "" where none is written, "?" where several are
    rows        the weights stand behind the input, as where samples are rows
    turned      they are transposed, `x @ W.T`: a row for each unit
    numbers     weight and input are numbers, `w1 * x + b1`
    """

    weight: Name
    input: Name
    bias: Name | None
    rows: bool
    turned: bool = False
    numbers: bool = False
    pre: Name | None = None
    post: Name | None = None
    activation: str = ""


def name_of(part: Formula) -> Name | None:
    """The name of a letter with a number for a layer or none, or of a letter with a sign below; else None."""
    match part:
        case Symbol(name=name, layer=None, sample=None, prime=0) if name:
            return Name(name)
        case Symbol(name=name, layer=Number(value=value), sample=None, prime=0):
            return Name(f"{name}[{value}]")
        case Index(base=Symbol(name=name, layer=None, sample=None, prime=0), entries=(Symbol(name=below),)):
            return None if below in _COUNTED else Name(f"{name}_{below}")
        case Index(base=Symbol(name=name, layer=None, sample=None, prime=0), entries=(Number(value=value),)):
            return Name(f"{name}_{value}") if value.denominator == 1 and 0 <= value < 10 else None
        case Index(base=Symbol(name=name, layer=None, sample=None, prime=0), entries=(Symbol(), Symbol()) as entries):
            below = "".join(x.name for x in entries if isinstance(x, Symbol))
            return Name(f"{name}_{below}") if below in _SUFFIXES else None
    return None


def layers_of(equations: Iterable[Equation]) -> list[Layer]:
    """The layers of the forward pass in their order, from the first that is not computed by another.

    `z[1](i) = W[1] x(i) + b[1]`, of any sample, is a layer as well as without the number.
    """
    found: list[Layer] = []
    applied: dict[Name, tuple[Name, str]] = {}  # what a function is applied to: its value, and the function
    exponentials: dict[Name, Name] = {}
    values: set[Name] = set()  # what was computed so far
    equations = [_of_any_sample(e) for e in equations]
    named = {x.text for e in equations if (x := left_of(e)) is not None}
    output: Name | None = None
    for equation in equations:
        left = _HYPOTHESIS if _is_output(equation.sides[0]) else left_of(equation)
        if left is None or _SLOPE.match(left.text):
            continue
        if left.text[:1] == "d" and left.text[1:].strip("_") in named | _DATA:
            continue
        for side in equation.sides[1:]:
            if _is_output(side):
                output = left
            called = _activation(side, exponentials)
            linear = _linear(called[1] if called else side, values)
            if linear is not None and left == _HYPOTHESIS and "[" not in linear.weight.text:
                continue  # one unit, as an example
            if linear is not None and left not in (linear.weight, linear.input):
                done = replace(linear, post=left, activation=called[0]) if called else replace(linear, pre=left)
                _add(found, done)
                values.add(left)
            elif called is not None and (argument := name_of(called[1])) is not None and argument != left:
                same = applied.get(argument, (left, called[0]))[1] == called[0]
                applied[argument] = (left, called[0] if same else SEVERAL)
                values.add(left)
            elif (exponent := _exponent(side)) is not None:
                exponentials[left] = exponent
            elif (argument := _argument(side)) is not None and argument in values and argument != left:
                applied.setdefault(argument, (left, SEVERAL))  # a = g(z), whatever g is
                values.add(left)
    ordered = _ordered([_with_activation(x, applied) for x in found])
    if output is not None and ordered and _HYPOTHESIS in (ordered[-1].pre, ordered[-1].post):
        last = ordered[-1]
        pre, post = (output if x == _HYPOTHESIS else x for x in (last.pre, last.post))
        ordered[-1] = replace(last, pre=pre, post=post)
    return ordered


def _is_output(side: Formula) -> bool:
    """h_θ(x): the output, in terms of the parameters."""
    return isinstance(side, Call) and is_hypothesis(side.function) and len(side.arguments) == 1


def applied_alone(equations: Iterable[Equation]) -> tuple[Name, Name, str] | None:
    """The argument, the value and the name of an activation in a text without a layer: `out = tanh(x)`, a class's."""
    for equation in equations:
        left = left_of(equation)
        for side in equation.sides[1:] if left is not None and not _SLOPE.match(left.text) else ():
            called = _activation(side, {})
            argument = None if called is None else name_of(called[1])
            if called is not None and left is not None and argument is not None and argument != left:
                return argument, left, called[0]
    return None


def of_all_layers(equations: Iterable[Equation]) -> str:
    """The activation of the general layer, tanh of `A[l] = tanh(Z[l])`; empty where none is written."""
    for equation in equations:
        left = equation.sides[0]
        if not isinstance(left, Symbol) or left.name not in ("a", "A") or not isinstance(left.layer, Symbol):
            continue
        for side in equation.sides[1:]:
            if (called := _activation(side, {})) is not None:
                return called[0]
    return ""


def defined_activations(equations: Iterable[Equation]) -> dict[str, str]:
    """The letters of functions that a text defines by a formula, and the name of the activation: f of `f(z) = …`.

    The name is empty for a function that is none of those known here.
    """
    found: dict[str, str] = {}
    for equation in equations:
        match equation.sides[0]:
            case Call(function=Symbol(name=name, layer=None, prime=0), arguments=(Symbol(layer=None) as argument,)):
                called = _activation(equation.sides[1], {})
                found.setdefault(name, called[0] if called is not None and called[1] == argument else "")
    return found


def left_of(equation: Equation) -> Name | None:
    """The name of the left side."""
    return name_of(_whole(_of_any_sample(equation).sides[0]))


def _of_any_sample(equation: Equation) -> Equation:
    """An equation without the letter that numbers samples."""

    def bare(part: Formula) -> Formula:
        numbered = isinstance(part, Symbol) and isinstance(part.sample, Symbol)
        return replace(part, sample=None) if numbered and isinstance(part, Symbol) else part

    new = equation.mapped(bare)
    return new if isinstance(new, Equation) else equation


def _argument(part: Formula) -> Name | None:
    """z of `g(z)`."""
    match part:
        case Call(function=Symbol(prime=0), arguments=(x,), names=()):
            return name_of(x)
    return None


def counts_from_one(layers: Sequence[Layer]) -> bool:
    """Whether the input is counted as the first layer: z2 = W1 a1 + b1, where a1 = x."""
    pairs = [(x.input.text[-3:], None if x.pre is None else x.pre.text[-3:]) for x in layers]
    return pairs == [(f"[{i}]", f"[{i + 1}]") for i in range(1, len(layers) + 1)]


def _add(found: list[Layer], layer: Layer) -> None:
    """A layer that is new, or what is new of one that was written in one line, `h = g(W x + b)` and `z = W x + b`."""
    for i, known in enumerate(found):
        if known.weight == layer.weight:
            if known.pre is None and known.input == layer.input:
                found[i] = replace(known, pre=layer.pre)
            return
    found.append(layer)


def _with_activation(layer: Layer, applied: dict[Name, tuple[Name, str]]) -> Layer:
    if layer.pre is None or layer.pre not in applied:
        return layer
    post, activation = applied[layer.pre]
    return replace(layer, post=post, activation=activation)


def _ordered(found: Sequence[Layer]) -> list[Layer]:
    """The longest run of layers in which each one's input is the one before's output."""
    best: list[Layer] = []
    outputs = {x.post or x.pre for x in found}
    for first in found:
        if first.input in outputs:
            continue
        run = [first]
        while True:
            ends = (run[-1].post, run[-1].pre)
            after = next((x for x in found if x.input in ends and x not in run), None)
            if after is None:
                break
            run.append(after)
        best = max(best, run, key=len)
    return best


def _linear(part: Formula, values: Set[Name]) -> Layer | None:
    """`W x + b`, `x W`; without a bias only of a letter that weights usually have."""
    if isinstance(part, Binary) and part.sign == "+":
        product, bias = _product(part.left, values), name_of(part.right)
        return replace(product, bias=bias) if product is not None and bias is not None else None
    product = _product(part, values)
    if product is None or product.turned or product.numbers or not _is_weight(product.weight):
        return None
    return product


def _product(part: Formula, values: Set[Name]) -> Layer | None:
    if not isinstance(part, Binary) or part.sign not in _PRODUCTS + "*":
        return None
    a, b = (name_of(x.operand if isinstance(x, Transpose) else x) for x in (part.left, part.right))
    if a is None or b is None:
        return None
    first = _is_first(a, b, values)
    if first is None:
        return None
    weight, name, other = (part.left, a, part.right) if first else (part.right, b, part.left)
    if isinstance(other, Transpose):
        return None
    if part.sign == "*":  # w1 * x of numbers
        small = all(x.stem.islower() and not isinstance(y, Transpose) for x, y in ((a, part.left), (b, part.right)))
        value = b if first else a
        return Layer(name, value, None, False, numbers=True) if small else None
    turned = isinstance(weight, Transpose) and name.stem != "w"  # w of one unit is a column
    value = b if first else a
    numbers = part.sign == " " and first and name.stem == "w" and value.stem.islower() and weight == part.left
    return Layer(name, value, None, not first, turned, numbers and not isinstance(weight, Transpose))


def _is_first(a: Name, b: Name, values: Set[Name]) -> bool | None:
    """Whether of two factors the first is the weight: by its letter, by what is known of the other, by its size."""
    by_letter = _is_weight(a), _is_weight(b)
    if by_letter[0] != by_letter[1]:
        return by_letter[0]
    known = [x in values or _INPUTS.fullmatch(x.text) is not None for x in (a, b)]
    if known[0] != known[1]:
        return known[1]
    if a.stem.isupper() and b.stem.islower() and len(a.stem) == 1:
        return True
    return None


def _is_weight(name: Name) -> bool:
    return _WEIGHT.fullmatch(name.stem) is not None


def _activation(part: Formula, exponentials: dict[Name, Name]) -> tuple[str, Formula] | None:
    """The activation that a formula applies, by its name or by what it is, and to what."""
    match part:
        case Call(function=Symbol(name=name, layer=None, prime=0), arguments=(argument, *_)) if name in _ACTIVATIONS:
            return _ACTIVATIONS[name], argument
        case Call(function=Symbol(name="max" | "maximum"), arguments=(a, b)) if _ZERO in (a, b):
            return "relu", b if a == _ZERO else a
        case Binary(sign="/", left=one, right=Binary(sign="+", left=also, right=right)) if one == also == _ONE:
            if isinstance(right, Call) and right.function == Symbol("exp") and isinstance(right.arguments[0], Negate):
                return "sigmoid", right.arguments[0].operand
        case Binary(sign="/", left=above, right=below) if _sums(below):
            if isinstance(above, Call) and above.function == Symbol("exp"):
                return "softmax", _whole(_shifted(above.arguments[0]))
            if isinstance(above, Binary) and above.sign == "^" and above.left == Symbol("e"):
                return "softmax", _whole(above.right)
            if (exponential := name_of(above)) is not None and exponential in exponentials:
                return "softmax", Symbol(exponentials[exponential].text)
    return None


def _whole(part: Formula) -> Formula:
    """s of s_k and of s_ij."""
    match part:
        case Index(base=Symbol() as base, entries=entries):
            return base if all(isinstance(x, Symbol) and x.name in _COUNTED for x in entries) else part
    return part


def _exponent(part: Formula) -> Name | None:
    """s of exp(s - max(s))."""
    if isinstance(part, Call) and part.function == Symbol("exp") and len(part.arguments) == 1:
        return name_of(_shifted(part.arguments[0]))
    return None


def _sums(part: Formula) -> bool:
    return isinstance(part, Sum) or (isinstance(part, Call) and part.function == Symbol("sum"))


def _shifted(part: Formula) -> Formula:
    """z of z - max(z)."""
    if isinstance(part, Binary) and part.sign == "-" and isinstance(part.right, Call):
        return part.left if part.right.function == Symbol("max") else part
    return part
