"""The steps of a derivation applied one after the other, without reverse mode and without searching for laws."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import DerivationError
from ..graph import OPS, Node, build
from ..reverse import Step

CONTRIBUTIONS = frozenset({"seed", "entry by entry"})


def is_contribution(step: Step) -> bool:
    """Whether a step adds what one use of a node contributes, rather than rewriting what is there."""
    return step.rule in OPS or step.rule in CONTRIBUTIONS


def replay(steps: Iterable[Step]) -> dict[Node, Node]:
    """node -> cotangent, from the printed steps alone.

    A contribution sets or waits for its sum, a sum and a cost step replace the expression, every other step is one
    rewriting `before -> after`, applied wherever `before` occurs. A step that rewrites nothing takes up what was found
    before: the rewritings after it are those of a second pass. Raises `DerivationError` if a step does not follow from
    the ones before it.
    """
    usual: dict[Node, Node] = {}
    rewriting = usual
    results: dict[Node, Node] = {}
    current: tuple[Node, Node] | None = None
    parts: list[Node] = []

    def finish() -> None:
        nonlocal current
        if current is not None:
            results[current[0]] = _settled(current[1], rewriting, {})
        current = None

    for s in steps:
        if is_contribution(s):
            if current is None or current[0] is not s.target or rewriting is not usual:
                finish()
                rewriting = usual
                current, parts = (s.target, s.after), [s.after]
            else:
                parts.append(s.after)
        elif s.rule == "sum over uses":
            if current is None or s.before is not current[1] or s.after.inputs[-1] not in parts:
                raise DerivationError(f"the step {s} does not add a contribution to what was found before it")
            current = (s.target, s.after)
        elif s.rule == "cost" or s.before is s.after:
            finish()
            rewriting = {} if s.before is s.after else usual
            if results.get(s.target, s.before) is not s.before:
                raise DerivationError(f"the step {s} does not start from what was found before it")
            current = (s.target, s.after)
        else:
            rewriting[s.before] = s.after
    finish()
    return results


def _settled(node: Node, rewriting: dict[Node, Node], memo: dict[Node, Node]) -> Node:
    """An expression with every rewriting applied, innermost first, until none applies."""
    stack = [node]
    while stack:
        n = stack[-1]
        missing = [x for x in n.inputs if x not in memo] if n not in memo else []
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        if n in memo:
            continue
        inputs = tuple(memo[x] for x in n.inputs)
        current = n if inputs == n.inputs else build(n.op, inputs, n.attrs)
        while current in rewriting and rewriting[current] is not current:
            after = rewriting[current]
            inner = tuple(_settled(x, rewriting, memo) for x in after.inputs)
            current = after if inner == after.inputs else build(after.op, inner, after.attrs)
        memo[n] = current
        memo.setdefault(current, current)
    return memo[node]
