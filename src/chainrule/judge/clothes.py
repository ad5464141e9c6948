"""Why a right formula equals ours although it looks different."""

from __future__ import annotations

from ..notation.formula import Binary, Call, Equation, Index, Number, Partial, Sum, Symbol, Transpose
from .parts import layers_of, places


def clothes(tree: Equation) -> str:
    """What the reader may miss in a right formula: other letters, indices for a matrix product, a law that was used."""
    found: dict[str, None] = {}
    names = {p.part.name for p in places(tree) if isinstance(p.part, Symbol) and p.role == "operand"}
    for place in places(tree):
        part = place.part
        if isinstance(part, Call) and isinstance(part.function, Symbol) and part.function.prime and part.arguments:
            inner = part.arguments[0]
            if isinstance(inner, Symbol) and inner.name in ("A", "a"):
                found["the derivative is the same at A as at Z: only the sign decides"] = None
        if isinstance(part, Sum) and any(isinstance(x, Index) for x in part.body.parts):
            found["the sum over the indices is the matrix product, entry by entry"] = None
        if isinstance(part, Transpose) and isinstance(part.operand, Binary) and part.operand.sign in ("@", " ", "·"):
            found["(X Y)ᵀ = Yᵀ Xᵀ"] = None
    if names & {"Yhat", "yhat"} and (layers_of(tree) or names & {"dZ", "dz"}):
        found["Ŷ is A[L]"] = None
    if _logistic(tree):
        found["a (1 − a) is the derivative of the logistic function, written with its value"] = None
    if _hyperbolic(tree):
        found["1 − a² is the derivative of tanh, written with its value"] = None
    return "; ".join(found)


def _logistic(tree: Equation) -> bool:
    """x (1 - x) among the parts, in a formula about derivatives."""
    return _derives(tree) and any(
        isinstance(p.part, Binary)
        and p.part.sign in ("*", "∘", " ", "·")
        and _complement(p.part.right)
        and (p.part.left == p.part.right.right or _last(p.part.left) == p.part.right.right)  # type: ignore[attr-defined]
        for p in places(tree)
    )


def _last(part: object) -> object:
    return part.right if isinstance(part, Binary) else None


def _complement(part: object) -> bool:
    return isinstance(part, Binary) and part.sign == "-" and part.left == Number(1)  # type: ignore[arg-type]


def _hyperbolic(tree: Equation) -> bool:
    """1 - x^2 among the parts, in a formula about derivatives."""
    return _derives(tree) and any(
        isinstance(p.part, Binary)
        and _complement(p.part)
        and isinstance(p.part.right, Binary)
        and p.part.right.sign == "^"
        and p.part.right.right == Number(2)  # type: ignore[arg-type]
        for p in places(tree)
    )


def _derives(tree: Equation) -> bool:
    return any(
        isinstance(p.part, Partial) or (isinstance(p.part, Symbol) and (p.part.name[:1] == "d" or p.part.prime > 0))
        for p in places(tree)
    )
