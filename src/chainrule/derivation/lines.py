"""Expressions with named parts, and how they become lines of a document under the conventions.

Between derivation and print every right side is a small expression over *named variables*: `1/m dZ[2] A[1]ᵀ` in the
variables `dZ[2]` and `A[1]`. Conventions transform these; only then is a formula written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..graph import Node, Shape, build, variable, walk
from ..graph.shape import show
from ..notation.formula import ONE, Binary, Equation, Formula, Negate, Number
from ..notation.from_graph import entry, entry_of, formula, place_of, symbol
from ..notation.write import text
from ..notation.writing.forms import is_scalar
from .conventions import Conventions, pushed, transposed
from .document import Line


@dataclass
class Names:
    """Which expressions are written as names.

    Of several names of one expression the one entered last is written; `own` gives the expression behind a name with
    every other named part by its name.
    """

    _of: dict[Node, Node] = field(default_factory=dict)  # expression -> the variable it is written as
    _memo: dict[Node, Node] = field(default_factory=dict)

    def enter(self, name: str, node: Node) -> None:
        """Write an expression as a name from now on."""
        if not node.is_constant and not node.is_variable:
            self._of[node] = variable(name, node.shape.rows, node.shape.cols)
            self._memo.clear()

    def enter_all(self, named: Iterable[tuple[str, Node]]) -> None:
        for name, node in named:
            self.enter(name, node)

    def own(self, node: Node) -> Node:
        """The expression itself, its parts by their names."""
        if node.is_variable or node.is_constant:
            return node
        return build(node.op, tuple(self.by_name(x) for x in node.inputs), node.attrs)

    def by_name(self, node: Node) -> Node:
        """The expression as it stands in another one: by its name if it has one."""
        memo = self._memo
        stack = [node]
        while stack:
            n = stack[-1]
            if n in memo:
                stack.pop()
                continue
            if n in self._of:
                memo[n] = self._of[n]
            elif not n.inputs:
                memo[n] = n
            else:
                missing = [x for x in n.inputs if x not in memo]
                if missing:
                    stack.extend(missing)
                    continue
                inputs = tuple(memo[x] for x in n.inputs)
                memo[n] = n if inputs == n.inputs else build(n.op, inputs, n.attrs)
            stack.pop()
        return memo[node]


@dataclass
class Setter:
    """Makes lines under one set of conventions.

    special  names that are written as another formula than their symbol, e.g. `g[1]'(Z[1])`
    taken    letters of sizes, which are no indices
    """

    conventions: Conventions
    special: dict[str, Formula] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    _turned: dict[Node, Node] = field(default_factory=dict)
    _pushed: dict[Node, Node] = field(default_factory=dict)
    _names: dict[Node, Formula] = field(default_factory=dict)

    def line(
        self,
        left: str | Formula,
        *right: Node | Formula,
        shape: Shape | None = None,
        rule: str = "",
        why: str = "",
        relation: str = "=",
        label: str | None = None,
    ) -> Line:
        """`left = right = …`; the shape is that of what stands left, before conventions."""
        gradient = isinstance(left, str) and is_gradient(left)
        nodes = [self.convention(x, gradient) if isinstance(x, Node) else x for x in right]
        first = next((x for x in nodes if isinstance(x, Node)), None)
        found = first.shape if first is not None else None
        if found is None and shape is not None:
            turned = self.conventions.rows != (self.conventions.numerator and gradient)
            found = shape.T if turned else shape
        name = self.named(left) if isinstance(left, str) else left
        if self.conventions.style == "components" and found is not None:
            sides = self._entries(name, nodes, found)
        else:
            sides = (name, *(self.whole(x) if isinstance(x, Node) else x for x in nodes))
        return Line(
            Equation(sides, (relation, *("=",) * (len(sides) - 2))),
            rule,
            why,
            None if found is None else (show(found.rows), show(found.cols)),
            label if label is not None else left if isinstance(left, str) else "",
        )

    def convention(self, node: Node, gradient: bool) -> Node:
        """A right side under the conventions: samples as rows, then the layout of derivatives."""
        if self.conventions.rows:
            node = transposed(node, self._turned)
        if not self.conventions.numerator:
            return node
        if gradient:
            return pushed(node, self._pushed, _numerator_transpose, _in_numerator)
        return _in_numerator(node)

    def say(self, name: str) -> str:
        """A name in prose, in the style's letters."""
        return text(self.named(name), self.conventions.writing())

    def named(self, name: str) -> Formula:
        """The formula of a name."""
        return self.special.get(name) or symbol(name)

    def names_of(self, node: Node) -> Mapping[Node, Formula]:
        for x in walk(node):
            if x.is_variable and x not in self._names:
                self._names[x] = self.named(x.name)
        return self._names

    def whole(self, node: Node) -> Formula:
        """The formula of a right side."""
        written = formula(node, self.names_of(node)).mapped(_tidied)
        return written if not self.conventions.one else outer_products(node, written, self)

    def _entries(self, name: Formula, nodes: list[Node | Formula], shape: Shape) -> tuple[Formula, ...]:
        place = place_of(shape)
        sides = [entry_of(name, shape, place)]
        for x in nodes:
            if isinstance(x, Node):
                sides.append(entry(x, place, self.names_of(x), taken="".join(self.taken)).mapped(_tidied))
            else:
                sides.append(entry_of(x, shape, place))
        return tuple(sides)


def _tidied(part: Formula) -> Formula:
    """Numbers in front and signs outside: `2 λ` for λ · 2, `2/s · A` for 2 · 1/s · A, `-y / a` for (-y) / a."""
    match part:
        case Binary(sign="·", left=Number(value=value), right=right) if value < 0:
            return Negate(right if value == -1 else _tidied(Binary("·", Number(-value), right)))
        case Binary(sign="·", left=Number() as c, right=Binary(sign="·", left=Binary(sign="/") as factor, right=whole)):
            return Binary("·", Binary("/", c, factor.right), whole) if factor.left == ONE else part
        case Binary(sign="·" | "∘" | "@" | "/" as sign, left=Negate(operand=left), right=right):
            return Negate(_tidied(Binary(sign, left, right)))
        case Binary(sign="·", left=left, right=Number() as number) if not isinstance(left, Number):
            return _tidied(Binary("·", number, left))
        case Binary(sign="·" | "∘" as sign, left=left, right=Binary(sign="·", left=Number() as number, right=right)):
            return Binary("·", number, _tidied(Binary(sign, left, right))) if not is_scalar(left) else part
        case Binary(sign="+", left=left, right=Negate(operand=right)):
            return Binary("-", left, right)
    return part


def is_gradient(name: str) -> bool:
    """Whether a name is that of a derivative of the cost: dW[1], dZ[2], not the mask D[1]."""
    return name.startswith("d") and len(name) > 1


def _is_gradient_variable(x: Node) -> bool:
    return x.is_variable and is_gradient(x.name)


def _gradient_in_numerator(x: Node) -> Node:
    return variable(x.name, x.shape.cols, x.shape.rows)


def _in_numerator(node: Node) -> Node:
    """An expression with the transposes of derivatives in numerator layout for those in the other."""
    table = {x: _gradient_in_numerator(x).T for x in walk(node) if _is_gradient_variable(x)}
    return _replaced(node, table) if table else node


def _numerator_transpose(x: Node) -> Node:
    if _is_gradient_variable(x):
        return _gradient_in_numerator(x)
    return x if x.shape == (1, 1) else x.T


def _replaced(node: Node, table: Mapping[Node, Node]) -> Node:
    memo: dict[Node, Node] = {}
    for n in walk(node):
        memo[n] = table[n] if n in table else build(n.op, tuple(memo[x] for x in n.inputs), n.attrs) if n.inputs else n
    return memo[node]


def outer_products(node: Node, written: Formula, setter: Setter) -> Formula:
    """`u vᵀ` of two vectors as `u ⊗ v` in the style that has this sign."""
    if setter.conventions.style != "delta":
        return written
    found: dict[Formula, Formula] = {}
    names = setter.names_of(node)
    for n in walk(node):
        if n.op.name != "matmul" or n.inputs[0].shape.cols != 1:
            continue
        a, b = n.inputs
        if setter.conventions.rows:
            pair = (a.inputs[0], b) if a.op.name == "transpose" else None
        else:
            pair = (a, b.inputs[0]) if b.op.name == "transpose" else None
        if pair is not None and not any(x.is_variable and x.name.startswith("W") for x in pair):
            found[formula(n, names)] = Binary("⊗", formula(pair[0], names), formula(pair[1], names))
    return written.mapped(lambda f: found.get(f, f)) if found else written
