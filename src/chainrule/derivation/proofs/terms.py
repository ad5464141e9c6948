"""Sums of numbers as a hand writes them: their terms with signs, brackets opened, as few signs as it goes."""

from __future__ import annotations

from collections.abc import Iterator

from ...graph import Node, build, constant, walk


def presented(node: Node) -> Node:
    """The same with as few signs as a hand writes: (y - 1) / (1 - a) + y / a as y / a - (1 - y) / (1 - a)."""
    memo: dict[Node, Node] = {}
    for n in walk(node):
        new = build(n.op, tuple(memo[x] for x in n.inputs), n.attrs) if n.inputs else n
        if n.op.name == "divide":
            above, below = new.inputs
            if above.op.name == "subtract" and above.inputs[1].is_constant and not above.inputs[0].is_constant:
                new = -((above.inputs[1] - above.inputs[0]) / below)
            elif above.op.name == "negate":
                new = -(above.inputs[0] / below)
        elif n.op.name == "multiply" and new.inputs[0].op.name == "negate":
            new = -(new.inputs[0].inputs[0] * new.inputs[1])
        elif n.op.name == "add" and new.inputs[0].op.name == "negate":
            new = new.inputs[1] - new.inputs[0].inputs[0]
        memo[n] = new
    return memo[node]


def terms(node: Node) -> Iterator[tuple[int, Node]]:
    """The terms of a sum with their signs."""
    if node.op.name == "negate":
        yield from ((-s, t) for s, t in terms(node.inputs[0]))
    elif node.op.name in ("add", "subtract"):
        yield from terms(node.inputs[0])
        yield from ((s if node.op.name == "add" else -s, t) for s, t in terms(node.inputs[1]))
    else:
        yield 1, node


def expanded(node: Node) -> list[tuple[int, Node]]:
    """The terms of a product of sums."""
    if node.op.name in ("negate", "add", "subtract"):
        return [(s * sign, t) for s, x in terms(node) for sign, t in expanded(x)]
    if node.op.name != "multiply":
        return [(1, node)]
    found = []
    for s, t in expanded(node.inputs[0]):
        for r, u in expanded(node.inputs[1]):
            found.append((s * r, u if t is constant(1) else t if u is constant(1) else t * u))
    return found


def added(terms: list[tuple[int, Node]]) -> Node:
    sign, first = terms[0]
    whole = first if sign > 0 else -first
    for s, t in terms[1:]:
        whole = whole + t if s > 0 else whole - t
    return whole
