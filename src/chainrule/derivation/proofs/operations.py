"""The backward rules of single operations proved in indices, in the letters of their records: C from A and B."""

from __future__ import annotations

from ...errors import DerivationError, ShapeError
from ...graph import Node, build, variable
from ...notation.from_graph import symbol
from ...ops import total
from ..document import Section
from ..settings import Quantities
from .index_form import operand_letters
from .proof import Proof, prove
from .proof_lines import Names, proof_section

_CALLED = {
    "matmul": "matrix product",
    "add": "sum of two",
    "subtract": "difference",
    "multiply": "product entry by entry",
    "divide": "quotient entry by entry",
    "sum": "sum over entries",
    "lse": "log-sum-exp",
}


def operation(node: Node) -> Section:
    """The proof of the backward rule of one operation, in the letters of its record: C from A and B.

    node  a call of the operation; what its operands are does not matter, only their shapes

    Raises `DerivationError` for an operation without a derivative.
    """
    node = _wide(node)
    parts = []
    for found, letters in operation_proofs(node):
        parts.append(proof_section(found, letters))
    if not parts and not any(slopes_of(node)):
        raise DerivationError(f"{node.op.name}: this operation has no derivative")
    cost, local = paired(node)
    setting = Quantities(cost, {"C": local}, _intervals(node, local))
    title = f"{_CALLED.get(node.op.name, node.op.name)}: {node.op.equation}"
    return Section(title, "proof", "" if parts else node.op.doc, (), tuple(parts), setting=setting)


def _wide(node: Node) -> Node:
    """The operation on matrices where it was called on columns: a rule is proved for all columns, not for one."""
    if not (node.op.pointwise or node.op.name in ("matmul", "sum", "lse")):
        return node
    inputs = list(node.inputs)
    taken = {d for x in inputs for d in x.shape}
    columns = next(d for d in ("q", "r", "s", "t") if d not in taken)
    for k, x in enumerate(inputs):
        if x.shape.cols == 1 != x.shape.rows and not x.is_constant and (node.op.name != "matmul" or k == 1):
            inputs[k] = variable(f"·{k}", x.shape.rows, columns)
    try:
        return build(node.op, tuple(inputs), node.attrs)
    except ShapeError:
        return node


def _intervals(node: Node, local: Node) -> dict[str, tuple[float, float]]:
    """Where the operation has a value, for each of its operands."""
    domain = node.op.domain
    return {x.name: domain[k] for k, x in enumerate(local.inputs) if x.is_variable and k < len(domain or ())}


def paired(node: Node) -> tuple[Node, Node]:
    """(Σ dC ∘ C, C) for the letters of `operation`: with this as the cost, ∂cost/∂C is dC, and every line has numbers.

    node  a call of the operation
    """
    letters = {k: letter for letter, k in operand_letters(node.op).items()}
    inputs = tuple(_operand(x, letters.get(k, "ABP"[k])) for k, x in enumerate(node.inputs))
    local = build(node.op, inputs, node.attrs)
    return total(variable("dC", *local.shape) * local, axis=None), local


def operation_proofs(node: Node) -> list[tuple[Proof, Names]]:
    """The proofs for the operands that carry a derivative; none where the record has no index notation."""
    try:
        _, local = paired(node)
        inputs = local.inputs
        d_out = variable("dC", *local.shape)
        result = []
        for x, slope in zip(inputs, slopes_of(node), strict=True):
            if slope and x.is_variable:
                names = Names(None, symbol("C"), symbol("dC"), symbol(x.name), symbol(f"d{x.name}"))
                result.append((prove(local, x, d_out), names))
        return result
    except DerivationError:
        return []


def _operand(x: Node, letter: str) -> Node:
    return x if x.is_constant else variable(letter, *x.shape, kind=x.get("kind") if x.is_variable else "real")


def slopes_of(node: Node) -> list[bool]:
    """Which operands of an operation carry a derivative."""
    if node.op.backward is None:
        return [False for _ in node.inputs]
    return [d is not None for d in node.op.backward(node, variable("dC", *node.shape))]
