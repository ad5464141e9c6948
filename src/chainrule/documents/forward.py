"""The forward pass that a document writes down: which of its letters are the quantities of which layer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

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
        return self.text.partition("[")[0]


@dataclass(frozen=True)
class Layer:
    """One layer as it is written: `pre = weight @ input + bias`, `post = activation(pre)`.

    activation  its name; "" where none is written, "?" where several are
    rows        the weights stand behind the input, as where samples are rows
    """

    weight: Name
    input: Name
    bias: Name | None
    rows: bool
    pre: Name | None = None
    post: Name | None = None
    activation: str = ""


def name_of(part: Formula) -> Name | None:
    """The name of a letter with a number for a layer or none, or of a letter with another below; else None."""
    match part:
        case Symbol(name=name, layer=None, sample=None, prime=0) if name:
            return Name(name)
        case Symbol(name=name, layer=Number(value=value), sample=None, prime=0):
            return Name(f"{name}[{value}]")
        case Index(base=Symbol(name=name, layer=None, sample=None, prime=0), entries=(Symbol(name=below),)):
            return None if below in _COUNTED else Name(f"{name}_{below}")
    return None


def layers_of(equations: Iterable[Equation]) -> list[Layer]:
    """The layers of the forward pass in their order, from the first that is not computed by another."""
    found: list[Layer] = []
    applied: dict[Name, tuple[Name, str]] = {}  # what a function is applied to: its value, and the function
    exponentials: dict[Name, Name] = {}
    for equation in equations:
        left = name_of(equation.sides[0])
        if left is None or re.match(r"d[WwbZAza]|delta|grad", left.text):
            continue
        for side in equation.sides[1:]:
            called = _activation(side, exponentials)
            linear = _linear(called[1] if called else side)
            if linear is not None and left not in (linear.weight, linear.input):
                if all(x.weight != linear.weight for x in found):
                    done = replace(linear, post=left, activation=called[0]) if called else replace(linear, pre=left)
                    found.append(done)
            elif called is not None and (argument := name_of(called[1])) is not None and argument != left:
                same = applied.get(argument, (left, called[0]))[1] == called[0]
                applied[argument] = (left, called[0] if same else SEVERAL)
            elif (exponent := _exponent(side)) is not None:
                exponentials[left] = exponent
    return _ordered([_with_activation(x, applied) for x in found])


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


def _linear(part: Formula) -> Layer | None:
    """`W x + b`, `x W`."""
    if isinstance(part, Binary) and part.sign == "+":
        product, bias = _product(part.left), name_of(part.right)
        return replace(product, bias=bias) if product is not None and bias is not None else None
    return _product(part)


def _product(part: Formula) -> Layer | None:
    if not isinstance(part, Binary) or part.sign not in _PRODUCTS:
        return None
    a, b = (name_of(x.operand if isinstance(x, Transpose) else x) for x in (part.left, part.right))
    if a is None or b is None or _is_weight(a) == _is_weight(b):
        return None
    turned = part.right if _is_weight(a) else part.left
    if isinstance(turned, Transpose):
        return None
    return Layer(a, b, None, rows=False) if _is_weight(a) else Layer(b, a, None, rows=True)


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
                return "softmax", _shifted(above.arguments[0])
            if (exponential := name_of(above)) is not None and exponential in exponentials:
                return "softmax", Symbol(exponentials[exponential].text)
    return None


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
