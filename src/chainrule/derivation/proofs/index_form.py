"""The entry of a matrix expression, written out from the component forms in the op records.

`C_ij = Σ_k A_ik B_kj` is a string of the record; here it is read, and put together along the graph: an entry of
`W @ A + b` is `Σ_u W_ku A_uv + b_k`. Nothing about an operation is repeated.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from ...errors import DerivationError
from ...graph import OPS, Dim, Node, Op
from . import indexed
from .indexed import Delta, Entry, Expr, Function, Indices, Label, Place

_TOKEN = re.compile(
    r"\s*(?:(?P<sum>Σ)_(?P<over>[a-z]+)"
    r"|(?P<label>[A-Za-z])_(?:\((?P<y>[a-z])_(?P<at>[a-z])\),?\s?(?P<after>[a-z])|(?P<before>[a-z]),\((?P<y2>[a-z])_(?P<at2>[a-z])\))"
    r"|(?P<entry>[A-Za-z])_(?P<places>[a-z]{1,2})(?![a-z])"
    r"|(?P<word>[A-Za-z]+)|(?P<number>\d+)|(?P<sign>[-+/^()|>=,√\[\]]))"
)
# What the signs of the records call; everything else is arithmetic.
_CALLS = {
    "ln": "log",
    "sin": "sin",
    "cos": "cos",
    "erf": "erf",
    "tanh": "tanh",
    "sgn": "sign",
    "max": "maximum",
    "min": "minimum",
}
_ITSELF = object()  # a form by branches: the operation stands for itself


@dataclass(frozen=True)
class Form:
    """A component form that was read: letters of the entry on the left, the tree on the right."""

    left: str
    right: object


class _Reader:
    """Recursive descent over one right side."""

    def __init__(self, text: str, op: Op) -> None:
        self.op, self.text = op, text
        self.tokens: list[re.Match[str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise self.failed()
            self.tokens.append(found)
            at = found.end()
        self.place = 0

    def failed(self) -> DerivationError:
        return DerivationError(f"{self.op.name}: its component form {self.op.components!r} has no index notation")

    def peek(self) -> str:
        return self.tokens[self.place].group().strip() if self.place < len(self.tokens) else ""

    def kind(self) -> str:
        return str(self.tokens[self.place].lastgroup) if self.place < len(self.tokens) else ""

    def take(self, wanted: str = "") -> re.Match[str]:
        if self.place >= len(self.tokens) or (wanted and self.peek() != wanted):
            raise self.failed()
        self.place += 1
        return self.tokens[self.place - 1]

    def whole(self) -> object:
        tree = self.sum()
        if self.peek() == "if":
            self.take()
            condition = self.condition()
            self.take("else")
            other = self.sum()
            tree = ("delta", *condition) if condition and (tree, other) == (("number", 1), ("number", 0)) else _ITSELF
        if self.place < len(self.tokens):
            raise self.failed()
        return tree

    def condition(self) -> tuple[object, ...]:
        """`i = y_j` as the two places of a delta; any other condition belongs to a form by branches."""
        left = self.sum()
        if self.peek() == "=":
            self.take()
            return (left, self.sum())
        self.take(">")
        self.sum()
        return ()

    def sum(self) -> object:
        negated = self.peek() == "-"
        if negated:
            self.take()
        tree = self.product()
        tree = ("negate", tree) if negated else tree
        while self.peek() in ("+", "-"):
            sign = self.take().group().strip()
            right = self.product()
            tree = ("add", tree, right if sign == "+" else ("negate", right))
        return tree

    def product(self) -> object:
        tree = self.factor()
        while (
            self.peek() == "/"
            or self.kind() in ("sum", "after", "at2", "places", "number")
            or self.peek() in ("(", "[")
        ):
            if self.peek() == "/":
                self.take()
                tree = ("multiply", tree, ("power", self.factor(), ("number", -1)))
            else:
                tree = ("multiply", tree, self.factor())
        return tree

    def factor(self) -> object:
        if self.kind() == "over":
            over = self.take()["over"]
            return ("sum", over, self.product())
        tree = self.atom()
        if self.peek() == "^":
            self.take()
            negated = self.peek() == "-"
            if negated:
                self.take()
            raised = self.atom()
            raised = ("negate", raised) if negated else raised
            return ("call", "exp", raised) if tree == ("name", "e") else ("power", tree, raised)
        return tree

    def atom(self) -> object:
        t = self.take()
        sign = t["sign"]
        if sign == "(":
            tree = self.sum()
            self.take(")")
            return tree
        if sign == "|":
            tree = self.sum()
            self.take("|")
            return ("call", "abs", tree)
        if sign == "[":
            places = self.condition()
            self.take("]")
            return ("delta", *places)
        if sign == "√":
            return ("power", self.atom(), ("number", Fraction(1, 2)))
        if t["number"]:
            return ("number", int(t["number"]))
        if t["label"]:
            if t["y"]:
                return ("entry", t["label"], (("label", t["y"], t["at"]), t["after"]))
            return ("entry", t["label"], (t["before"], ("label", t["y2"], t["at2"])))
        if t["entry"]:
            return ("entry", t["entry"], tuple(t["places"]))
        if t["word"] in _CALLS:
            if self.peek() != "(":
                return ("call", _CALLS[t["word"]], self.factor())
            self.take("(")
            arguments = [self.sum()]
            while self.peek() == ",":
                self.take()
                arguments.append(self.sum())
            self.take(")")
            return ("call", _CALLS[t["word"]], *arguments)
        if t["word"]:
            return ("name", t["word"])
        raise self.failed()


@cache
def forms(op: Op) -> tuple[dict[int | None, Form], list[Form]]:
    """What a record says of its entries: the forms by axis, and the alternatives joined by "or".

    Raises `DerivationError` for an op whose record has no index notation (random numbers, leaves, largest entries).
    """
    main, _, rest = op.components.partition(" (axis ")
    by_axis: dict[int | None, str] = {None: main}
    for part in rest.rstrip(")").split("; axis ") if rest else ():
        number, _, text = part.partition(": ")
        by_axis[int(number)] = text
    alternatives: list[Form] = []
    found: dict[int | None, Form] = {}
    for axis, text in by_axis.items():
        left, equals, right = text.partition(" = ")
        if not equals:
            raise DerivationError(f"{op.name}: its component form {op.components!r} is no equation")
        letters = left.partition("_")[2]
        each = [Form(letters, _Reader(t, op).whole()) for t in right.split(" or ")]
        found[axis] = each[0]
        alternatives += each if len(each) > 1 else []
    return found, alternatives


def _form(node: Node) -> Form:
    """The form for this node: of its axis, or the alternative that fits what is repeated."""
    found, alternatives = forms(node.op)
    if alternatives:
        kept = "".join(x for x, d in zip("ij", node.inputs[0].shape, strict=True) if d != 1)
        for each in alternatives:
            places = each.right[2] if isinstance(each.right, tuple) and each.right[0] == "entry" else ()
            if "".join(places) == kept:
                return each
        return Form("ij", ("entry", "A", ("i", "j")))  # nothing is repeated
    if not any(key == "axis" for key, _ in node.attrs):
        return found[None]
    axis = node.get("axis")
    if len(found) > 1:
        return found[axis]
    over = {0: "i", 1: "j", None: "ij"}[axis]  # the record writes the sum over one axis; the others are alike
    form = found[None]
    return Form("".join(x for x in "ij" if x not in over), _over(form.right, over))


def _over(tree: object, letters: str) -> object:
    if not isinstance(tree, tuple):
        return tree
    if tree[0] == "sum":
        return ("sum", letters, tree[2])
    return tuple(_over(x, letters) if isinstance(x, tuple) and tree[0] != "entry" else x for x in tree)


@cache
def operand_letters(op: Op) -> dict[str, int]:
    """Letter of a component form -> number of the operand: parameters of `forward`, else order of appearance."""
    try:
        named = list(inspect.signature(op.forward).parameters)[: op.arity]
    except (TypeError, ValueError):
        named = []
    right = op.components.partition("=")[2]
    used = list(
        dict.fromkeys(re.findall(r"(?<![A-Za-z])([A-Z])(?:_|\b)", right) + re.findall(r"([a-z])_[a-z]\b", right))
    )
    places = {n: k for k, n in enumerate(named)}
    if all(letter.lower() in places for letter in used):
        return {letter: places[letter.lower()] for letter in used}
    return {letter: k for k, letter in enumerate(used)}


class Writer:
    """Writes entries of expressions in index notation.

    indices  where new letters come from
    given    variables that stand for expressions (the operands of a scalar function)
    opaque   nodes that are an unknown function g of an argument, entry by entry: node -> argument
    """

    def __init__(
        self, indices: Indices, given: Mapping[Node, Expr] | None = None, opaque: Mapping[Node, Node] | None = None
    ) -> None:
        self.indices, self.given, self.opaque = indices, given or {}, opaque or {}

    def entry(self, node: Node, row: Place, col: Place) -> Expr:
        """The entry of `node` at (row, col), None for the only row or column.

        Raises `DerivationError` for an operation without index notation.
        """
        if node in self.given:
            return indexed.renewed(self.given[node], self.indices)
        row, col = None if node.shape.rows == 1 else row, None if node.shape.cols == 1 else col
        if node in self.opaque:
            return indexed.single(indexed.Unknown(node, self.opaque[node], 0, row, col))
        if node.is_variable:
            return indexed.single(Entry(node, row, col))
        if node.is_constant:
            value = node.get("value")
            if not isinstance(value, Fraction):
                raise DerivationError(f"the constant {value} has no place in a proof")
            return indexed.number(value, node.get("powers"))
        form = _form(node)
        places: dict[str, Place] = {}
        if len(form.left) == 2:
            places = dict(zip(form.left, (row, col), strict=True))
        elif form.left:
            places = {form.left: row if node.shape.cols == 1 and node.shape.rows != 1 else col}
        return self._written(form.right, node, places)

    def _written(self, tree: object, node: Node, places: dict[str, Place]) -> Expr:
        if tree is _ITSELF:
            inner = dict(zip("ij", places.values(), strict=True))
            return self._call(node.op.name, [self.entry(x, inner["i"], inner["j"]) for x in node.inputs], node)
        assert isinstance(tree, tuple)
        kind, *rest = tree
        if kind == "number":
            return indexed.number(rest[0])
        if kind == "name":
            return (
                indexed.number(node.get(rest[0]))
                if rest[0] in dict(node.attrs)
                else self._entry(rest[0], (), node, places)
            )
        if kind == "entry":
            return self._entry(rest[0], rest[1], node, places)
        if kind == "add":
            return indexed.plus(*(self._written(x, node, places) for x in rest))
        if kind == "negate":
            return indexed.negative(self._written(rest[0], node, places))
        if kind == "multiply":
            return indexed.times(*(self._written(x, node, places) for x in rest))
        if kind == "sum":
            return self._sum(rest[0], rest[1], node, places)
        if kind == "delta":
            return self._delta(rest, node, places)
        arguments = [self._written(x, node, places) for x in (rest if kind == "power" else rest[1:])]
        return self._call("power" if kind == "power" else rest[0], arguments, node)

    def _call(self, name: str, arguments: list[Expr], node: Node) -> Expr:
        if name == "power":
            exponent = _number(arguments[1])
            if exponent is not None and exponent.denominator == 1:
                return indexed.power(arguments[0], int(exponent))
        return indexed.single(Function(OPS[name], tuple(arguments), node.attrs if name == node.op.name else ()))

    def _entry(self, letter: str, at: tuple[object, ...], node: Node, places: Mapping[str, Place]) -> Expr:
        operand = node.inputs[operand_letters(node.op)[letter]]
        found = [self._place(x, node, places) for x in at]
        if len(found) < 2:
            found = [None, *found] if operand.shape.rows == 1 else [*found, None]
        return self.entry(operand, *[*found, None, None][:2])

    def _place(self, at: object, node: Node, places: Mapping[str, Place]) -> Place:
        if isinstance(at, str):
            return places[at]
        assert isinstance(at, tuple)
        _, letter, inner = at
        place = places[inner]
        assert not isinstance(place, Label)
        return Label(node.inputs[operand_letters(node.op)[letter]], place)

    def _delta(self, sides: list[object], node: Node, places: Mapping[str, Place]) -> Expr:
        found: list[str | Label] = []
        for side in sides:
            assert isinstance(side, tuple)
            place = places[side[1]] if side[0] == "name" else self._place(("label", side[1], *side[2]), node, places)
            if place is None:
                raise DerivationError(f"{node.op.name}: a single class has no index")
            found.append(place)
        return indexed.single(Delta(*found))

    def _sum(self, over: str, body: object, node: Node, places: dict[str, Place]) -> Expr:
        inner = dict(places)
        extents: dict[str, Dim] = {}
        for letter in over:
            dim = self._extent(letter, body, node)
            new = self.indices.fresh(dim)
            inner[letter] = new
            if new is not None:
                extents[new] = dim
        return indexed.summed(self._written(body, node, inner), extents)

    def _extent(self, letter: str, tree: object, node: Node) -> Dim:
        """How far a bound letter runs: the size of an operand at the place where the letter stands."""
        if isinstance(tree, tuple):
            if tree[0] == "entry" and letter in tree[2]:
                shape = node.inputs[operand_letters(node.op)[tree[1]]].shape
                return shape[tree[2].index(letter)] if len(tree[2]) == 2 else max(shape, key=lambda d: d != 1)
            for x in tree[1:]:
                if isinstance(x, tuple):
                    found = self._extent(letter, x, node)
                    if found != 0:
                        return found
        return 0


def _number(x: Expr) -> Fraction | None:
    if not x:
        return Fraction(0)
    return x[0].number if len(x) == 1 and not x[0].factors and not x[0].powers else None
