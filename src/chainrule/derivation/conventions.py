"""Conventions as transformations of what was derived: samples as rows, one sample, numerator layout.

Transposing is a map of expressions that keeps products, sums and functions: (A B)ᵀ = Bᵀ Aᵀ, g(A)ᵀ = g(Aᵀ). A
derivation whose every expression is transposed is a derivation with samples as rows, `dW = 1/m Aᵀ dZ` and all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from ..errors import unknown_name
from ..graph import OPS, Dim, Node, Shape, build, constant, variable, walk
from ..notation.style import NOTATIONS, Notation, Style
from ..reverse import Derivation, Step

PLACES = ("parameters", "dZ")
SAMPLES = ("columns", "rows", "one")
LAYOUTS = ("denominator", "numerator")


@dataclass(frozen=True)
class Conventions:
    """The switches of a printed derivation.

    place    1/m at dW and db ("parameters", dZ and dA are derivatives of the loss per sample), or in "dZ"
    samples  "columns", "rows", or "one": a single sample with lower-case letters
    layout   "denominator": a derivative has the shape of what it is taken by; "numerator": the transposed shape
    style    notation, see `chainrule.notation.style`; "delta" is written for one sample, as its source has it
    """

    place: Literal["parameters", "dZ"] = "parameters"
    samples: Literal["columns", "rows", "one"] = "columns"
    layout: Literal["numerator", "denominator"] = "denominator"
    style: Notation = "ng"

    def __post_init__(self) -> None:
        for kind, value, allowed in (
            ("place of 1/m", self.place, PLACES),
            ("samples", self.samples, SAMPLES),
            ("layout", self.layout, LAYOUTS),
            ("style", self.style, NOTATIONS),
        ):
            if value not in allowed:
                raise unknown_name(kind, value, allowed)

    @property
    def one(self) -> bool:
        """Whether a single sample is written."""
        return self.samples == "one" or self.style == "delta"

    @property
    def rows(self) -> bool:
        return self.samples == "rows"

    @property
    def numerator(self) -> bool:
        return self.layout == "numerator"

    def writing(self, *, plain: bool = False) -> Style:
        """The style of the writers."""
        return Style(self.style, "dZ" if self.one or self.place == "dZ" else "parameters", plain)


# Transposing -------------------------------------------------------------------------------------------------------

_BY_COLUMN = ("one_hot", "pick", "gather", "scatter_add", "uniform")  # ops whose labels are a row whatever comes


def transposed(node: Node, memo: dict[Node, Node]) -> Node:
    """The expression whose value is the transpose, in variables that are transposed themselves.

    Labels and counters stay as they are.
    """
    return _turned(node, memo, _variable, lambda x, done: done[x].T if x.shape != (1, 1) else done[x])


def _variable(n: Node) -> Node:
    if n.get("kind") != "real" or n.shape == (1, 1):
        return n if n.shape == (1, 1) else n.T
    return variable(n.name, n.shape.cols, n.shape.rows)


def pushed(
    node: Node, memo: dict[Node, Node], leaf: Callable[[Node], Node], straight: Callable[[Node], Node] = lambda x: x
) -> Node:
    """The transpose of an expression with the transposition carried to its leaves.

    leaf      transposes a variable; straight: an operand of a transpose, which stays as it is, in the new variables
    """
    return _turned(node, memo, leaf, lambda x, done: straight(x))


def _turned(
    node: Node,
    memo: dict[Node, Node],
    leaf: Callable[[Node], Node],
    of_transpose: Callable[[Node, Mapping[Node, Node]], Node],
) -> Node:
    for n in walk(node):
        if n in memo:
            continue
        name, attrs = n.op.name, dict(n.attrs)
        if n.is_variable:
            memo[n] = leaf(n)
        elif n.is_constant:
            memo[n] = constant(n.get("value"), n.shape.T, n.get("powers"))
        elif name == "matmul":
            memo[n] = memo[n.inputs[1]] @ memo[n.inputs[0]]
        elif name == "transpose":
            memo[n] = of_transpose(n.inputs[0], memo)
        elif name == "broadcast":
            attrs["rows"], attrs["cols"] = attrs["cols"], attrs["rows"]
            memo[n] = build(n.op, (memo[n.inputs[0]],), tuple(sorted(attrs.items())))
        elif "axis" in attrs:
            axis = attrs["axis"]
            attrs["axis"] = None if axis is None else 1 - cast(int, axis)
            memo[n] = build(n.op, (memo[n.inputs[0]],), tuple(sorted(attrs.items())))
        elif name in _BY_COLUMN:
            inputs = tuple(_straight(x, memo) for x in n.inputs)
            memo[n] = OPS["transpose"](build(n.op, inputs, n.attrs))
        else:
            memo[n] = build(n.op, tuple(memo[x] for x in n.inputs), n.attrs)
    return memo[node]


def _straight(x: Node, memo: Mapping[Node, Node]) -> Node:
    """An operand as it is, in the transposed variables."""
    turned = memo[x]
    return turned.inputs[0] if turned.op.name == "transpose" else turned if turned.shape == (1, 1) else turned.T


def rows_as_samples(found: Derivation) -> Derivation:
    """A derivation with every expression transposed: Z = A W + b, dW = 1/m Aᵀ dZ."""
    memo: dict[Node, Node] = {}

    def turn(n: Node) -> Node:
        return transposed(n, memo)

    steps = tuple(Step(s.rule, turn(s.target), turn(s.before), turn(s.after), s.why) for s in found.steps)
    return Derivation(
        turn(found.output),
        {turn(n): turn(c) for n, c in found.cotangents.items()},
        steps,
        {name: turn(n) for name, n in found.names.items()},
    )


# One sample --------------------------------------------------------------------------------------------------------

_LOWER = {"A": "a", "Z": "z", "X": "x", "Y": "y"}


def lower(name: str) -> str:
    """`A[1]` of all samples is `a[1]` of one."""
    if name[:4] in ("Xhat", "Yhat"):
        return name[0].lower() + name[1:]
    if name[:1] == "d" and name[1:2] in _LOWER:
        return "d" + lower(name[1:])
    return _LOWER.get(name[0], name[0]) + name[1:] if name[:1] in _LOWER and name[1:2] in ("", "[") else name


def one_sample(nodes: Iterable[Node], memo: dict[Node, Node], samples: Dim = "m") -> list[Node]:
    """Expressions for a single sample: m = 1, and lower-case letters for what has one column per sample."""

    def dim(d: Dim) -> Dim:
        return 1 if d == samples else d

    found = []
    for root in nodes:
        for n in walk(root):
            if n in memo:
                continue
            attrs = []
            for key, value in n.attrs:
                if isinstance(value, Shape):
                    value = Shape(dim(value.rows), dim(value.cols))
                elif key in ("rows", "cols", "classes"):
                    value = dim(cast(Dim, value))
                elif key == "name" and n.shape.cols == samples:
                    value = lower(str(value))
                elif key == "powers":
                    value = tuple((d, p) for d, p in cast(tuple[tuple[Dim, int], ...], value) if d != samples)
                attrs.append((key, value))
            memo[n] = build(n.op, tuple(memo[x] for x in n.inputs), tuple(attrs))
        found.append(memo[root])
    return found
