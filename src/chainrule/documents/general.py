"""The general layer in letters of a document's own: v^{(k)} = M^{(k)} s^{(k-1)} + c^{(k)}, s^{(k)} = g(v^{(k)})."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from ..notation.canonical import COSTS
from ..notation.formula import Binary, Call, Equation, Formula, Index, Number, Partial, Sum, Symbol, Transpose
from ..notation.reading.tokens import FUNCTIONS
from ..notation.write import exact
from .stated import ACTIVATIONS

_PRODUCTS = "@ ·"
_KNOWN = {"pre": ("z", "Z"), "weight": ("W", "w"), "input": ("a", "A"), "bias": ("b",)}


@dataclass(frozen=True)
class General:
    """The letters of a general layer.

    rows      the weights stand behind the input
    weights   the layer of the weight less that of the pre-activation: -1 in z[l+1] = W[l] a[l] + b[l]
    before    that of the input less that of the pre-activation: 0 in a[l] = W[l] z[l] + b[l], where z[l+1] = f(a[l])
    functions letters of activations
    output    the last layer, L or a letter such as D
    line      the formula
    zero      the input is called layer 0, though the weights that follow it are too
    """

    pre: str
    weight: str
    input: str
    bias: str
    rows: bool
    weights: int = 0
    before: int = -1
    functions: tuple[str, ...] = ()
    output: str = "L"
    line: str = ""
    zero: bool = False

    @property
    def shift(self) -> int:
        """What is added to the number of an input: its layer as this library counts."""
        return self.weights - self.before - 1 + self.zero

    def letters(self, equations: Sequence[Equation]) -> dict[str, str]:
        """What the document writes -> what this library writes, for letters that differ."""
        small = self.input.islower()
        ours = {self.pre: "z" if small else "Z", self.input: "a" if small else "A", self.weight: "W", self.bias: "b"}
        if self.weight.islower():
            ours[self.weight] = "w"
        before = self.weights + self.zero
        shifts = {self.pre: before, self.input: self.shift, self.weight: self.zero, self.bias: self.zero}
        found = {
            f"{a}[l]": f"{b}{_place(shifts.get(a, 0))}" for a, b in ours.items() if a and (a != b or shifts.get(a))
        }
        if self.weights and before == self.shift:
            found["delta[l]"] = f"d{ours[self.pre]}{_place(before)}"
        found |= {f: "g[l]" for f in self.functions if f not in ACTIVATIONS | {"g", "sigma"} | FUNCTIONS}
        if self.output != "L" or (self.shift and not self._ends_behind(equations)):
            found[self.output] = "L" if not self.shift else f"L{-self.shift:+d}"
        for letter, of, by in _slopes(equations):
            meaning = {self.pre: "dz" if small else "dZ", self.input: "da" if small else "dA"}.get(of)
            if meaning is not None and letter not in (*ours, "delta", meaning):
                found.setdefault(f"{letter}[l]", f"{meaning}{_place(shifts[of] + by)}")
        for name in self._inputs(equations):
            found.setdefault(name, "x" if small else "X")
        target = next((x for x in self._targets(equations) if x not in ours), "")
        if target and target.lower() != "y":
            found[target] = "y" if small else "Y"
        return found

    def _ends_behind(self, equations: Sequence[Equation]) -> bool:
        """Whether L counts the weights, so that layer L + 1 is the last: W[L], z[L+1]."""
        letters = [p for e in equations for p in e.parts if isinstance(p, Symbol) and p.layer is not None]
        return any(
            (p.name == self.weight and p.layer == Symbol("L"))
            or (isinstance(p.layer, Binary) and p.layer.sign == "+" and p.layer.left == Symbol("L"))
            for p in letters
        )

    def _inputs(self, equations: Sequence[Equation]) -> Iterator[str]:
        """The letter that the first layer's input is said to be: xhat of `z_1 := xhat`."""
        for equation in equations:
            left, right = equation.sides[0], equation.sides[-1]
            first = isinstance(left, Symbol) and left.name == self.input and left.layer == Number(Fraction(-self.shift))
            if first and isinstance(right, Symbol) and right.layer is None and right.name not in "xX":
                yield right.name

    def _targets(self, equations: Sequence[Equation]) -> Iterator[str]:
        """t of `a[L] - t`."""
        for part in (p for e in equations for p in e.parts):
            if isinstance(part, Binary) and part.sign == "-":
                pair = _letter(part.left), _letter(part.right)
                for one, other in (pair, pair[::-1]):
                    if one is None or other is None or other.layer is not None:
                        continue
                    if one.name == self.input and one.layer == Symbol(self.output):
                        yield other.name


def general(equations: Iterable[Equation]) -> list[General]:
    """The general layer that a document writes down; nothing where it has none, or in the letters of this library.

    A text that numbers its layers in a way of its own may change that way: then all of them, the first one first.
    """
    equations = list(equations)
    found: list[General] = []
    for equation in equations:
        pre = _letter(equation.sides[0])
        if pre is None or _number(pre.layer) is None:
            continue
        for side in equation.sides[1:]:
            new = _linear(side, pre)
            if new is None:
                continue
            first = found[0] if found else None
            if first is None and _computed_otherwise(equations, pre, new.input):
                return []
            if not new.before and not _is_input_of_next(equations, new):
                continue
            functions, output = tuple(_functions(equations, pre, new.input)), _depth(equations, new.input)
            zero = new.weights == new.before == -1 and _is_layer_zero(equations, new.input)
            new = replace(new, functions=functions, output=output, line=exact(equation), zero=zero)
            if first is None:
                alike = all(
                    name in _KNOWN[role]
                    for role, name in (("pre", new.pre), ("weight", new.weight), ("input", new.input))
                    if name
                )
                if alike and not new.weights and not new.rows and not new.letters(equations):
                    return []
                found.append(new)
            elif not first.before and _numbers_otherwise(new, found):
                found.append(new)
    return found


def _is_layer_zero(equations: Sequence[Equation], post: str) -> bool:
    """Whether a[0] stands in the text, for its input."""
    zero = Number(Fraction(0))
    return any(isinstance(p, Symbol) and p.name == post and p.layer == zero for e in equations for p in e.parts)


def _numbers_otherwise(new: General, known: Sequence[General]) -> bool:
    """Whether a layer is one of those known but for its numbers."""
    return _unnumbered(new) == _unnumbered(known[0]) and all(
        (new.weights, new.before) != (x.weights, x.before) for x in known
    )


def _unnumbered(layer: General) -> tuple[str, str, str, str, bool]:
    return layer.pre, layer.weight, layer.input, layer.bias, layer.rows


def _computed_otherwise(equations: Sequence[Equation], pre: Symbol, post: str) -> bool:
    """Whether the next layer's input is more than a function of the pre-activation, `h_k = h_{k-1} + g(u_k)`."""
    for equation in equations:
        left = _letter(equation.sides[0])
        if left is None or left.name != post or not isinstance(left.layer, Symbol | Binary):
            continue
        for side in equation.sides[1:]:
            if any(isinstance(p, Symbol) and p.name == pre.name for p in side.parts):
                return isinstance(side, Binary) and side.sign in "+-"
    return False


def _letter(part: Formula) -> Symbol | None:
    base = part.base if isinstance(part, Index) else part
    base = base.operand if isinstance(base, Transpose) else base
    return base if isinstance(base, Symbol) and base.sample is None and not base.prime else None


def _linear(side: Formula, pre: Symbol) -> General | None:
    """The letters of `M[k] s[k-1] + c[k]` and how they are numbered."""
    bias: Symbol | None = None
    if isinstance(side, Binary) and side.sign == "+":
        bias = _letter(side.right) or _broadcast(side.right)
        if bias is None:
            return None
        side = side.left
    body = side.body if isinstance(side, Sum) else side
    if not isinstance(body, Binary) or body.sign not in _PRODUCTS + "*":
        return None
    left, right = _letter(body.left), _letter(body.right)
    if left is None or right is None:
        return None
    for letter, inner, rows in ((left, right, False), (right, left, not isinstance(side, Sum))):
        by = apart(letter.layer, pre.layer), apart(inner.layer, pre.layer)
        alike = bias is None or bias.layer == letter.layer
        usual = by == (0, -1) or (by in ((-1, -1), (0, 0)) and letter.name in ("W", "w", "Theta", "theta"))
        weights, before = by
        if alike and usual and weights is not None and before is not None:
            named = "" if bias is None else bias.name
            return General(pre.name, letter.name, inner.name, named, rows, weights, before)
    return None


def _is_input_of_next(equations: Sequence[Equation], layer: General) -> bool:
    """Whether what a layer makes of its pre-activation is numbered as the next one's input: z[i+1] = f(a[i])."""
    for equation in equations:
        left = _letter(equation.sides[0])
        if left is None or left.name != layer.input:
            continue
        for part in (p for side in equation.sides[1:] for p in side.parts):
            letter = _letter(part)
            if letter is not None and letter.name in (layer.pre, layer.weight) and apart(left.layer, letter.layer) == 1:
                return True
    return False


def _number(layer: Formula | None) -> tuple[Formula, int] | None:
    """l and -1 of the layer `l - 1`; None of one that has no letter."""
    match layer:
        case Symbol():
            return layer, 0
        case Binary(sign="+" | "-" as sign, left=Symbol() as letter, right=Number(value=value)):
            if value.denominator == 1:
                return letter, int(value) if sign == "+" else -int(value)
    return None


def apart(layer: Formula | None, of: Formula | None) -> int | None:
    """How much larger a layer is than another one; None where that is not known."""
    a, b = _number(layer), _number(of)
    return None if a is None or b is None or a[0] != b[0] else a[1] - b[1]


def _place(shift: int) -> str:
    return f"[l{shift:+d}]" if shift else "[l]"


def _broadcast(part: Formula) -> Symbol | None:
    """b of `1 b`, where ones repeat the bias for every sample."""
    match part:
        case Binary(left=Number() | Symbol(name="ones" | "one" | "1"), right=right):
            return _letter(right)
        case Binary(left=left, right=Number() | Transpose() | Symbol(name="ones" | "one" | "1")):
            return _letter(left)
    return None


def _functions(equations: Sequence[Equation], pre: Symbol, post: str) -> Iterator[str]:
    """Letters that are applied to the pre-activation, rho of `h_d = rho(p_d)`, which is read as a factor."""
    for equation in equations:
        left = _letter(equation.sides[0])
        if left is None or left.name != post:
            continue
        for side in equation.sides[1:]:
            match side:
                case (
                    Binary(sign=" ", left=Symbol(name=name, layer=None), right=x)
                    | Call(function=Symbol(name=name, layer=None), arguments=(x,))
                ) if _letter(x) == pre:
                    yield name


def _depth(equations: Sequence[Equation], post: str) -> str:
    """The letter of the last layer: L, or D where a[D] stands in the document and a[L] does not."""
    seen = {
        p.layer.name
        for e in equations
        for p in e.parts
        if isinstance(p, Symbol) and p.name == post and isinstance(p.layer, Symbol) and p.layer.name.isupper()
    }
    return "L" if "L" in seen or len(seen) != 1 else seen.pop()


def leads_up(equations: Sequence[Equation]) -> dict[str, str]:
    """The parameters, and what they are called here, where those of layer l lead to layer l + 1.

    W[l] stands beside delta[l+1], in two formulas or more.
    """
    said = 0
    found: set[str] = set()
    for equation in equations:
        letters = [p for p in equation.parts if isinstance(p, Symbol) and p.layer is not None]
        weights = [p for p in letters if p.name in ("W", "w", "b", "Theta", "theta")]
        slopes = [p for p in letters if p.name in ("delta", "dz", "dZ")]
        found |= {w.name for w in weights}
        said += any(apart(d.layer, w.layer) == 1 for w in weights for d in slopes)
    return {x: "W" if x in ("Theta", "theta") else x for x in sorted(found)} if said > 1 else {}


def _slopes(equations: Sequence[Equation]) -> Iterator[tuple[str, str, int]]:
    """e and v of `e^{(k)} = ∂Q/∂v^{(k)}`, and how much larger the layer of v is.

    It is read as exp(k) as long as nobody says that e is a letter.
    """
    for equation in equations:
        left = equation.sides[0]
        letter = _letter(left)
        if isinstance(left, Call) and left.function == Symbol("exp"):
            letter = Symbol("e", Symbol("k"))
        for side in equation.sides[1:]:
            if letter is None or letter.layer is None or not isinstance(side, Partial):
                continue
            below = _letter(side.denominator)
            above = side.numerator.function if isinstance(side.numerator, Call) else side.numerator
            if below is None or below.layer is None or not isinstance(above, Symbol):
                continue
            if above.name in COSTS or len(above.name) == 1:
                yield letter.name, below.name, apart(below.layer, letter.layer) or 0
