"""The form of a law, the table they stand in, and what their patterns look for.

The laws serve twice: they turn a derivation into the textbook's form, and they are what makes the numbers stable
(log-sum-exp, softplus). Each rewrites one node whose operands are already simplified.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from ..graph import Node, constant
from .ring import coefficient


@dataclass(frozen=True)
class Law:
    """One simplification: `equation` holds whenever `condition` does; `rewrite` is None where it does not apply.

    always  whether it is applied whenever an expression is simplified, or only where it is asked for
    """

    name: str
    equation: str
    condition: str
    ops: tuple[str, ...]
    rewrite: Callable[[Node], Node | None]
    always: bool = True


LAWS: list[Law] = []


def law(
    name: str, equation: str, *ops: str, condition: str = "", always: bool = True
) -> Callable[[Callable[[Node], Node | None]], None]:
    """Enter a rewrite into the table for the ops at whose nodes it may apply."""

    def enter(rewrite: Callable[[Node], Node | None]) -> None:
        LAWS.append(Law(name, equation, condition, ops, rewrite, always))

    return enter


def is_op(node: Node, name: str) -> bool:
    return node.op.name == name


def number(node: Node) -> Fraction | float | None:
    """The number of a constant without size powers, else None."""
    return node.get("value") if node.is_constant and not node.get("powers") else None


def negated(node: Node) -> Node | None:
    """x of an expression -x (or c·x with c < 0, as |c|·x)."""
    c, powers, rest = coefficient(node)
    if c >= 0 or rest is None:
        return None
    return rest if c == -1 and not powers else constant(-c, rest.shape, powers) * rest


def simplest_negation(node: Node) -> Node:
    """-x as the laws leave it: -(-x) is x."""
    return negated(node) or -node


def one_plus(node: Node) -> Node | None:
    """x of an expression 1 + x or x + 1."""
    if is_op(node, "add"):
        a, b = node.inputs
        if number(a) == 1:
            return b
        if number(b) == 1:
            return a
    return None
