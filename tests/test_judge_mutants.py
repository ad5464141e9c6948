"""Right formulas in the notations that people use, and each realistic slip in them: the verdict and the cause.

A formula is a small tree of its own here. It is printed in seven notations, and whether it is true is decided by NumPy
and complex steps through the forward equations, with strict shapes: the judge is not asked. A slip changes one place of
the tree; where NumPy finds it true nevertheless, it is no mistake and is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Literal

import numpy as np
import pytest

from chainrule.judge import Judgement, check_formula
from chainrule.notation.letters import Letters

Layer = tuple[str, int]  # ("l", -1) is l-1, ("L", 0) is L, ("", 2) is 2
Numbers = np.ndarray[Any, np.dtype[Any]]
STEP = 1e-30


@dataclass(frozen=True)
class Term:
    """A quantity `name` of layer `at`, or an operation on `parts`."""

    op: str
    parts: tuple[Term, ...] = ()
    at: Layer = ("", 0)
    name: str = ""


def quantity(name: str, base: str = "l", shift: int = 0) -> Term:
    return Term("quantity", at=(base, shift), name=name)


def product(*parts: Term) -> Term:
    return Term("@", parts)


def entrywise(*parts: Term) -> Term:
    return Term("*", parts)


def scaled(factor: str, part: Term) -> Term:
    return Term("scaled", (part,), name=factor)


def applied(function: Literal["g", "g'"], part: Term, base: str = "l", shift: int = 0) -> Term:
    return Term(function, (part,), at=(base, shift))


def transposed(part: Term) -> Term:
    return Term("T", (part,))


def added(a: Term, b: Term) -> Term:
    return Term("+", (a, b))


def without(a: Term, b: Term) -> Term:
    return Term("-", (a, b))


def summed(part: Term, axis: int = 1) -> Term:
    return Term("sum", (part,), name=str(axis))


def outer(a: Term, b: Term) -> Term:
    return Term("outer", (a, b))


# ---- what is true: a network 3-5-4-2 in numbers


@dataclass(frozen=True)
class Pair:
    """The network string that the judge is given, its activations and its loss."""

    network: str
    loss: str
    output: Callable[[Numbers], Numbers]
    losses: Callable[[Numbers, Numbers], Numbers]


def sigmoid(z: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-z))


def softmax(z: Numbers) -> Numbers:
    return np.exp(z) / np.sum(np.exp(z), axis=0, keepdims=True)


SOFTMAX = Pair("3-5:tanh-4:sigmoid-2:softmax", "cross_entropy", softmax, lambda a, y: -np.sum(y * np.log(a), axis=0))
SQUARES = Pair("3-5:tanh-4:sigmoid-2:tanh", "quadratic", np.tanh, lambda a, y: 0.5 * np.sum((a - y) ** 2, axis=0))
WIDTHS = (3, 5, 4, 2)
DEPTH = 3
HIDDEN: dict[int, Callable[[Numbers], Numbers]] = {1: np.tanh, 2: sigmoid}


class World:
    """All quantities of one network in numbers; every derivative is a complex step."""

    def __init__(self, pair: Pair, samples: int) -> None:
        rng = np.random.default_rng(17)
        self.pair, self.samples = pair, samples
        self.known: dict[tuple[str, int], Numbers] = {}
        self.w = {i: rng.normal(size=(WIDTHS[i], WIDTHS[i - 1])).astype(complex) for i in (1, 2, 3)}
        self.b = {i: rng.normal(size=(WIDTHS[i], 1)).astype(complex) for i in (1, 2, 3)}
        self.x = rng.normal(size=(WIDTHS[0], samples)).astype(complex)
        self.y = softmax(rng.normal(size=(WIDTHS[-1], samples)))
        self.z: dict[int, Numbers] = {}
        self.a: dict[int, Numbers] = {0: self.x}
        for i in (1, 2, 3):
            self.z[i] = self.w[i] @ self.a[i - 1] + self.b[i]
            self.a[i] = self.function(i)(self.z[i])

    def function(self, layer: int) -> Callable[[Numbers], Numbers]:
        return self.pair.output if layer == DEPTH else HIDDEN[layer]

    def slope(self, layer: int, at: Numbers) -> Numbers:
        return np.imag(self.function(layer)(at + 1j * STEP)) / STEP

    def losses(self, layer: int, values: Numbers, *, before: bool) -> Numbers:
        """The loss of each sample, given Z (`before` the activation) or A of a layer."""
        a = self.function(layer)(values) if before and layer else values
        for i in range(layer + 1, DEPTH + 1):
            a = self.function(i)(self.w[i] @ a + self.b[i])
        return self.pair.losses(a, self.y)

    def value(self, name: str, layer: int) -> Numbers:
        """A quantity of a layer, computed once."""
        if (name, layer) not in self.known:
            self.known[name, layer] = self._value(name, layer)
        return self.known[name, layer]

    def _value(self, name: str, layer: int) -> Numbers:
        if name in ("dZ", "dA"):
            at = (self.z if name == "dZ" else self.a)[layer]
            rows = []
            for i in range(len(at)):
                moved = at.copy()
                moved[i] += 1j * STEP
                rows.append(np.imag(self.losses(layer, moved, before=name == "dZ")) / STEP)
            return np.array(rows)
        if name in ("dW", "db"):
            stored = (self.w if name == "dW" else self.b)[layer]
            found = np.zeros(stored.shape)
            for place in np.ndindex(stored.shape):
                stored[place] += 1j * STEP
                cost = np.mean(self.losses(1, self.w[1] @ self.x + self.b[1], before=True))
                found[place] = np.imag(cost) / STEP
                stored[place] = stored[place].real
            return found
        held = {"W": self.w, "b": self.b, "Z": self.z, "A": self.a}
        return np.real({"X": self.x, "Y": self.y}[name] if name in "XY" else held[name][layer])


WORLDS = {(pair.network, m): World(pair, m) for pair in (SOFTMAX, SQUARES) for m in (6, 1)}
ALPHA = 0.37
FACTORS = {"2": 2.0, "1/2": 0.5, "alpha": ALPHA}


class MisfitError(Exception):
    """Shapes that do not fit, or a layer that is none."""


def numbers(term: Term, world: World, layer: int) -> Numbers:
    """The value of a term, where l is `layer`."""
    at = {"l": layer, "L": DEPTH, "": 0}[term.at[0]] + term.at[1]
    if term.op == "quantity":
        if term.name not in ("W", "b", "Z", "A", "X", "Y", "dW", "db", "dZ", "dA"):
            raise MisfitError
        if not (term.name in "XY" or (term.name in ("A", "dA") and at == 0) or 1 <= at <= DEPTH):
            raise MisfitError
        return world.value(term.name, at)
    parts = [numbers(p, world, layer) for p in term.parts]
    if term.op == "T":
        return parts[0].T
    if term.op == "scaled":
        return parts[0] * (1 / world.samples if term.name == "1/m" else FACTORS[term.name])
    if term.op == "sum":
        return np.sum(parts[0], axis=int(term.name), keepdims=True)
    if term.op in ("g", "g'"):
        if not 1 <= at <= DEPTH:
            raise MisfitError
        if term.op == "g":
            return np.real(world.function(at)(parts[0] + 0j))
        return world.slope(at, parts[0])
    return _joined(term.op, parts)


def _joined(op: str, parts: list[Numbers]) -> Numbers:
    a, b = parts
    if op == "outer":
        return np.outer(a, b)
    if op == "@":
        if a.shape[1] != b.shape[0]:
            raise MisfitError
        return a @ b
    bias = a.shape[0] == b.shape[0] and b.shape[1] == 1
    if a.shape != b.shape and not bias:
        raise MisfitError
    return {"+": np.add, "-": np.subtract, "*": np.multiply}[op](a, b)


# ---- how it is written


@dataclass(frozen=True)
class Style:
    """A notation: how quantities and operations are printed, and what the judge is told of it."""

    name: str
    letter: Callable[[Term, bool], str]
    entry: str = " * "
    matrix: str = " "
    latex: bool = False
    letters: Letters | None = None
    code: bool = False


def _index(at: Layer) -> str:
    base, shift = at
    return str(shift) if not base else base if not shift else f"{base}{shift:+d}"


SMALL = {"Z": "z", "A": "a", "dZ": "dz", "dA": "da", "X": "x", "Y": "y"}
RAISED = str.maketrans("0123456789lL+-", "⁰¹²³⁴⁵⁶⁷⁸⁹ˡᴸ⁺⁻")
LOWERED = str.maketrans("0123456789lL+-", "₀₁₂₃₄₅₆₇₈₉ₗL₊₋")


def _name(term: Term, one: bool) -> str:
    return SMALL.get(term.name, term.name) if one else term.name


def _brackets(term: Term, one: bool) -> str:
    name = _name(term, one)
    return name if name in "XYxy" else f"{name}[{_index(term.at)}]"


def _joined_name(term: Term, one: bool) -> str:
    name = _name(term, one)
    return name if name in "XYxy" else f"{name}{_index(term.at)}"


def _ng(term: Term, one: bool) -> str:
    name = _name(term, one)
    return name if name in "XYxy" else f"{name}^{{[{_index(term.at)}]}}"


def _leibniz(term: Term, one: bool) -> str:
    name = _name(term, one)
    if name in "XYxy":
        return name
    letter = name.removeprefix("d") + f"^{{({_index(term.at)})}}"
    if not name.startswith("d"):
        return letter
    above = "J" if name in ("dW", "db") and not one else "L"
    return rf"\frac{{\partial {above}}}{{\partial {letter}}}"


def _unicode(term: Term, one: bool) -> str:
    name = _name(term, one)
    if name in "XYxy":
        return name
    letter = name.removeprefix("d") + f"⁽{_index(term.at).translate(RAISED)}⁾"
    above = "J" if name in ("dW", "db") and not one else "L"
    return f"∂{above}/∂{letter}" if name.startswith("d") else letter


def _delta(term: Term, one: bool) -> str:
    """The second source: z goes into a layer, a are the sums, ε and δ their derivatives."""
    name, shift = {"a": ("z", 1), "z": ("a", 0), "da": (r"\delta", 1), "dz": (r"\epsilon", 0)}.get(
        _name(term, one), (_name(term, one), 0)
    )
    return name if name in "xy" else f"{name}_{{{_index((term.at[0], term.at[1] + shift))}}}"


def _nielsen(term: Term, one: bool) -> str:
    name = {"dz": r"\delta", "W": "w"}.get(_name(term, one), _name(term, one))
    if name in "xy":
        return name
    letter = f"{name.removeprefix('d')}^{{{_index(term.at)}}}"
    return rf"\frac{{\partial C}}{{\partial {letter}}}" if name in ("da", "dW", "db") else letter


DELTA = Letters(
    layer="subscript",
    component="superscript",
    rename={
        "z_i": "a[i-1]",
        "a_i": "z[i]",
        "delta_i": "da[i-1]",
        "epsilon_i": "dz[i]",
        "f_i": "g[i]",
        "W_i": "W[i]",
        "b_i": "b[i]",
        "dW_i": "dW[i]",
        "db_i": "db[i]",
    },
)
NIELSEN = Letters(layer="superscript", rename={"delta^l": "dz[l]"})
PARENTHESES = Letters(layer="parentheses")

ASCII = Style("text", _brackets, matrix=" @ ")
NUMPY = Style("NumPy", _joined_name, code=True)
NG = Style("LaTeX, d", _ng, latex=True)
LEIBNIZ = Style("LaTeX, Leibniz", _leibniz, entry=r" \odot ", latex=True, letters=PARENTHESES)
UNICODE = Style("Unicode", _unicode, entry=" ⊙ ", letters=PARENTHESES)
SECOND = Style("LaTeX, delta", _delta, entry=r" \circ ", latex=True, letters=DELTA)
BOOK = Style("LaTeX, book", _nielsen, entry=r" \odot ", latex=True, letters=NIELSEN)


def printed(term: Term, style: Style, one: bool, binding: int = 0) -> str:
    """The term in a notation; brackets where an operation binds less than what is around it."""
    if term.op == "quantity":
        return style.letter(term, one)
    if term.op == "T":
        inside = printed(term.parts[0], style, one, 4)
        if style.latex:
            return rf"({inside})^T" if "^" in inside or "_" in inside else f"{inside}^T"
        if style is UNICODE:
            return f"({inside})ᵀ" if inside.startswith("∂") else f"{inside}ᵀ"
        return f"{inside}.T"
    if term.op in ("g", "g'"):
        return _function(term, style, one)
    if term.op == "sum":
        inside = printed(term.parts[0], style, one)
        if style.latex or style is UNICODE:
            name = r"\mathrm{np.sum}" if style.latex else "sum"
            return f"{name}({inside}, axis={term.name}, keepdims=True)"
        return f"{'np.' * style.code}sum({inside}, axis={term.name}, keepdims=True)"
    if term.op == "outer":
        a, b = (printed(p, style, one, 4) for p in term.parts)
        return rf"{a} \otimes {b}" if style.latex else f"{a} ⊗ {b}" if style is UNICODE else f"outer({a}, {b})"
    if term.op == "@" and style.code:
        return f"np.dot({', '.join(printed(p, style, one) for p in term.parts)})"
    strength, sign = {
        "+": (1, " + "), "-": (1, " - "), "*": (2, style.entry), "@": (3, style.matrix), "scaled": (2, "")
    }[term.op]  # fmt: skip
    if term.op == "scaled":
        inside = printed(term.parts[0], style, one, 3 if term.parts[0].op != "*" else 2)
        if style.latex:
            factor = {"1/m": r"\frac{1}{m}", "1/2": r"\frac{1}{2}", "alpha": r"\alpha"}.get(term.name, term.name)
            text = f"{factor} {inside}"
        else:
            text = f"{term.name} * {inside}" if style is not UNICODE else f"{term.name} · {inside}"
    else:
        left = printed(term.parts[0], style, one, strength)
        text = left + sign + printed(term.parts[1], style, one, strength + 1)
    return f"({text})" if binding > strength or (binding == strength == 3) else text


def _function(term: Term, style: Style, one: bool) -> str:
    inside = printed(term.parts[0], style, one)
    prime = term.op == "g'"
    index = _index(term.at)
    if style.code:
        hidden = {"1": "tanh", "2": "sigmoid"}.get(index, "g3")
        return f"{hidden}{'_prime' * prime}({inside})"
    if style is NG:
        return f"g^{{[{index}]{chr(92) + 'prime' if prime else ''}}}({inside})"
    if style is UNICODE:
        return f"g⁽{index.translate(RAISED)}⁾{'′' * prime}({inside})"
    if style is SECOND:
        return f"f{chr(39) * prime}_{{{index}}}({inside})"
    if style is BOOK:
        return f"g^{{{index}}}{chr(39) * prime}({inside})"
    if style is LEIBNIZ:
        return f"g^{{({index})}}{chr(39) * prime}({inside})"
    return f"g[{index}]{'.prime' * prime}({inside})"


# ---- the right formulas


@dataclass(frozen=True)
class Claim:
    """A formula, of m samples or of one, about a pair of output and loss, for layers `of`."""

    left: Term
    right: Term
    one: bool = False
    pair: Pair = SOFTMAX
    of: tuple[int, ...] = (1, 2, 3)
    update: bool = False

    def true(self) -> bool:
        world = WORLDS[self.pair.network, 1 if self.one else 6]
        for layer in self.of:
            try:
                right = numbers(self.right, world, layer)
            except MisfitError:
                return False
            if self.update:
                name = self.left.name
                wanted = world.value(name, layer) - ALPHA * world.value(f"d{name}", layer)
            else:
                wanted = numbers(self.left, world, layer)
            if wanted.shape != right.shape or not np.allclose(wanted, right, rtol=1e-9, atol=1e-12):
                return False
        return True

    def text(self, style: Style) -> str:
        relation = r" \leftarrow " if self.update and style.latex else " = "
        return printed(self.left, style, self.one) + relation + printed(self.right, style, self.one)

    def numbered(self, layer: int) -> Claim:
        return replace(self, left=_numbered(self.left, layer), right=_numbered(self.right, layer), of=(layer,))


def _numbered(term: Term, layer: int) -> Term:
    base, shift = term.at
    if base:
        name = "X" if term.name == "A" and base == "l" and layer + shift == 0 else term.name
        term = replace(term, at=("", shift + (layer if base == "l" else DEPTH)), name=name)
    return replace(term, parts=tuple(_numbered(p, layer) for p in term.parts))


Q = quantity
W, B, Z, A, DW, DB, DZ, DA = (Q(n) for n in ("W", "b", "Z", "A", "dW", "db", "dZ", "dA"))
A_BEFORE, DA_BEFORE = Q("A", shift=-1), Q("dA", shift=-1)
W_NEXT, DZ_NEXT = Q("W", shift=1), Q("dZ", shift=1)
SLOPE = applied("g'", Z)
LAST = Q("dZ", "L"), Q("A", "L"), Q("Y")
AFFINE = added(product(W, A_BEFORE), B)
HIDDEN_ONES = (1, 2)

BATCH = (
    Claim(Z, AFFINE),
    Claim(A, applied("g", Z)),
    Claim(A, applied("g", AFFINE)),
    Claim(DW, scaled("1/m", product(DZ, transposed(A_BEFORE)))),
    Claim(DB, scaled("1/m", summed(DZ))),
    Claim(DA_BEFORE, product(transposed(W), DZ)),
    Claim(DA, product(transposed(W_NEXT), DZ_NEXT), of=HIDDEN_ONES),
    Claim(DZ, entrywise(DA, SLOPE), of=HIDDEN_ONES),
    Claim(DZ, entrywise(product(transposed(W_NEXT), DZ_NEXT), SLOPE), of=HIDDEN_ONES),
    Claim(DW, scaled("1/m", product(entrywise(DA, SLOPE), transposed(A_BEFORE))), of=HIDDEN_ONES),
    Claim(LAST[0], without(LAST[1], LAST[2])),
    Claim(LAST[0], entrywise(without(LAST[1], LAST[2]), applied("g'", Q("Z", "L"), "L")), pair=SQUARES),
    Claim(Q("dA", "L"), without(LAST[1], LAST[2]), pair=SQUARES),
    Claim(W, without(W, scaled("alpha", DW)), update=True),
    Claim(B, without(B, scaled("alpha", DB)), update=True),
)
ONE = (
    Claim(Z, AFFINE, one=True),
    Claim(A, applied("g", Z), one=True),
    Claim(DW, product(DZ, transposed(A_BEFORE)), one=True),
    Claim(DW, outer(DZ, A_BEFORE), one=True),
    Claim(DB, DZ, one=True),
    Claim(DA_BEFORE, product(transposed(W), DZ), one=True),
    Claim(DZ, entrywise(DA, SLOPE), one=True, of=HIDDEN_ONES),
    Claim(DZ, entrywise(product(transposed(W_NEXT), DZ_NEXT), SLOPE), one=True, of=HIDDEN_ONES),
    Claim(LAST[0], without(LAST[1], LAST[2]), one=True),
    Claim(Q("dA", "L"), without(LAST[1], LAST[2]), one=True, pair=SQUARES),
)


def right_ones() -> Iterator[tuple[Claim, Style]]:
    """Every formula in every notation that writes it."""
    for claim in BATCH:
        for style in (ASCII, NG, LEIBNIZ, UNICODE):
            yield claim, style
        for style in (NUMPY, NG):
            if style is NG or claim.left.at[0] == "l":
                yield claim.numbered(2), style
        if claim.left.at[0] == "l":
            yield claim.numbered(1), NUMPY
    for claim in ONE:
        for style in (ASCII, NG, LEIBNIZ, UNICODE, SECOND, BOOK):
            yield claim, style
        yield claim.numbered(2), LEIBNIZ


# ---- the slips


def _places(term: Term) -> Iterator[tuple[Term, Callable[[Term], Term]]]:
    """Every part of a term, and how the whole is with another one in its place."""
    yield term, lambda new: new
    for i, part in enumerate(term.parts):
        for inner, put in _places(part):
            yield inner, partial(_with, term, i, put)


def _with(term: Term, i: int, put: Callable[[Term], Term], new: Term) -> Term:
    return replace(term, parts=(*term.parts[:i], put(new), *term.parts[i + 1 :]))


OTHER_QUANTITY = {"dZ": "dA", "dA": "dZ", "A": "Z", "Z": "A"}


def _of_part(part: Term) -> Iterator[tuple[str, Term]]:
    """Slips at one place: the name of each and what stands there then."""
    if part.op == "quantity":
        if part.name not in "XY":
            for step in (-1, 1):
                yield "wrong-layer-index", replace(part, at=(part.at[0], part.at[1] + step))
            yield "undefined-symbol", replace(part, name="Q")
        if part.name in ("W", "Z", "A", "dZ", "dA", "X"):
            yield "superfluous transpose", transposed(part)
        if part.name in OTHER_QUANTITY:
            yield "wrong-operand", replace(part, name=OTHER_QUANTITY[part.name])
        if part.name == "W":
            yield "gradient-used-for-weight", replace(part, name="dW")
        if part.name == "dW":
            yield "weight for gradient", replace(part, name="W")
    elif part.op == "T":
        yield "missing-transpose", part.parts[0]
    elif part.op == "sum":
        yield "sum-axis", replace(part, name="0")
        yield "missing-sum", part.parts[0]
    elif part.op == "outer":
        yield "outer-product-order", outer(*reversed(part.parts))
    elif part.op == "g'":
        yield "function-used-for-derivative", replace(part, op="g")
        if part.parts[0].name == "Z":
            yield "activation-derivative-at-wrong-place", replace(part, parts=(replace(part.parts[0], name="A"),))
    elif part.op == "g":
        yield "derivative-used-for-function", replace(part, op="g'")
        if part.parts[0].op == "+":
            inside, bias = part.parts[0].parts
            yield "misplaced parenthesis", added(replace(part, parts=(inside,)), bias)
    elif part.op in "+-":
        yield "sign", replace(part, op={"+": "-", "-": "+"}[part.op])
        if part.op == "+":
            yield "product-vs-sum", replace(part, op="*")
        elif part.parts[0].at[0] == "L":
            yield "sign", without(part.parts[1], part.parts[0])
    elif part.op == "@":
        yield "operands-swapped", replace(part, parts=part.parts[::-1])
        yield "wrong-product", replace(part, op="*")
        yield "product-vs-sum", replace(part, op="+")
        if part.parts[0].op == "*":
            a, b = part.parts[0].parts
            yield "misplaced parenthesis", entrywise(a, product(b, part.parts[1]))
    elif part.op == "*":
        yield "product-vs-sum", replace(part, op="+")
        for kept, other in (part.parts, part.parts[::-1]):
            if other.op == "g'":
                yield "missing-activation-derivative", kept
        if part.parts[0].op == "@":
            a, b = part.parts[0].parts
            yield "activation-derivative-at-wrong-place", product(a, entrywise(b, part.parts[1]))
    elif part.op == "scaled" and part.name == "1/m":
        yield "missing-1/m", part.parts[0]
        yield "doubled-1/m", scaled("1/m", part)
        yield "factor-2", scaled("2", part)


def slips(claim: Claim) -> Iterator[tuple[str, Claim]]:
    """Every slip on the right side that makes the formula false.

    No slips are transposed weights in the forward pass, which another way of storing them makes right, and a quantity
    transposed twice, which nobody writes.
    """
    found = [(name, put(new)) for part, put in _places(claim.right) for name, new in _of_part(part)]
    forward = claim.left.name in "ZA"
    found = [
        (name, right)
        for name, right in found
        if not any(
            part.op == "T" and (part.parts[0].op == "T" or (forward and part.parts[0].name == "W"))
            for part, _ in _places(right)
        )
    ]
    if claim.right.op != "g" and not claim.update:
        found.append(("factor-2", scaled("2", claim.right)))
    if claim.left.name == "dZ" and claim.left.at[0] == "L" and claim.right.op == "-":
        slope = applied("g'", Q("Z", "L"), "L")
        found.append(("activation-derivative-at-wrong-place", entrywise(claim.right, slope)))
    for name, right in found:
        slip = replace(claim, right=right)
        if not slip.true():
            yield name, slip


# Names under which a slip may be reported besides its own.
ALIKE = {
    "superfluous transpose": {"missing-transpose", "operands-swapped"},
    "weight for gradient": {"gradient-used-for-weight", "wrong-operand"},
    "misplaced parenthesis": {"missing-parentheses", "misplaced-parenthesis", "operands-swapped"},
    "outer-product-order": {"operands-swapped"},
    "operands-swapped": {"outer-product-order"},
    "sign": {"operands-swapped"},
    "activation-derivative-at-wrong-place": {"wrong-operand", "missing-parentheses", "operands-swapped"},
    "wrong-operand": {"missing-activation-derivative", "activation-derivative-at-wrong-place"},
    "gradient-used-for-weight": {"wrong-operand"},
}


def judged(claim: Claim, style: Style, seconds: float = 0.3) -> Judgement:
    return check_formula(
        claim.text(style),
        claim.pair.network,
        claim.pair.loss,
        letters=style.letters,
        place=None if claim.one else "parameters",
        samples="one" if claim.one else "batch",
        rows=False,
        layout="denominator",
        seconds=seconds,
    )


def causes(found: Judgement) -> set[str]:
    return {c.cause for c in found.causes} | {c.cause for other in found.others for c in other}


# ---- formulas without layers, and by components: written out, each with what NumPy has for both sides


def slope(function: Callable[[Numbers], Numbers], at: Numbers) -> Numbers:
    return np.imag(function(at + 1j * STEP)) / STEP


def softplus(z: Numbers) -> Numbers:
    return np.log(1 + np.exp(z))


def silu(z: Numbers) -> Numbers:
    return z * sigmoid(z)


AT = np.array([-1.7, -0.4, 0.3, 0.9, 2.1])
S, T = sigmoid(AT), np.tanh(AT)
Row = tuple[str, Numbers, Numbers, str]
S_PRIME, T_PRIME = slope(sigmoid, AT), slope(np.tanh, AT)
FUNCTIONS: tuple[Row, ...] = (
    (r"\sigma'(z) = \sigma(z)(1-\sigma(z))", S_PRIME, S * (1 - S), ""),
    (r"\sigma'(z) = \sigma(z)(1+\sigma(z))", S_PRIME, S * (1 + S), "sign"),
    (r"\sigma'(z) = \sigma(z)(1-\sigma(-z))", S_PRIME, S * (1 - sigmoid(-AT)), "sign"),
    (r"\sigma'(z) = 2\sigma(z)(1-\sigma(z))", S_PRIME, 2 * S * (1 - S), "factor-2"),
    (r"\sigma'(z) = \sigma(z) - \sigma(z)^2", S_PRIME, S - S**2, ""),
    (r"\sigma'(z) = \frac{e^{-z}}{(1+e^{-z})^2}", S_PRIME, np.exp(-AT) / (1 + np.exp(-AT)) ** 2, ""),
    (r"\sigma'(z) = -\frac{e^{-z}}{(1+e^{-z})^2}", S_PRIME, -np.exp(-AT) / (1 + np.exp(-AT)) ** 2, "sign"),
    (r"\sigma(z) = \frac{1}{1+e^{-z}}", S, 1 / (1 + np.exp(-AT)), ""),
    (r"\sigma(z) = \frac{1}{1+e^{z}}", S, 1 / (1 + np.exp(AT)), "sign"),
    (r"\sigma(z) = \frac{1}{1-e^{-z}}", S, 1 / (1 - np.exp(-AT)), "sign"),
    (r"\frac{d}{dz}\tanh(z) = 1 - \tanh^2(z)", T_PRIME, 1 - T**2, ""),
    (r"\frac{d}{dz}\tanh(z) = 1 + \tanh^2(z)", T_PRIME, 1 + T**2, "sign"),
    (r"\frac{d}{dz}\tanh(z) = 1 - \tanh(z)", T_PRIME, 1 - T, "missing-square"),
    (r"\frac{d}{dz}\tanh(z) = (1 - \tanh(z))^2", T_PRIME, (1 - T) ** 2, "missing-parentheses"),
    (r"\frac{d}{dz}\tanh(z) = 1 - \tanh(z^2)", T_PRIME, 1 - np.tanh(AT**2), "missing-parentheses"),
    (r"\tanh(z) = 2\sigma(2z) - 1", T, 2 * sigmoid(2 * AT) - 1, ""),
    (r"\tanh(z) = 2\sigma(z) - 1", T, 2 * S - 1, "factor-2"),
    (r"\tanh(z) = 2\sigma(2z) + 1", T, 2 * sigmoid(2 * AT) + 1, "sign"),
    (r"\frac{d}{dx}\ln(1+e^x) = \sigma(x)", slope(softplus, AT), S, ""),
    (r"\frac{d}{dx}\ln(1+e^x) = \sigma(-x)", slope(softplus, AT), sigmoid(-AT), "sign"),
    ("silu'(x) = sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x))", slope(silu, AT), S + AT * S * (1 - S), ""),
    ("silu'(x) = sigmoid(x) - x * sigmoid(x) * (1 - sigmoid(x))", slope(silu, AT), S - AT * S * (1 - S), "sign"),
    ("tanh'(x) = 1 - tanh(x)**2", T_PRIME, 1 - T**2, ""),
    ("tanh'(x) = tanh(x)**2 - 1", T_PRIME, T**2 - 1, "sign"),
    ("d/dx exp(-x) = -exp(-x)", slope(lambda x: np.exp(-x), AT), -np.exp(-AT), ""),
    ("d/dx exp(-x) = exp(-x)", slope(lambda x: np.exp(-x), AT), np.exp(-AT), "sign"),
    ("d/dx x^2 = 2*x", slope(lambda x: x**2, AT), 2 * AT, ""),
    ("d/dx x^2 = x", slope(lambda x: x**2, AT), AT, "factor-2"),
)

Row2 = tuple[str, str, Callable[[World, int], Numbers], str]


def _w(world: World, layer: int) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """W[l+1], dz[l+1], g'(z[l]), a[l-1] of one sample."""
    after = layer + 1
    return (
        world.value("W", after),
        world.value("dZ", after)[:, 0],
        world.slope(layer, world.value("Z", layer))[:, 0],
        world.value("A", layer - 1)[:, 0],
    )


def _dz(world: World, layer: int, of: str = "k,ki,i->i") -> Numbers:
    w, dz, g, _ = _w(world, layer)
    return np.einsum(of, dz, w, g)


def _dw(world: World, layer: int, of: str = "i,j->ij") -> Numbers:
    return np.einsum(of, world.value("dZ", layer)[:, 0], world.value("A", layer - 1)[:, 0])


COMPONENTS: tuple[Row2, ...] = (
    ("dz[l][i] = sum_k dz[l+1][k] * W[l+1][k,i] * g[l].prime(z[l][i])", "dZ", _dz, ""),
    ("dz[l][i] = sum_k dz[l+1][k] * W[l+1][k,i]", "dZ", lambda w, i: _w(w, i)[1] @ _w(w, i)[0],
     "missing-activation-derivative"),
    ("dz[l][i] = sum_k dz[l+1][k] * W[l+1][i,k] * g[l].prime(z[l][i])", "dZ", lambda w, i: _dz(w, i, "k,ik,i->i"),
     "missing-transpose|wrong-index"),
    ("dz[l][i] = sum_k dz[l+1][i] * W[l+1][k,i] * g[l].prime(z[l][i])", "dZ", lambda w, i: _dz(w, i, "i,ki,i->i"),
     "wrong-index"),
    ("dz[l][i] = -sum_k dz[l+1][k] * W[l+1][k,i] * g[l].prime(z[l][i])", "dZ", lambda w, i: -_dz(w, i), "sign"),
    (r"dz^{[l]}_i = \sum_k W^{[l+1]}_{ki} dz^{[l+1]}_k g^{[l]\prime}(z^{[l]}_i)", "dZ", _dz, ""),
    (r"dz^{[l]}_i = \sum_k W^{[l]}_{ki} dz^{[l+1]}_k g^{[l]\prime}(z^{[l]}_i)", "dZ",
     lambda w, i: np.einsum("k,ki,i->i", w.value("dZ", i + 1)[:, 0], w.value("W", i), _w(w, i)[2]),
     "wrong-layer-index"),
    (r"dW^{[l]}_{ij} = dz^{[l]}_i a^{[l-1]}_j", "dW", _dw, ""),
    (r"dW^{[l]}_{ij} = dz^{[l]}_j a^{[l-1]}_i", "dW", lambda w, i: _dw(w, i, "j,i->ij"),
     "wrong-index|outer-product-order|operands-swapped"),
    (r"dW^{[l]}_{ij} = dz^{[l]}_i a^{[l]}_j", "dW",
     lambda w, i: np.outer(w.value("dZ", i)[:, 0], w.value("A", i)[:, 0]), "wrong-layer-index"),
    (r"\frac{\partial L}{\partial W^{[l]}_{ij}} = \frac{\partial L}{\partial z^{[l]}_i} a^{[l-1]}_j", "dW", _dw, ""),
    (r"\frac{\partial L}{\partial W^{[l]}_{ij}} = \frac{\partial L}{\partial z^{[l]}_i} + a^{[l-1]}_j", "dW",
     lambda w, i: np.add.outer(w.value("dZ", i)[:, 0], w.value("A", i - 1)[:, 0]), "product-vs-sum"),
    (r"\frac{\partial L}{\partial W^{[l]}_{ij}} = 2 \frac{\partial L}{\partial z^{[l]}_i} a^{[l-1]}_j", "dW",
     lambda w, i: 2 * _dw(w, i), "factor-2"),
)  # fmt: skip


# ---- single formulas as people type them, by network and loss; decided by hand; behind ## the cause

Pairing = tuple[str | None, str | None]
TYPED_RIGHT: dict[Pairing, str] = {
    (None, None): r"""
dW1 = 1/m * dZ1 X.T
z = w x + b
A[0] = X
\tanh'(x) = 1 - \tanh^2(x)
\sigma(z) = \frac{1}{1+e^{-z}}
\sigma(z) = \frac{e^z}{1+e^z}
\sigma(-z) = 1-\sigma(z)
\tanh(z) = 2\sigma(2z)-1
J = \frac{1}{m}\sum_{i=1}^m \mathcal{L}(\hat y^{(i)}, y^{(i)})
σ′(z) = σ(z)·(1 − σ(z))
relu(x) = max(0, x)
leaky_relu(x) = max(0.01*x, x)
softplus(x) = ln(1 + e^x)
softplus'(x) = sigmoid(x)
silu(x) = x * sigmoid(x)
silu'(x) = sigmoid(x) + x*sigmoid(x)*(1-sigmoid(x))
tanh(x) = (e^x - e^-x)/(e^x + e^-x)
sigmoid'(0) = 0.25
sigmoid(0) = 1/2
tanh'(0) = 1
d/dx x^2 = 2x
d/dx exp(x) = exp(x)
d/dx ln(x) = 1/x
\frac{dL}{dw} = \frac{dL}{da}\frac{da}{dz}\frac{dz}{dw}
\frac{\partial L}{\partial x_j} = \sum_i W_{ij} \frac{\partial L}{\partial z_i}
dW^{[l]} = \dfrac1m\, dZ^{[l]} \left(A^{[l-1]}\right)^{\!\top}
dW^{[l]} = m^{-1} dZ^{[l]} A^{[l-1]\intercal}
\mathbf{dW}^{[l]} = \frac{1}{m}\,\mathbf{dZ}^{[l]}\mathbf{A}^{[l-1]\mathsf{T}}
\mathrm{d}W^{[l]} = \frac{1}{m} \mathrm{d}Z^{[l]} A^{[l-1]\mathrm{T}}
\boldsymbol{z}^{[l]} = \boldsymbol{W}^{[l]}\boldsymbol{a}^{[l-1]} + \boldsymbol{b}^{[l]}
\log\operatorname{softmax}(z)_i = z_i - \log\sum_j e^{z_j}
\frac{\partial}{\partial z_i}\log\sum_j e^{z_j} = \operatorname{softmax}(z)_i
\mathrm{ReLU}'(z) = \begin{cases} 1 & z > 0 \\ 0 & z \le 0 \end{cases}
\mathrm{ReLU}(z) = \max(0,z)
\mathrm{ReLU}(z) = \begin{cases} z & z > 0 \\ 0 & \text{otherwise}\end{cases}
\frac{d}{dx} |x| = \operatorname{sign}(x)
\frac{d}{dw}(wx+b)^2 = 2x(wx+b)
\sinh' (x) = \cosh(x)
sigmoid(x) = 0.5*(1+tanh(x/2))
log(sigmoid(x)) = -softplus(-x)
d tanh(z)/dz = 1 - tanh(z)^2
W[l] -= alpha/m * dZ[l] @ A[l-1].T
b[l] -= alpha/m * sum(dZ[l], axis=1, keepdims=True)
\Delta W = -\eta \nabla_W J
\frac{\partial \mathbf{z}}{\partial \mathbf{x}} = \mathbf{W}
\frac{\partial \mathbf{z}}{\partial \mathbf{x}} = \mathbf{W}^T
\nabla_x \left(\frac12 \|Ax-b\|^2\right) = A^T(Ax-b)
\frac{\partial}{\partial x} x^T A x = (A + A^T) x
\frac{\partial}{\partial x} a^T x = a
\frac{\partial}{\partial W} \|Wx\|^2 = 2 W x x^T
1 + 1 = 2
exp(log(x)) = x
log(exp(x)) = x
log(ab) = log a + log b
e^{a+b} = e^a e^b
(A B)^T = B^T A^T
(A + B)^T = A^T + B^T
tr(AB) = tr(BA)
sigmoid(0) = 0.5
d/dx sin(x) = cos(x)
d/dx sqrt(x) = 1/(2*sqrt(x))
d/dx 1/x = -1/x^2
d/dx a^x = a^x ln(a)
d/dx (x^2 + 3x) = 2x + 3
""",
    ("3-4:tanh-2:softmax", "cross_entropy"): r"""
dZ1 = (W2.T @ dZ2) * (1 - A1**2)
dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))
dW1 = dZ1 @ X.T / m
db2 = np.sum(dZ2, axis=1, keepdims=True) / m
db2 = np.mean(dZ2, axis=1, keepdims=True)
dA1 = W2.T @ dZ2
A2 = np.exp(Z2) / np.sum(np.exp(Z2), axis=0)
A2 = np.exp(Z2 - Z2.max(axis=0)) / np.exp(Z2 - Z2.max(axis=0)).sum(axis=0)
A1 = np.tanh(np.dot(W1, X) + b1)
J = -np.sum(Y * np.log(A2)) / m
W1 -= lr * dW1
W1 = W1 - 0.01 * dW1
\frac{\partial J}{\partial W^{[2]}} = \frac{1}{m} dZ^{[2]} {A^{[1]}}^T
\frac{\partial J}{\partial W^{[2]}} = \frac{1}{m} dZ^{[2]} A^{[1]\top}
\nabla_{W^{[2]}} J = \frac1m dZ^{[2]} (A^{[1]})^\top
\frac{\partial L}{\partial \hat y_k} = -\frac{y_k}{\hat y_k}
L = -\sum_k y_k \ln \hat y_k
dZ^{[1]} = W^{[2]T} dZ^{[2]} \ast g^{[1]'}(Z^{[1]})
dZ^{[1]} = W^{[2]T} dZ^{[2]} \odot (1 - (A^{[1]})^2)
db^{[1]} = \frac{1}{m}\sum_{i=1}^{m} dz^{[1](i)}
dW^{[1]} = \frac{1}{m}\sum_{i=1}^{m} dz^{[1](i)} x^{(i)T}
\frac{\partial z^{[2]}}{\partial a^{[1]}} = W^{[2]}
$dZ^{[L]} = A^{[L]} - Y$
$$dZ^{[L]} = A^{[L]} - Y$$
\[ dZ^{[L]} = A^{[L]} - Y \]
\begin{equation} dZ^{[L]} = A^{[L]} - Y \end{equation}
\begin{align} dZ^{[L]} &= A^{[L]} - Y \end{align}
dZ^{[L]} = A^{[L]} - Y \tag{1}
dZ^{[L]} = A^{[L]} - Y.
dZ^{[L]} = A^{[L]} - Y,
dZ2 = A2 - Y;
dZ_2 = A_2 - Y
A[2] - Y = dZ[2]
dZ[2] + Y = A[2]
\frac{\partial z^{[2]}_k}{\partial a^{[1]}_j} = W^{[2]}_{kj}
\frac{\partial z^{[2]}_k}{\partial W^{[2]}_{kj}} = a^{[1]}_j
\frac{\partial z^{[2]}_k}{\partial W^{[2]}_{ij}} = \delta_{ki} a^{[1]}_j
\frac{\partial z^{[2]}_k}{\partial b^{[2]}_k} = 1
\frac{\partial a^{[1]}_j}{\partial z^{[1]}_j} = 1 - (a^{[1]}_j)^2
\frac{\partial L}{\partial W^{[2]}_{kj}} = (a^{[2]}_k - y_k) a^{[1]}_j
dL/dW[2][k,j] = (a[2][k]-y[k])*a[1][j]
dL/dW[1][j,i] = sum_k (a[2][k]-y[k])*W[2][k,j]*(1-a[1][j]**2)*x[i]
W1 := W1 - alpha * 1/m * dZ1 X.T
\frac{\partial J}{\partial W^{[2]}} = \frac{1}{m}(A^{[2]} - Y)A^{[1]T}
dW1 = 1/m * ((W2.T @ (A2-Y)) * (1 - A1**2)) @ X.T
dW1 = 1/m * (W2.T @ (A2-Y)) * (1 - A1**2) @ X.T
dx = W1.T dz1
dX = W1.T @ dZ1
dA0 = W1.T @ dZ1
dYhat = -Y/Yhat
Yhat = softmax(W2 @ tanh(W1 @ X + b1) + b2)
dZ1 = (W2' * dZ2) .* (1 - A1.^2)
dW2 = np.matmul(dZ2, A1.T)/m
dW2 = (dZ2 @ A1.T)/m
dW2 = dZ2 @ np.transpose(A1) / m
dW2 = dZ2 @ A1.transpose() / m
dW2 = dZ2.dot(A1.T)/m
dW2 = 1./m * dZ2.dot(A1.T)
dW2 = (1 / m) * np.dot(dZ2, A1.T)
dZ2 = torch.softmax(Z2, dim=0) - Y
A1 = torch.tanh(W1 @ X + b1)
W1 = W1 - learning_rate * dW1
W1 = W1 - 0.1 * (1/m) * dZ1 @ X.T
n_1 = 4
n[1] = 4
""",
    ("3-4:relu-1:sigmoid", "binary_cross_entropy"): r"""
dZ2 = A2 - Y
dZ1 = np.dot(W2.T, dZ2) * (Z1 > 0)
dZ1 = np.where(Z1 > 0, W2.T @ dZ2, 0)
dZ1 = dA1 * (A1 > 0)
A1 = np.maximum(0, W1 @ X + b1)
J = -1/m * np.sum(Y*np.log(A2) + (1-Y)*np.log(1-A2))
\frac{\partial L}{\partial \hat y} = -\frac{y}{\hat y} + \frac{1-y}{1-\hat y}
\frac{\partial L}{\partial \hat y} = \frac{\hat y - y}{\hat y(1-\hat y)}
\mathcal{L}(\hat y, y) = -(y\log\hat y + (1-y)\log(1-\hat y))
dZ1 = W2.T @ dZ2 * (Z1 > 0)
dZ1 = W2.T @ dZ2 * (Z1 >= 0)
dZ^{[1]} = W^{[2]T} dZ^{[2]} \odot \mathbf{1}[Z^{[1]} > 0]
dZ^{[1]} = W^{[2]T} dZ^{[2]} \odot \mathbb{I}(Z^{[1]} > 0)
dZ^{[1]} = W^{[2]T} dZ^{[2]} \odot \mathrm{ReLU}'(Z^{[1]})
A1 = np.maximum(W1 @ X + b1, 0.)
""",
    ("3-4:relu-1:sigmoid", "quadratic"): r"""
dZ2 = (A2 - Y) * A2 * (1-A2)
""",
    ("3-5:sigmoid-2", "quadratic"): r"""
dZ2 = (A2 - Y)
J = 1/(2*m) * np.sum((A2 - Y)**2)
J = np.mean(np.sum((A2-Y)**2, axis=0))/2
L = \frac12\lVert \hat y - y\rVert_2^2
\nabla_{\hat y} L = \hat y - y
""",
    ("3-1", "quadratic"): r"""
J = \frac{1}{2m}\sum_{i=1}^m (\hat y^{(i)} - y^{(i)})^2
J(w,b) = \frac{1}{2m}\sum_{i=1}^{m}(w^T x^{(i)} + b - y^{(i)})^2
""",
    ("3-1:sigmoid", "binary_cross_entropy"): r"""
\frac{\partial L}{\partial w_j} = (\sigma(w^T x + b) - y) x_j
\frac{\partial L}{\partial x} = W^T \frac{\partial L}{\partial z}
\frac{\partial L}{\partial a} = \frac{a-y}{a(1-a)}
\frac{\partial L}{\partial z} = a - y
\frac{\partial L}{\partial w} = (a-y)x
\frac{\partial L}{\partial w} = (a-y)x^T
\frac{\partial L}{\partial b} = a-y
\frac{\partial J}{\partial b} = \frac1m\sum_{i=1}^m (a^{(i)}-y^{(i)})
\frac{\partial J}{\partial w} = \frac{1}{m} X(A-Y)^T
dw = np.dot(X, (A-Y).T)/m
db = np.sum(A-Y)/m
db = np.mean(A-Y)
dw = (A-Y) @ X.T / m
w = w - alpha*dw
w -= alpha*dw
cost = -1/m*np.sum(Y*np.log(A)+(1-Y)*np.log(1-A))
cost = -(1/m)*(np.dot(Y, np.log(A).T) + np.dot(1-Y, np.log(1-A).T))
A = 1/(1+np.exp(-(w.T@X+b)))
A = sigmoid(X @ w + b)
A = sigmoid(w @ X + b)
""",
    ("3-2:softmax", "cross_entropy"): r"""
a_i = \frac{e^{z_i}}{\sum_j e^{z_j}}
a_i = \frac{e^{z_i}}{\sum_i e^{z_i}}
\sum_i a_i = 1
\frac{\partial a_i}{\partial z_j} = a_i(\mathbf{1}_{i=j} - a_j)
\frac{\partial a_i}{\partial z_j} = a_i(\mathbb{1}\{i=j\} - a_j)
\frac{\partial a_i}{\partial z_i} = a_i(1-a_i)
\frac{\partial L}{\partial z_i} = a_i - y_i
\frac{\partial L}{\partial z_i} = -\sum_k y_k (\delta_{ik} - a_i)
\frac{\partial L}{\partial a_i} = -\frac{y_i}{a_i}
L = -\sum_k y_k z_k + \log\sum_j e^{z_j}
\frac{\partial \hat y}{\partial z} = \operatorname{diag}(\hat y) - \hat y \hat y^\top
""",
    ("3-5:sigmoid-2", "mean_squared"): r"""
dA2 = 2*(A2-Y)/n2
dA2 = A2 - Y
J = np.mean((A2-Y)**2)
J = np.mean((Y-A2)**2)
""",
    ("3-5:sigmoid-2", "absolute"): r"""
J = np.mean(abs(A2-Y))
dA2 = np.sign(A2-Y)/n[2]
""",
    ("4-4:relu-3:tanh-2:softmax", "cross_entropy"): r"""
dW3 = dZ3 @ A2.T / m
dZ2 = W3.T @ dZ3 * (1 - A2**2)
dZ1 = W2.T @ dZ2 * (A1 > 0)
""",
}
TYPED_WRONG: dict[Pairing, str] = {
    (None, None): r"""
z = w.T x - b  ## sign
a = sigma'(z)  ## derivative-used-for-function
w = w + alpha dw  ## sign
dz = y - a  ## operands-swapped|sign
\tanh'(x) = 1 - \tanh(x^2)  ## missing-parentheses
1-\sigma(z) = \sigma(z)  ## sign
J = \sum_{i=1}^m \mathcal{L}(\hat y^{(i)}, y^{(i)})  ## missing-1/m
relu(x) = min(0, x)  ## sign|wrong-operand
softplus'(x) = tanh(x)  ## wrong-operand
d/dx x^2 = x  ## factor-2
d/dx e^(-x) = e^(-x)  ## sign
dz/dw = w  ## wrong-operand
\frac{\partial L}{\partial x_j} = \sum_i W_{ji} \frac{\partial L}{\partial z_i}  ## missing-transpose|wrong-index
dW^{[\ell]} = \frac{1}{m} dZ^{[\ell]} A^{[\ell]T}  ## wrong-layer-index
dZ^{[l]} = dA^{[l]} * g'^{[l]}(A^{[l]})  ## activation-derivative-at-wrong-place|wrong-operand
dz^{[l]} = diag(g'^{[l]}(z^{[l]})) W^{[l+1]} dz^{[l+1]}  ## missing-transpose
\log\operatorname{softmax}(z)_i = z_i + \log\sum_j e^{z_j}  ## sign
sigmoid(x) = 0.5*(1+tanh(x))  ## factor-2
b[l] -= alpha*dW[l]  ## wrong-operand
W[l] := W[l] - alpha dW[l-1]  ## wrong-layer-index
W[l] = dW[l] - alpha W[l]  ## gradient-used-for-weight|operands-swapped
e^{a+b} = e^a + e^b  ## product-vs-sum
(A B)^T = A^T B^T  ## operands-swapped
d/dx cos(x) = sin(x)  ## sign
d/dx 1/x = 1/x^2  ## sign
""",
    ("3-4:tanh-2:softmax", "cross_entropy"): r"""
dZ2 = Y - A2  ## operands-swapped|sign
dZ1 = (W2.T @ dZ2) * (1 - A1)**2  ## missing-parentheses
dZ1 = (W2.T @ dZ2) * (1 - Z1**2)  ## activation-derivative-at-wrong-place|wrong-operand
dW1 = dZ1 @ X.T / m**2  ## doubled-1/m
dW1 = X @ dZ1.T / m  ## missing-transpose|operands-swapped|outer-product-order
dW1 = 1/m * dZ1 * X.T  ## wrong-product
db2 = np.sum(dZ2) / m  ## sum-axis
dA1 = W2 @ dZ2  ## missing-transpose
dA1 = W1.T @ dZ1  ## wrong-layer-index
dA1 = W2.T @ dA2  ## missing-activation-derivative|wrong-operand
A2 = np.exp(Z2) / np.sum(Z2, axis=0)  ## wrong-operand
A1 = np.tanh(np.dot(W1, X)) + b1  ## missing-parentheses
J = np.sum(Y * np.log(A2)) / m  ## sign
W1 += lr * dW1  ## sign
W2 = W2 - alpha * dW1  ## wrong-layer-index
W1 = W1 - alpha * W1  ## gradient-used-for-weight|wrong-operand
b1 = b1 - alpha * dW1  ## wrong-operand
dW1 = W1 - alpha * dW1  ## gradient-used-for-weight|wrong-operand
L = -\sum_k \hat y_k \ln y_k  ## operands-swapped
dW^{[1]} = \frac{1}{m}\sum_{i=1}^{m} x^{(i)} dz^{[1](i)T}  ## operands-swapped|outer-product-order
dZ[2] - A[2] = Y  ## sign
\frac{\partial z^{[2]}_k}{\partial a^{[1]}_j} = W^{[2]}_{jk}  ## missing-transpose|operands-swapped|wrong-index
\frac{\partial z^{[2]}_k}{\partial W^{[2]}_{kj}} = a^{[1]}_k  ## wrong-index
\frac{\partial z^{[2]}_k}{\partial b^{[2]}_j} = 1  ## wrong-index
\frac{\partial a^{[1]}_j}{\partial z^{[1]}_j} = 1 - a^{[1]}_j  ## missing-square
\frac{\partial L}{\partial W^{[2]}_{kj}} = (y_k - a^{[2]}_k) a^{[1]}_j  ## sign
\frac{\partial L}{\partial W^{[2]}_{kj}} = (a^{[2]}_k - y_k) a^{[1]}_k  ## wrong-index
dL/dW[1][j,i] = sum_k (a[2][k]-y[k])*W[2][k,j]*(1-a[1][k]**2)*x[i]  ## wrong-index
\frac{\partial J}{\partial W^{[2]}} = \frac{1}{m}(A^{[2]} - Y)A^{[1]}  ## missing-transpose
dW1 = 1/m * ((W1.T @ (A2-Y)) * (1 - A1**2)) @ X.T  ## wrong-layer-index
dYhat = Y/Yhat  ## sign
Yhat = softmax(W2 @ tanh(W1 @ X + b1)) + b2  ## missing-parentheses
dZ1 = (W2 * dZ2) .* (1 - A1.^2)  ## missing-transpose
dW2 = dZ2.dot(A1)/m  ## missing-transpose
dW2 = 1 / (m * np.dot(dZ2, A1.T))  ## missing-parentheses|operands-swapped
W1 = W1 - learning_rate * db1  ## wrong-operand
\frac{\partial L}{\partial a^{[1]}} = W^{[2]} \frac{\partial L}{\partial z^{[2]}}  ## missing-transpose|operands-swapped
\frac{\partial a^{[1]}}{\partial z^{[1]}} = \operatorname{diag}(1 - a^{[1]})  ## missing-square
""",
    ("3-4:relu-1:sigmoid", "binary_cross_entropy"): r"""
dZ1 = np.where(Z1 < 0, W2.T @ dZ2, 0)  ## operands-swapped|sign|wrong-operand|wrong-product
dZ1 = dA1 * (dA1 > 0)  ## wrong-operand
\frac{\partial L}{\partial \hat y} = -\frac{y}{\hat y} - \frac{1-y}{1-\hat y}  ## sign
dZ^{[1]} = W^{[2]T} dZ^{[2]} \odot \mathrm{ReLU}(Z^{[1]})  ## function-used-for-derivative
""",
    ("3-5:sigmoid-2", "quadratic"): r"""
dZ2 = 2*(A2 - Y)  ## factor-2
J = 1/m * np.sum((A2 - Y)**2)  ## factor-2
L = \frac12\lVert \hat y - y\rVert_2  ## missing-square
\nabla_{\hat y} L = 2(\hat y - y)  ## factor-2
""",
    ("3-1", "quadratic"): r"""
J(w,b) = \frac{1}{2m}\sum_{i=1}^{m}(w^T x^{(i)} + b - y^{(i)})  ## missing-square
""",
    ("3-1:sigmoid", "binary_cross_entropy"): r"""
\frac{\partial L}{\partial a} = \frac{a-y}{a(1+a)}  ## sign
\frac{\partial L}{\partial a} = \frac{y-a}{a(1-a)}  ## operands-swapped|sign
\frac{\partial L}{\partial w} = (a-y)w  ## wrong-operand
\frac{\partial J}{\partial b} = \sum_{i=1}^m (a^{(i)}-y^{(i)})  ## missing-1/m
\frac{\partial J}{\partial w} = \frac{1}{m} X(A-Y)  ## missing-transpose
\frac{\partial J}{\partial w} = \frac{2}{m} X(A-Y)^T  ## factor-2
dw = np.dot(X, (Y-A).T)/m  ## operands-swapped|sign
dw = X * (A-Y).T / m  ## wrong-product
A = 1/(1+np.exp(-w.T@X+b))  ## missing-parentheses|sign
A = 1/1+np.exp(-(w.T@X+b))  ## missing-parentheses
""",
    ("3-2:softmax", "cross_entropy"): r"""
a_i = \frac{e^{z_j}}{\sum_j e^{z_j}}  ## wrong-index
\frac{\partial L}{\partial z_i} = -\sum_k y_k (\delta_{ik} - a_k)  ## wrong-index
\frac{\partial L}{\partial a_i} = \frac{y_i}{a_i}  ## sign
\frac{\partial L}{\partial a_i} = -\frac{a_i}{y_i}  ## operands-swapped
""",
}


def typed(table: dict[Pairing, str]) -> Iterator[tuple[str, str, str | None, str | None]]:
    """Formula, cause, network, loss."""
    for (network, loss), lines in table.items():
        for line in lines.strip().splitlines():
            formula, _, cause = line.partition("  ## ")
            yield formula, cause, network, loss


# ---- the judge


STRIDE = 37  # every thirty-seventh slip is tried here


@cache
def all_slips() -> tuple[tuple[str, Claim, Style], ...]:
    return tuple((name, slip, style) for claim, style in right_ones() for name, slip in slips(claim))


def test_the_formulas_are_right_by_numbers() -> None:
    assert all(claim.true() for claim, _ in right_ones())
    assert len({claim.text(style) for claim, style in right_ones()}) >= 150


def test_every_right_formula_is_right_in_every_notation() -> None:
    """A general rule with g' entry by entry is right for the hidden layers, which is its condition."""
    for claim, style in right_ones():
        found = judged(claim, style)
        entrywise_only = "entry by entry" in found.condition and any(p.op == "g'" for p, _ in _places(claim.right))
        assert found.verdict == "right" or (found.verdict == "right if" and entrywise_only), found


def test_slips_are_wrong_and_named() -> None:
    """All that NumPy finds false is called wrong, a letter without a meaning is told; causes to 98 in 100."""
    total: Counter[str] = Counter()
    named: Counter[str] = Counter()
    misses = []
    for name, slip, style in all_slips()[::STRIDE]:
        found = judged(slip, style)
        if name == "undefined-symbol":
            said = "Q is not defined" in found.note or "undefined-symbol" in causes(found)
            assert found.verdict in ("wrong", "cannot tell"), found
            assert said, found
            continue
        assert found.verdict == "wrong", found
        total[name] += 1
        known = {name} | ALIKE.get(name, set())
        named[name] += bool(causes(found) & known)
        if not causes(found) & known:
            misses.append(f"{name}: {found}")
    assert total.total() >= 45
    assert named.total() >= 0.98 * total.total(), "\n".join(misses)
    assert all(named[name] >= 0.8 * total[name] for name in total), "\n".join(misses)


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row[0])
def test_functions_and_their_derivatives(row: Row) -> None:
    text, left, right, cause = row
    assert np.allclose(left, right, rtol=1e-9) == (not cause)
    found = check_formula(text, seconds=0.3)
    assert found.verdict == ("wrong" if cause else "right"), found
    assert not cause or causes(found) & set(cause.split("|")), found


@pytest.mark.parametrize("row", COMPONENTS, ids=lambda row: row[0])
def test_components(row: Row2) -> None:
    """By numbers wrong where shapes do not fit or entries differ, in layers 1 and 2 of one sample."""
    text, name, side, cause = row
    world = WORLDS[SQUARES.network, 1]

    def agrees(layer: int) -> bool:
        wanted = world.value(name, layer)
        try:
            return bool(np.allclose(wanted[:, 0] if name == "dZ" else wanted, side(world, layer), rtol=1e-9))
        except ValueError:
            return False

    assert all(map(agrees, (1, 2))) == (not cause)
    found = check_formula(text, SQUARES.network, SQUARES.loss, samples="one", seconds=0.3)
    assert found.verdict == ("wrong" if cause else "right"), found
    assert not cause or causes(found) & set(cause.split("|")), found


def test_right_formulas_as_people_type_them() -> None:
    """None is called wrong; at most one in fifty is right under a condition only, or cannot be told."""
    found = [check_formula(text, network, loss, seconds=0.1) for text, _, network, loss in typed(TYPED_RIGHT)]
    assert len(found) >= 150
    assert not [f for f in found if f.verdict == "wrong"]
    less = [f for f in found if f.verdict != "right"]
    assert len(less) <= 0.02 * len(found), "\n".join(map(str, less))


def test_wrong_formulas_as_people_type_them() -> None:
    """None is called right, under whatever condition; nineteen of twenty causes are named."""
    rows = list(typed(TYPED_WRONG))
    found = [check_formula(text, network, loss, seconds=0.1) for text, _, network, loss in rows]
    assert not [f for f in found if f.verdict.startswith("right")]
    missed = [f for f, row in zip(found, rows, strict=True) if not causes(f) & set(row[1].split("|"))]
    assert len(missed) <= 0.05 * len(found), "\n".join(map(str, missed))
