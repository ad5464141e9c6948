"""Which letters and places of indices a text uses: the declared notation of a document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

_LAYERED = re.compile(r"\\?([A-Za-z]+)\s*((?:\[|\^).*)")
_STYLED = re.compile(r"\\(?:bm|boldsymbol|math(?:bf|it|rm|sf|cal)|pmb|vec)\s*\{\s*(\\?[A-Za-z]+)\s*\}")
_OF_A_LAYER = re.compile(r"\s*[A-Za-z]+\s*\[")
_VALUES = frozenset({"a", "z", "A", "Z", "da", "dz", "dA", "dZ"})
FUNCTIONS = frozenset({"g", "f", "h", "sigma", "sig", "phi", "psi", "J", "C", "L", "ell"})


LayerPlace = Literal["brackets", "parentheses", "subscript", "superscript"]
ComponentPlace = Literal["subscript", "superscript"]


@dataclass(frozen=True)
class Letters:
    """How a document writes what this library calls X, Y, Yhat, W[l], b[l], Z[l], A[l], dW[l], …

    layer         where the layer stands: `W^{[l]}` "brackets", `W^{(l)}` "parentheses", `W_l` "subscript",
                  `w^l_{jk}` "superscript"
    component     where the component of a vector or matrix stands: `z_i` "subscript", `z^i` "superscript"
    rename        pattern -> name of this library, both read as formulas: {"z_i": "a[i-1]", "epsilon_i": "dz[i]"};
                  a letter of the left side that stands for a layer may occur on the right
    functions     letters that may be applied to an argument: `g(z)` is then no product
    differentials `dx` is a small change of x, not the derivative of the cost by x
    network       the text is about a network: `L(yhat, y)`, `J(theta)` are its loss and cost, and `z1`, `z[1]` are of
                  layer 1; otherwise L is any function, and z1 a component
    layers        the letters that number layers, where others at the same place number components; none: any letter
    """

    layer: LayerPlace = "brackets"
    component: ComponentPlace = "subscript"
    rename: Mapping[str, str] = field(default_factory=dict)
    functions: frozenset[str] = FUNCTIONS
    differentials: bool = False
    network: bool = True
    layers: frozenset[str] = frozenset()

    @property
    def layered(self) -> dict[str, frozenset[str]]:
        """The letters that are declared with a layer, V of `V^l` and `V[l]`, each with the letters that number it."""
        found: dict[str, frozenset[str]] = {}
        for pattern, stands_for in self.rename.items():
            plain = _STYLED.sub(r"\1", pattern)
            if stands_for in _VALUES and re.fullmatch(r"\\?[A-Za-z]+", plain):  # x that stands for a, of any layer
                found.setdefault(plain.lstrip("\\"), frozenset())
            said = _LAYERED.match(plain)
            if said is not None and _OF_A_LAYER.match(stands_for):
                found[said[1]] = found.get(said[1], frozenset()) | set(re.findall(r"[A-Za-z]+", said[2]))
        return found
