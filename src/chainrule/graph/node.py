"""Matrix expressions: immutable, hash-consed nodes, and the record that describes an operation.

A node is (op, inputs, attributes, symbolic shape). Building the same expression twice gives the same object, so
equality of graphs is identity. This floor owns the *form* of a record and the registry; the records themselves stand
in `chainrule.ops`, one per operation.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from threading import RLock
from typing import Any, cast
from weakref import WeakValueDictionary

from ..errors import ShapeError, unknown_name
from .shape import AUTOMATIC, SCALAR, Dim, Shape, UnifyError, join

Attrs = tuple[tuple[str, Hashable], ...]
Number = int | float | Fraction

OPS: dict[str, Op] = {}
DIM_ATTRS = ("rows", "cols", "classes")  # attributes of ops that hold a dimension


@dataclass(frozen=True, eq=False, kw_only=True)
class Op:
    """Everything that is known of one operation.

    equation    what it computes, in print
    shape       (shapes of the inputs, attributes) -> shape; raises `ShapeError` or `UnifyError`
    forward     (arrays..., attributes as keywords) -> array; analytic, so that it accepts complex input
    backward    (node, cotangent) -> one graph expression per input (None where there is no derivative)
    components  index notation of one entry of the result; `{0}`, `{1}` are the operands
    text, latex templates; `binding` is the precedence of the printed form (100 never needs parentheses)
    kernel      scalar expression in the operands a, b, c and the attributes, for point-wise operations
    domain      interval per operand from which tests may draw
    kinks       (arrays..., attributes) -> array that vanishes where the derivative jumps; None where smooth
    """

    name: str
    arity: int
    equation: str
    forward: Callable[..., Any]
    backward: Callable[[Node, Node], tuple[Node | None, ...]] | None
    components: str
    text: str
    latex: str
    doc: str
    shape: Callable[[tuple[Shape, ...], Mapping[str, Any]], Shape] | None = None
    binding: int = 100
    kernel: str | None = None
    domain: tuple[tuple[float, float], ...] = ()
    kinks: Callable[..., Any] | None = None
    random: bool = False

    def __post_init__(self) -> None:
        if self.name in OPS:
            raise ValueError(f"the operation {self.name!r} is already recorded")
        if (self.shape is None) != (self.kernel is not None):
            raise ValueError(f"{self.name}: a point-wise operation has a kernel, any other a shape rule")
        OPS[self.name] = self

    @property
    def pointwise(self) -> bool:
        """Whether every entry of the result depends on the entries of the same place alone."""
        return self.kernel is not None

    def __call__(self, *inputs: Node | Number, **attrs: Hashable) -> Node:
        """Build the node of this operation, broadcasting and unifying shapes as needed."""
        return build(self, tuple(as_node(x) for x in inputs), tuple(sorted(attrs.items())))

    def __repr__(self) -> str:
        return f"<op {self.name}: {self.equation}>"


class Node:
    """A matrix expression. Never made directly: by `variable`, `constant`, operators and the ops.

    `W @ A + b`, `Y * log(Yhat)`, `-x`, `x / 2`, `x ** 2`, `x.T` build expressions. `@` is the matrix product, `*` the
    Hadamard product; a matrix of one row or column, or a number, is broadcast.
    """

    __slots__ = ("__weakref__", "attrs", "inputs", "op", "shape")
    op: Op
    inputs: tuple[Node, ...]
    attrs: Attrs
    shape: Shape
    __array_ufunc__ = None  # NumPy must not take over `array * node`

    def __init__(self) -> None:
        raise TypeError("nodes are built by variable(), constant(), operators and ops")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("expressions are immutable")

    def get(self, attr: str) -> Any:
        """Value of an attribute."""
        for key, value in self.attrs:
            if key == attr:
                return value
        raise KeyError(attr)

    @property
    def is_variable(self) -> bool:
        return self.op.name == "variable"

    @property
    def is_constant(self) -> bool:
        return self.op.name == "constant"

    @property
    def name(self) -> str:
        """Name of a variable."""
        return cast(str, self.get("name"))

    def __add__(self, other: Node | Number) -> Node:
        return OPS["add"](self, other)

    def __radd__(self, other: Node | Number) -> Node:
        return OPS["add"](other, self)

    def __sub__(self, other: Node | Number) -> Node:
        return OPS["subtract"](self, other)

    def __rsub__(self, other: Node | Number) -> Node:
        return OPS["subtract"](other, self)

    def __mul__(self, other: Node | Number) -> Node:
        return OPS["multiply"](self, other)

    def __rmul__(self, other: Node | Number) -> Node:
        return OPS["multiply"](other, self)

    def __truediv__(self, other: Node | Number) -> Node:
        return OPS["divide"](self, other)

    def __rtruediv__(self, other: Node | Number) -> Node:
        return OPS["divide"](other, self)

    def __pow__(self, other: Node | Number) -> Node:
        return OPS["power"](self, other)

    def __rpow__(self, other: Node | Number) -> Node:
        return OPS["power"](other, self)

    def __matmul__(self, other: Node) -> Node:
        return OPS["matmul"](self, other)

    def __neg__(self) -> Node:
        return OPS["negate"](self)

    @property
    def T(self) -> Node:
        """The transposed matrix."""
        return OPS["transpose"](self)

    def __repr__(self) -> str:
        return f"<{self} : {self.shape}>"

    def __bool__(self) -> bool:
        raise TypeError("an expression has no truth value; compare its numbers, or use step() and where()")

    def __reduce__(self) -> tuple[Any, ...]:
        return build, (self.op, self.inputs, self.attrs)

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: object) -> Node:
        return self


def _recorded(name: str) -> Op:
    return OPS[name]


def _reduce_op(op: Op) -> tuple[Any, ...]:
    return _recorded, (op.name,)


Op.__reduce__ = _reduce_op  # type: ignore[assignment,method-assign]  # records are found by name, never copied


_interned: WeakValueDictionary[Hashable, Node] = WeakValueDictionary()
_interning = RLock()  # a collected node may run code that builds nodes


def _intern(op: Op, inputs: tuple[Node, ...], attrs: Attrs, shape: Shape) -> Node:
    key = (op.name, inputs, attrs)
    node = _interned.get(key)
    if node is not None:
        return node
    with _interning:  # two threads must not make two nodes of one expression
        node = _interned.get(key)
        if node is None:
            node = object.__new__(Node)
            for slot, value in (("op", op), ("inputs", inputs), ("attrs", attrs), ("shape", shape)):
                object.__setattr__(node, slot, value)
            _interned[key] = node
        return node


def build(op: Op, inputs: tuple[Node, ...], attrs: Attrs) -> Node:
    """Make (or find) a node: check the arity, unify symbolic shapes, broadcast the operands of point-wise ops."""
    if len(inputs) != op.arity:
        raise ShapeError(f"{op.name}: expected {op.arity} operands, received {len(inputs)}")
    given = dict(attrs)
    while True:
        shapes = tuple(x.shape for x in inputs)
        try:
            if op.shape is None:
                shape = join(op.name, shapes)
                inputs = tuple(broadcast_to(x, shape) for x in inputs)
            else:
                shape = op.shape(shapes, given)
            return _intern(op, inputs, attrs, shape)
        except UnifyError as u:
            memo: dict[Node, Node] = {}
            inputs = tuple(rename_dim(x, u.old, u.new, memo) for x in inputs)


def broadcast_to(x: Node, shape: Shape) -> Node:
    """Repeat a matrix of one row and/or one column; a constant simply takes the new shape."""
    if x.shape == shape:
        return x
    if x.is_constant:
        return constant(x.get("value"), shape, x.get("powers"))
    return OPS["broadcast"](x, rows=shape.rows, cols=shape.cols)


def as_node(x: Node | Number) -> Node:
    """A number becomes the 1 × 1 constant."""
    if isinstance(x, Node):
        return x
    return constant(x)


def exact(value: Number) -> Fraction | float:
    """A number as a fraction, read from its shortest decimal form (0.1 is 1/10); NaN and ±inf stay floats.

    Exact coefficients let `1 - ε + ε` collapse to 1, which label smoothing needs for `1ᵀY = 1ᵀ`.
    """
    if isinstance(value, int | Fraction):
        return Fraction(value)
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        return number
    return Fraction(repr(number))


def constant(value: Number, shape: Shape = SCALAR, powers: tuple[tuple[str, int], ...] = ()) -> Node:
    """The matrix filled with `value · Π dim^power`: numbers, and sizes such as `1/m` while m is a symbol."""
    powers = tuple(sorted((d, p) for d, p in powers if p))
    return build(OPS["constant"], (), (("powers", powers), ("shape", shape), ("value", exact(value))))


def size(dim: Dim, power: int = 1) -> Node:
    """The number of rows or columns that a symbol stands for, as a 1 × 1 constant: `size("m", -1)` is 1/m."""
    if isinstance(dim, int):
        return constant(Fraction(dim) ** power)
    return constant(1, SCALAR, ((dim, power),))


def variable(
    name: str, rows: Dim | None = None, cols: Dim | None = None, *, kind: str = "real", assume: tuple[str, ...] = ()
) -> Node:
    """A named matrix whose numbers come later.

    rows, cols  numbers or symbols; None for a size nobody named, to be found when graphs are joined
    kind        "real", "label" (integers 0..K-1, one row) or "counter" (an integer, 1 × 1, for random draws)
    assume      facts the laws may use: "columns sum to one" (one-hot or probability targets), "positive"
    """
    if kind not in ("real", "label", "counter"):
        raise unknown_name("kind of variable", kind, ["real", "label", "counter"])
    shape = Shape(
        f"{AUTOMATIC}{name}.rows" if rows is None else rows, f"{AUTOMATIC}{name}.cols" if cols is None else cols
    )
    for dim in shape:
        if isinstance(dim, int) and dim < 1:
            raise ShapeError(f"variable {name}: expected sizes of at least 1, received {shape}")
    attrs = (("assume", tuple(sorted(assume))), ("kind", kind), ("name", name), ("shape", shape))
    return build(OPS["variable"], (), attrs)


def walk(*roots: Node) -> Iterator[Node]:
    """Every node below the roots once, inputs before the nodes that use them."""
    seen: set[Node] = set()
    stack = [(r, False) for r in reversed(roots)]
    while stack:
        node, done = stack.pop()
        if done:
            yield node
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((x, False) for x in reversed(node.inputs) if x not in seen)


def variables(*roots: Node) -> dict[str, Node]:
    """The variables below the roots by name; one name with two shapes is a `ShapeError`."""
    found: dict[str, Node] = {}
    for node in walk(*roots):
        if node.is_variable:
            other = found.setdefault(node.name, node)
            if other is not node:
                raise ShapeError(
                    f"variable {node.name}: expected one shape and kind everywhere, "
                    f"received {other.shape} and {node.shape}"
                )
    return found


def substitute(node: Node, table: Mapping[Node, Node], memo: dict[Node, Node] | None = None) -> Node:
    """Replace nodes by others throughout an expression."""
    memo = {} if memo is None else memo
    for n in walk(node):
        if n in memo:
            continue
        if n in table:
            memo[n] = table[n]
        else:
            inputs = tuple(memo[x] for x in n.inputs)
            memo[n] = n if inputs == n.inputs else build(n.op, inputs, n.attrs)
    return memo[node]


def rename_dim(node: Node, old: str, new: Dim, memo: dict[Node, Node] | None = None) -> Node:
    """Rewrite an expression with one symbol of its shapes replaced."""
    memo = {} if memo is None else memo

    def dim(d: Dim) -> Dim:
        return new if d == old else d

    for n in walk(node):
        if n in memo:
            continue
        attrs = []
        for key, value in n.attrs:
            if isinstance(value, Shape):
                value = Shape(dim(value.rows), dim(value.cols))
            elif key in DIM_ATTRS:
                value = dim(cast(Dim, value))
            attrs.append((key, value))
        if n.is_constant and any(d == old for d, _ in n.get("powers")):
            memo[n] = _rename_powers(n, old, new, dict(attrs)["shape"])  # type: ignore[arg-type]
        else:
            memo[n] = build(n.op, tuple(memo[x] for x in n.inputs), tuple(attrs))
    return memo[node]


def _rename_powers(n: Node, old: str, new: Dim, shape: Shape) -> Node:
    value: Fraction = n.get("value")
    powers: dict[str, int] = {}
    for d, p in n.get("powers"):
        if d == old and isinstance(new, int):
            value *= Fraction(new) ** p
        else:
            key = cast(str, new) if d == old else d
            powers[key] = powers.get(key, 0) + p
    return constant(value, shape, tuple(powers.items()))
