"""Sums, products and quotients of matrix entries as polynomials: collect, cancel, factor.

Point-wise `+ - ∘ /`, constants and integer powers form a commutative ring in each entry. An expression becomes
`Σ coefficient · Π atom^exponent`, like terms are collected, factors cancelled, and the result is written back in the
shorter form. Equal polynomials are equal matrices wherever the left side is defined (a cancelled factor is not zero).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache

from ..graph import Node, Shape, as_node, broadcast_to, constant

RING = frozenset({"add", "subtract", "negate", "multiply", "divide", "power", "constant"})
LIMIT = 48  # terms or factors; beyond this an expanded polynomial is never the shorter form
DEPTH = 32  # nested operations looked into; what lies deeper counts as one atom, so chains of any length stay cheap
COSTLY = 400  # expressions of at least this cost compare as equal

Factors = tuple[tuple[Node, int], ...]
Powers = tuple[tuple[str, int], ...]
Monomial = tuple[Factors, Powers]
Polynomial = dict[Monomial, Fraction]


class _TooLargeError(ArithmeticError):
    """Expanding gives up: too many terms, or a coefficient that is not a number."""


@lru_cache(maxsize=1024)  # one derivation asks for each polynomial five times, and nodes are unique
def collect(node: Node) -> Node | None:
    """The shorter form of a point-wise polynomial, or None if the expression as it stands is as short.

    A sum of fewer terms counts as shorter: `x + y + x` is `2 x + y`.

    First without multiplying out. Multiplied out only if terms then meet (`-Y (1 - A) + (1 - Y) A` is `A - Y`):
    expanding for its own sake would trade accuracy for nothing (`1 - A²` must not become a difference of large terms).
    """
    if node.op.name not in RING or node.is_constant:
        return None
    for expand in (False, True):
        terms = _Terms(expand)
        try:
            terms.add(node)
        except _TooLargeError:
            continue
        if expand and not terms.met:
            continue
        kept = terms.kept()
        result = _write(kept, node.shape, terms.source)
        if _cost(result) < _cost(node) or (not expand and len(kept) < terms.count and result is not node):
            return result
    return None


def coefficient(node: Node, depth: int = 0) -> tuple[Fraction, Powers, Node | None]:
    """Split `c · x` into the constant c (number and size powers) and x; x is None for a constant."""
    if node.is_constant and isinstance(node.get("value"), Fraction):
        return node.get("value"), node.get("powers"), None
    if depth > DEPTH:
        return Fraction(1), (), node
    if node.op.name == "negate":
        c, powers, rest = coefficient(node.inputs[0], depth + 1)
        return -c, powers, rest
    if node.op.name in ("multiply", "divide"):
        left, right = node.inputs
        c, powers, rest = coefficient(left, depth + 1)
        d, others, kept = coefficient(right, depth + 1)
        if node.op.name == "divide":
            if kept is None and d:
                return c / d, _times(powers, tuple((k, -p) for k, p in others)), rest
            if rest is None or rest is left:
                return Fraction(1), (), node
            return c, powers, rest / right
        if rest is None:
            return c * d, _times(powers, others), kept
        if kept is None:
            return c * d, _times(powers, others), rest
        if rest is left and kept is right:
            return Fraction(1), (), node
        return c * d, _times(powers, others), rest * kept
    return Fraction(1), (), node


def _times(a: Powers, b: Powers) -> Powers:
    result = dict(a)
    for dim, p in b:
        result[dim] = result.get(dim, 0) + p
    return tuple(sorted((d, p) for d, p in result.items() if p))


def _is_sum(node: Node) -> bool:
    return node.op.name in ("add", "subtract")


def _terms(node: Node, sign: int = 1, depth: int = 0) -> Iterator[tuple[Node, int]]:
    name = node.op.name if depth < DEPTH else ""
    if name in ("add", "subtract"):
        yield from _terms(node.inputs[0], sign, depth + 1)
        yield from _terms(node.inputs[1], sign if name == "add" else -sign, depth + 1)
    elif name == "negate":
        yield from _terms(node.inputs[0], -sign, depth + 1)
    else:
        yield node, sign


def _integer(node: Node) -> int | None:
    if node.is_constant and not node.get("powers"):
        value = node.get("value")
        if isinstance(value, Fraction) and value.denominator == 1 and abs(value) <= 8:
            return int(value)
    return None


def factors_of(node: Node, exponent: int, into: dict[Node, int], depth: int = 0) -> tuple[Fraction, Powers]:
    """Flatten products, quotients and integer powers into atom^exponent; return the constant."""
    name = node.op.name if depth < DEPTH else ""
    if node.is_constant:
        value, powers = node.get("value"), node.get("powers")
        if not isinstance(value, Fraction) or (value == 0 and exponent < 0):
            raise _TooLargeError
        return value**exponent, tuple((d, p * exponent) for d, p in powers)
    if name == "negate":
        c, powers = factors_of(node.inputs[0], exponent, into, depth + 1)
        return c * (-1) ** exponent, powers
    if name in ("multiply", "divide"):
        c, powers = factors_of(node.inputs[0], exponent, into, depth + 1)
        d, others = factors_of(node.inputs[1], -exponent if name == "divide" else exponent, into, depth + 1)
        return c * d, _times(powers, others)
    if name == "power":
        p = _integer(node.inputs[1])
        if p is not None:
            return factors_of(node.inputs[0], exponent * p, into, depth + 1)
    into[node] = into.get(node, 0) + exponent
    if len(into) > LIMIT:
        raise _TooLargeError
    return Fraction(1), ()


class _Terms:
    """The terms of a polynomial while it is being collected."""

    def __init__(self, expand: bool) -> None:
        self.expand = expand
        self.met = False  # whether like terms were added or a factor was cancelled
        self.found: Polynomial = {}
        self.count = 0  # terms that were added
        self.work = 0
        self.source: dict[Monomial, Node] = {}  # terms that are still what they were, to be written as they were
        self.order: dict[Node, int] = {}  # atoms by first appearance, so that the result does not depend on addresses

    def add(self, node: Node) -> None:
        for term, sign in _terms(node):
            self.count += 1
            factors: dict[Node, int] = {}
            c, powers = factors_of(term, 1, factors)
            if self.expand:
                self._admit(factors)
            self._distribute(c * sign, powers, factors, term if c > 0 else None)

    @staticmethod
    def _admit(factors: dict[Node, int]) -> None:
        """Refuse a product of so many sums that multiplying it out cannot pay."""
        products = 1
        for n, e in factors.items():
            if e > 0 and _is_sum(n):
                products *= sum(1 for _ in _terms(n)) ** e
            if products > LIMIT:
                raise _TooLargeError

    def kept(self) -> Polynomial:
        return {k: c for k, c in self.found.items() if c}

    def _distribute(self, c: Fraction, powers: Powers, factors: dict[Node, int], whole: Node | None = None) -> None:
        """Multiply out the sums among the factors, those first that no denominator may still cancel."""
        self.work += 1
        if self.work > 4 * LIMIT:
            raise _TooLargeError
        self.met |= any(e == 0 for e in factors.values())
        factors = {n: e for n, e in factors.items() if e}
        sums = [n for n, e in factors.items() if e > 0 and _is_sum(n)] if self.expand else []
        if not sums or c == 0:
            for n in factors:
                self.order.setdefault(n, len(self.order))
            key = (tuple(sorted(factors.items(), key=lambda item: self.order[item[0]])), powers)
            self.met |= key in self.found
            if key in self.found:
                self.source.pop(key, None)
            elif whole is not None:
                self.source[key] = whole
            self.found[key] = self.found.get(key, Fraction(0)) + c
            if len(self.found) > LIMIT:
                raise _TooLargeError
            return
        below = _denominators(factors)
        chosen = next((s for s in sums if s not in below), sums[0])
        for term, sign in _terms(chosen):
            rest = dict(factors)
            rest[chosen] -= 1
            if not rest[chosen]:
                del rest[chosen]
            d, others = factors_of(term, 1, rest)
            self._distribute(c * sign * d, _times(powers, others), rest)


def _denominators(factors: dict[Node, int]) -> set[Node]:
    found = {n for n, e in factors.items() if e < 0}
    for n, e in factors.items():
        if e > 0 and _is_sum(n):
            for term, _ in _terms(n):
                inner: dict[Node, int] = {}
                factors_of(term, 1, inner)
                found |= {x for x, p in inner.items() if p < 0}
    return found


def _write(polynomial: Polynomial, shape: Shape, source: Mapping[Monomial, Node]) -> Node:
    """Write a polynomial back: common factors outside, positive terms first, in order of appearance."""
    if not polynomial:
        return constant(0, shape)
    monomials = list(polynomial)
    common = dict(monomials[0][0])
    for factors, _ in monomials[1:]:
        exponents = dict(factors)
        common = {n: min(e, exponents.get(n, 0)) for n, e in common.items() if e > 0 and exponents.get(n, 0) > 0}
    if len(monomials) == 1:
        ((factors, powers),) = monomials
        return rebuilt(polynomial[monomials[0]], powers, dict(factors), shape)
    scale = _common_scale(list(polynomial.values()))
    outer_powers = monomials[0][1] if all(powers == monomials[0][1] for _, powers in monomials) else ()
    inner: Node | None = None
    terms: list[tuple[Fraction, Node]] = []
    for (factors, powers), c in polynomial.items():
        left = {n: e - common.get(n, 0) for n, e in factors}
        body = source.get((factors, powers)) if scale == 1 and not outer_powers and not common else None
        if body is None:
            kept = {n: e for n, e in left.items() if e}
            body = rebuilt(abs(c / scale), () if outer_powers else powers, kept, shape)
        terms.append((c / scale, body))
    terms.sort(key=lambda t: t[0] < 0)
    for c, body in terms:
        signed = body if c > 0 else -body
        inner = signed if inner is None else inner + body if c > 0 else inner - body
    assert inner is not None
    if scale == -1 and not outer_powers and not common:
        return broadcast_to(-inner, shape)
    outside = rebuilt(scale, outer_powers, common, shape)
    if outside.is_constant and outside.get("value") == 1 and not outside.get("powers"):
        return broadcast_to(inner, shape)
    return outside * inner


def _common_scale(values: list[Fraction]) -> Fraction:
    """A number worth taking out of the bracket: the magnitude all terms share, or -1 when all are negative."""
    if len({abs(v) for v in values}) == 1:
        return abs(values[0]) if any(v > 0 for v in values) else values[0]
    return Fraction(-1) if all(v < 0 for v in values) else Fraction(1)


def rebuilt(c: Fraction, powers: Powers, factors: dict[Node, int], shape: Shape) -> Node:
    """Write `c · Π dim^power · Π atom^exponent`."""
    top: Node | None = None
    bottom: Node | None = None
    for n, e in factors.items():
        if e == 0:
            continue
        part = n if abs(e) == 1 else n ** abs(e)
        if e > 0:
            top = part if top is None else top * part
        else:
            bottom = part if bottom is None else bottom * part
    sign = -1 if c < 0 and (top is not None or bottom is not None) else 1
    if sign < 0 and c != -1:  # a negative factor turns a difference around: -2 (a - b) = 2 (b - a)
        turn = next((n for n, e in factors.items() if e == 1 and n.op.name == "subtract"), None)
        if turn is not None:
            a, b = turn.inputs
            turned: dict[Node, int] = {}
            for n, e in factors.items():
                key = b - a if n is turn else n
                turned[key] = turned.get(key, 0) + e
            return rebuilt(-c, powers, turned, shape)
    c = c * sign
    plain = c == 1 and not powers
    if top is None:
        top = constant(c, shape, powers)
    elif not plain:
        top = constant(c, shape, powers) * top
    result = top if bottom is None else top / bottom
    return broadcast_to(-result if sign < 0 else as_node(result), shape)


def _cost(node: Node) -> int:
    """Point-wise operations and atoms of an expression, each counted once."""
    count = 0
    seen: set[Node] = set()
    stack = [node]
    while stack and count < COSTLY:
        n = stack.pop()
        if n in seen:
            continue
        seen.add(n)
        if n.op.name == "power" and _integer(n.inputs[1]) is not None:
            count += 2
            stack.append(n.inputs[0])
        elif n.op.name in RING:
            if n.is_constant:
                count += 2 if n.get("value") < 0 else 1
            else:
                count += 3 if n.op.name == "divide" else 2
            stack.extend(n.inputs)
        elif n.op.name == "broadcast":
            stack.extend(n.inputs)
        else:
            count += 3
    return min(count, COSTLY)
