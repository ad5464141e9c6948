"""Names for the parts of a nested expression: `sum((Y - σ(W2 σ(W1 X + b1) + b2))²)` is one of Z[1], A[1], Z[2], A[2].

An expression is nested where a matrix product reads a function of another one, as in a network that was typed. Without
names every line of its gradient would hold the whole network; with them the chain rule goes from part to part, and each
part's derivative is there before it is used.
"""

from __future__ import annotations

from ..graph import Node, variables, walk

_SUMS = ("add", "subtract")
_TAILS = ("sigmoid", "tanh", "maximum")  # functions of the last product that are named though no product reads them


def layers_of(output: Node) -> dict[str, Node]:
    """Name -> part, in order: Z[k] what is affine, A[k] a function of Z[k], U[k] any other; empty if nothing is nested.

    Nothing is named either where the letters Z, A or U stand in the expression.
    """
    nodes = list(walk(output))
    users: dict[Node, list[Node]] = {}
    for n in nodes:
        for x in n.inputs:
            users.setdefault(x, []).append(n)
    products = {n for n in nodes if n.op.name == "matmul" and variables(n)}
    read = {_bare(x) for n in products for x in n.inputs}
    functions = {n for n in read if n not in products and not n.is_constant and _reads(n, products)}
    functions = {n for n in functions if n.op.name not in (*_SUMS, "negate", "broadcast")}
    if not functions or {n.partition("[")[0].partition("_")[0] for n in variables(output)} & {"Z", "A", "U"}:
        return {}
    affine = {_with_bias(n, users) for n in products}
    affine = {
        n for n in affine if not all(_bare_use(u, users) in products for u in users.get(n, [])) and n is not output
    }
    tails = {n for n in nodes if n.op.name in _TAILS and any(x in affine for x in n.inputs)}
    named = [n for n in nodes if n in affine or n in functions or n in tails]
    return _names(named)


def _names(named: list[Node]) -> dict[str, Node]:
    found: dict[str, Node] = {}
    by_node: dict[Node, str] = {}
    sums = others = 0
    for n in named:
        behind = next((x for x in walk(n) if by_node.get(x, "").startswith("Z") and _is_function_of(n, x)), None)
        if n.op.name in ("matmul", *_SUMS):
            sums += 1
            name = f"Z[{sums}]"
        elif behind is not None and f"A{by_node[behind][1:]}" not in found:
            name = f"A{by_node[behind][1:]}"
        else:
            others += 1
            name = f"U[{others}]"
        found[name] = n
        by_node[n] = name
    return found


def _is_function_of(n: Node, x: Node) -> bool:
    """Whether n reads its letters through x alone, and is of its size."""
    if n.shape != x.shape:
        return False
    stack, seen = [n], {x}
    while stack:
        y = stack.pop()
        if y in seen:
            continue
        seen.add(y)
        if y.is_variable:
            return False
        stack += y.inputs
    return True


def _bare(n: Node) -> Node:
    return n.inputs[0] if n.op.name == "transpose" else n


def _bare_use(user: Node, users: dict[Node, list[Node]]) -> Node:
    return users[user][0] if user.op.name == "transpose" and len(users.get(user, [])) == 1 else user


def _reads(n: Node, products: set[Node]) -> bool:
    return any(x in products for x in walk(n))


def _with_bias(product: Node, users: dict[Node, list[Node]]) -> Node:
    """A product with the letter that is added to it and to nothing else."""
    own = users.get(product, [])
    if len(own) != 1 or own[0].op.name not in _SUMS:
        return product
    a, b = own[0].inputs
    other = b if a is product else a
    other = other.inputs[0] if other.op.name == "broadcast" else other
    return own[0] if other.is_variable and own[0].op.name == "add" else product


__all__ = ["layers_of"]
