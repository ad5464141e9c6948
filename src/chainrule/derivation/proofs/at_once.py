"""The derivatives of a layer from those of its activations at once, as the third source sums them up.

∂L/∂W = (∂L/∂a * g'(z)) aᵀ, ∂L/∂b = ∂L/∂a * g'(z), ∂L/∂a^{[l-1]} = Wᵀ (∂L/∂a * g'(z)): what was proved of dz is put into
what was proved of dW, db and da.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...graph import Node, substitute
from ...graph.shape import show
from ...notation.formula import Equation, Formula
from ...notation.from_graph import formula
from ...notation.write import text
from ..document import Line, Section
from .index_form import Writer
from .indexed import Indices
from .proof import Proof
from .proof_lines import Names, slope_names
from .written import Letters, place

Step = tuple[Proof, Names]


def at_once(through: Step, behind: Sequence[Step], *, entries: bool) -> Section:
    """The results of `behind` with the derivative by the logits, which they hold, replaced by the result of `through`.

    through  the proof of dz = da * g'(z)
    behind   the proofs from dz on: of dW, db, da
    entries  whether the last one, da, is written by components, too
    """
    proof, names = through
    named = slope_names(proof, Letters({proof.local: names.out}))
    lines = []
    for found, letters in behind:
        assert found.cotangent is not None
        value = substitute(found.matrix, {found.cotangent: proof.matrix})
        shape = (show(found.target.shape.rows), show(found.target.shape.cols))
        why = f"{text(names.d_target)} is replaced by what it is"
        lines.append(Line(_equation(letters.whole, formula(value, named)), "put together", why, shape))
        if entries and not letters.is_parameter:
            lines.append(_by_components(found, letters, value, named))
    return Section(f"from {text(names.d_out or names.out)} at once", "proof", "", tuple(lines))


def _by_components(found: Proof, letters: Names, value: Node, named: dict[Node, Formula]) -> Line:
    indices = Indices()
    row = indices.fresh(value.shape.rows, "ij")
    entry = Letters(named).formula(Writer(indices).entry(value, row, None))
    left = place(letters.whole, found.target, row, None)
    return Line(_equation(left, entry), "by components", "the same, entry by entry")


def _equation(left: Formula, right: Formula) -> Equation:
    return Equation((left, right), ("=",))
