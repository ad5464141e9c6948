"""Expressions of the derived graph in the words of a language, with no more brackets than they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from ...errors import DerivationError
from ...graph import SCALAR, Node, Shape, walk
from .spelling import letters
from .words import Language

_ATOM, _POWER, _NEGATE, _PRODUCT, _SUM = 100, 70, 60, 50, 30


class Writer:
    """Writes expressions in a language's words, nodes that have a name by that name.

    names    node -> its name; names may be added between expressions
    like     name of the data whose number type a bare number takes
    helpers  functions that the code calls, added as they are met
    """

    def __init__(self, words: Language, names: dict[Node, str], like: str, helpers: dict[str, None]) -> None:
        self.words, self.names, self.like, self.helpers = words, names, like, helpers

    def full(self, node: Node) -> str:
        """Code whose value has the node's shape."""
        code, _, shape = self._code(node)
        return self._whole(node, code, shape)

    def _whole(self, node: Node, code: str, shape: Shape) -> str:
        """Code of a value that is repeated to the shape of its node where it is smaller, or a bare number."""
        fixed = not any(n.is_variable for n in walk(node))
        if shape == node.shape and not fixed:
            return code
        template = self.words.full if fixed else self.words.broadcast
        return template.format(code, node.shape.rows, node.shape.cols, like=self.like)

    def _code(self, root: Node) -> tuple[str, int, Shape]:
        """Code, how strongly it binds, and the shape that its value has before it is repeated."""
        done: dict[Node, tuple[str, int, Shape]] = {}
        for n in _until(root, self.names):
            if n in self.names:
                done[n] = (self.names[n], _ATOM, n.shape)
            elif n.is_variable:
                done[n] = (letters(n.name), _ATOM, n.shape)
            elif n.is_constant:
                done[n] = (*_constant(n), SCALAR)
            elif n.op.name == "broadcast":
                done[n] = done[n.inputs[0]]
            else:
                done[n] = self._apply(n, [done[x] for x in n.inputs])
        return done[root]

    def _apply(self, n: Node, parts: list[tuple[str, int, Shape]]) -> tuple[str, int, Shape]:
        name = n.op.name
        if n.op.pointwise:
            rows = next((p[2].rows for p in parts if p[2].rows != 1), 1)
            cols = next((p[2].cols for p in parts if p[2].cols != 1), 1)
            code, binding = self._pointwise(n, parts)
            return code, binding, Shape(rows, cols)
        wholes = [
            p if (code := self._whole(x, p[0], p[2])) == p[0] else (code, _ATOM, x.shape)
            for p, x in zip(parts, n.inputs, strict=True)
        ]
        if name == "matmul":
            (a, p, _), (b, q, _) = wholes
            return f"{_within(a, p, _PRODUCT)} @ {_within(b, q, _PRODUCT + 1)}", _PRODUCT, n.shape
        if name == "transpose":
            return f"{_within(wholes[0][0], wholes[0][1], _ATOM)}.T", _ATOM, n.shape
        if name not in self.words.calls:
            raise DerivationError(f"{name}: this operation cannot be written as a {self.words.title} program")
        attrs = self._attributes(n)
        return self._call(name, [p[0] for p in wholes], attrs), _ATOM, n.shape

    def _pointwise(self, n: Node, parts: list[tuple[str, int, Shape]]) -> tuple[str, int]:
        name = n.op.name
        codes = [p[0] for p in parts]
        if name in ("add", "subtract"):
            sign, least = ("+", _SUM) if name == "add" else ("-", _SUM + 1)
            right = f"({codes[1]})" if codes[1].startswith("-") else _within(codes[1], parts[1][1], least)
            return f"{_within(codes[0], parts[0][1], _SUM)} {sign} {right}", _SUM
        if name in ("multiply", "divide"):
            sign = "*" if name == "multiply" else "/"
            return (
                f"{_within(codes[0], parts[0][1], _PRODUCT)} {sign} {_within(codes[1], parts[1][1], _PRODUCT + 1)}",
                _PRODUCT,
            )
        if name == "negate":
            return f"-{_within(codes[0], parts[0][1], _NEGATE)}", _NEGATE - 20
        if name == "power":
            return f"{_within(codes[0], parts[0][1], _ATOM)}**{_within(codes[1], parts[1][1], _ATOM)}", _POWER
        if name not in self.words.calls:
            raise DerivationError(f"{name}: this operation cannot be written as a {self.words.title} program")
        if f"{name} number" in self.words.calls and n.inputs[1].is_constant:
            name = f"{name} number"
        attrs = self._attributes(n)
        return self._call(name, codes, attrs), _ATOM

    def _attributes(self, n: Node) -> dict[str, str]:
        found = {}
        for key, value in n.attrs:
            number = repr(float(value)) if isinstance(value, Fraction) else str(value)
            found[key] = self.words.both if key == "axis" and value is None else number
        return found

    def _call(self, name: str, codes: list[str], attrs: Mapping[str, str]) -> str:
        word = self.words.calls[name]
        if word.split("(")[0] in self.words.helpers:
            self.helpers[word.split("(")[0]] = None
        return word.format(*codes, **attrs)


def _until(root: Node, names: Mapping[Node, str]) -> Iterator[Node]:
    """The nodes of an expression, inputs first, stopping at names."""
    seen: set[Node] = set()
    stack = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            if node not in names:
                stack.extend((x, False) for x in reversed(node.inputs))


def _within(code: str, binding: int, least: int) -> str:
    return code if binding >= least else f"({code})"


def _constant(n: Node) -> tuple[str, int]:
    value, powers = n.get("value"), n.get("powers")
    if not powers:
        return _number(value)
    top = [str(d) if p == 1 else f"{d}**{p}" for d, p in powers if p > 0]
    bottom = [str(d) if p == -1 else f"{d}**{-p}" for d, p in powers if p < 0]
    size = abs(value)
    if isinstance(size, Fraction) and size.denominator != 1 and size.denominator <= 1000:
        bottom.insert(0, str(size.denominator))
        size = Fraction(size.numerator)
    if size != 1 or not top:
        top.insert(0, _number(size)[0])
    code = " * ".join(top)
    if bottom:
        code += f" / {bottom[0]}" if len(bottom) == 1 else f" / ({' * '.join(bottom)})"
    return (f"-{code}", _NEGATE - 20) if value < 0 else (code, _PRODUCT)


def _number(value: Fraction | float) -> tuple[str, int]:
    if value < 0:
        return f"-{_number(-value)[0]}", _NEGATE - 20
    if isinstance(value, Fraction):
        if value.denominator == 1 and value.numerator < 10**15:
            return str(value.numerator), _ATOM
        if value.denominator <= 12 and value.numerator <= 999:
            return f"{value.numerator} / {value.denominator}", _PRODUCT
    return repr(float(value)), _ATOM


__all__ = ["Writer"]
