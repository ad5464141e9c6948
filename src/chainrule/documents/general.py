"""The general layer in letters of a document's own: v^{(k)} = M^{(k)} s^{(k-1)} + c^{(k)}, s^{(k)} = g(v^{(k)})."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..notation.canonical import COSTS
from ..notation.formula import Binary, Call, Equation, Formula, Index, Number, Partial, Sum, Symbol, Transpose
from ..notation.reading.tokens import FUNCTIONS
from .stated import ACTIVATIONS

_PRODUCTS = "@ ·"
_KNOWN = {"pre": ("z", "Z"), "weight": ("W", "w"), "input": ("a", "A"), "bias": ("b",)}


@dataclass(frozen=True)
class General:
    """The letters of a general layer.

    rows      the weights stand behind the input
    shifted   the input is counted as the first layer, z[l+1] = W[l] a[l] + b[l]
    functions letters of activations
    output    the last layer, L or a letter such as D
    """

    pre: str
    weight: str
    input: str
    bias: str
    rows: bool
    shifted: bool = False
    functions: tuple[str, ...] = ()
    output: str = "L"

    def letters(self, equations: Sequence[Equation]) -> dict[str, str]:
        """What the document writes -> what this library writes, for letters that differ."""
        small = self.input.islower()
        ours = {self.pre: "z" if small else "Z", self.input: "a" if small else "A", self.weight: "W", self.bias: "b"}
        if self.weight.islower():
            ours[self.weight] = "w"
        found = {f"{a}[l]": f"{b}[l]" for a, b in ours.items() if a and a != b}
        if self.shifted:
            found |= {f"{a}[l]": f"{ours[a]}[l-1]" for a in (self.pre, self.input)}
            found["delta[l]"] = f"d{ours[self.pre]}[l-1]"
        found |= {f: "g[l]" for f in self.functions if f not in ACTIVATIONS | {"g", "sigma"} | FUNCTIONS}
        if self.output != "L":
            found[self.output] = "L"
        for letter, of in _slopes(equations):
            meaning = {self.pre: "dz" if small else "dZ", self.input: "da" if small else "dA"}.get(of)
            if meaning is not None and letter not in (*ours, "delta", meaning):
                found[f"{letter}[l]"] = f"{meaning}[l]"
        target = next((x for x in self._targets(equations) if x not in ours), "")
        if target and target.lower() != "y":
            found[target] = "y" if small else "Y"
        return found

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


def general(equations: Iterable[Equation]) -> General | None:
    """The general layer that a document writes down; None where it has none, or in the letters of this library."""
    equations = list(equations)
    for equation in equations:
        pre = _letter(equation.sides[0])
        if pre is None or not isinstance(pre.layer, Symbol | Binary):
            continue
        for side in equation.sides[1:]:
            found = _linear(side, pre)
            if found is not None:
                weight, before, bias, rows, shifted = found
                if _computed_otherwise(equations, pre, before):
                    return None
                functions, output = tuple(_functions(equations, pre, before)), _depth(equations, before)
                ours = all(
                    name in _KNOWN[role]
                    for role, name in (("pre", pre.name), ("weight", weight), ("input", before))
                    if name
                )
                known = General(pre.name, weight, before, bias, rows, shifted, functions, output)
                return known if not ours or shifted or rows or known.letters(equations) else None
    return None


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


def _linear(side: Formula, pre: Symbol) -> tuple[str, str, str, bool, bool] | None:
    """Weight, input and bias of `M[k] s[k-1] + c[k]`; whether the weight stands behind; whether z[k+1] has M[k]."""
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
    for weight, inner, rows in ((left, right, False), (right, left, not isinstance(side, Sum))):
        alike = bias is None or bias.layer == weight.layer
        usual = weight.layer == pre.layer and isinstance(pre.layer, Symbol) and _is_before(inner.layer, pre.layer)
        shifted = weight.layer == inner.layer and _is_behind(pre.layer, inner.layer)
        if alike and (usual or (shifted and weight.name in ("W", "w", "Theta", "theta"))):
            return weight.name, inner.name, "" if bias is None else bias.name, rows, shifted
    return None


def _broadcast(part: Formula) -> Symbol | None:
    """b of `1 b`, where ones repeat the bias for every sample."""
    match part:
        case Binary(left=Number() | Symbol(name="ones" | "one" | "1"), right=right):
            return _letter(right)
        case Binary(left=left, right=Number() | Transpose() | Symbol(name="ones" | "one" | "1")):
            return _letter(left)
    return None


def _is_before(layer: Formula | None, of: Formula) -> bool:
    return isinstance(layer, Binary) and layer.sign == "-" and layer.left == of and isinstance(layer.right, Number)


def _is_behind(layer: Formula | None, of: Formula | None) -> bool:
    return isinstance(layer, Binary) and layer.sign == "+" and layer.left == of and isinstance(layer.right, Number)


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


def _slopes(equations: Sequence[Equation]) -> Iterator[tuple[str, str]]:
    """e and v of `e^{(k)} = ∂Q/∂v^{(k)}`, which is read as exp(k) as long as nobody says that e is a letter."""
    for equation in equations:
        left = equation.sides[0]
        letter = _letter(left)
        if isinstance(left, Call) and left.function == Symbol("exp"):
            letter = Symbol("e", Symbol("k"))
        for side in equation.sides[1:]:
            if letter is None or letter.layer is None or not isinstance(side, Partial):
                continue
            below = _letter(side.denominator)
            above = side.numerator
            if below is None or below.layer is None or not isinstance(above, Symbol):
                continue
            if above.name in COSTS or len(above.name) == 1:
                yield letter.name, below.name
