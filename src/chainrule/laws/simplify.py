"""Apply the laws from the leaves up until none applies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..errors import DerivationError
from ..graph import Node, build
from . import functions, numbers, structure
from .law import LAWS, Law

# Importing the rooms of the laws fills the table, in this order: like terms are collected last.
ROOMS = (functions, structure, numbers)


@dataclass(frozen=True)
class Applied:
    """One use of a law: `before` became `after`."""

    law: Law
    before: Node
    after: Node


_USUAL: dict[str, list[Law]] = {}
_EVERY: dict[str, list[Law]] = {}
for _law in LAWS:
    for _op in _law.ops:
        _EVERY.setdefault(_op, []).append(_law)
        if _law.always:
            _USUAL.setdefault(_op, []).append(_law)

_MOST = 2000


def simplify(
    node: Node, memo: dict[Node, Node] | None = None, record: list[Applied] | None = None, *, every: bool = False
) -> Node:
    """The expression after all laws that apply; the value is the same wherever the laws' conditions hold.

    memo    results already found, to share work between calls
    record  receives every use of a law, in order
    every   also the laws that are applied only where they are asked for
    """
    if memo is None and record is None and not every:
        return _simplified(node)
    memo = {} if memo is None else memo
    stack = [node]
    while stack:  # like walk(), but not below what is already settled: a derivation asks for every cotangent in turn
        n = stack[-1]
        missing = [x for x in reversed(n.inputs) if x not in memo] if n not in memo else []
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        if n not in memo:
            memo[n] = settled = _settle(n, memo, record, _EVERY if every else _USUAL)
            memo.setdefault(settled, settled)
    return memo[node]


# Expressions are kept once: the same network, made again, asks for the same forms.
@lru_cache(256)
def _simplified(node: Node) -> Node:
    return simplify(node, {})


def _settle(n: Node, memo: dict[Node, Node], record: list[Applied] | None, laws: Mapping[str, Sequence[Law]]) -> Node:
    inputs = tuple(memo[x] for x in n.inputs)
    current = n if inputs == n.inputs else build(n.op, inputs, n.attrs)
    for _ in range(_MOST):
        step = next(
            ((rule, after) for rule in laws.get(current.op.name, ()) if (after := rule.rewrite(current)) is not None),
            None,
        )
        if step is None or step[1] is current:
            return current
        rule, after = step
        if record is not None:
            record.append(Applied(rule, current, after))
        # What the law built is made of settled parts and a few new nodes: settle the new ones too.
        every = laws is _EVERY
        inputs = tuple(memo[x] if x in memo else simplify(x, memo, record, every=every) for x in after.inputs)
        current = after if inputs == after.inputs else build(after.op, inputs, after.attrs)
    raise DerivationError(f"the laws do not come to rest on {n}; please report this expression")
