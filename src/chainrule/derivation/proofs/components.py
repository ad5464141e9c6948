"""Backward rules proved by components, in the letters of a network, as lecturers write it.

∂L/∂W_ij = Σ_k ∂L/∂z_k ∂z_k/∂W_ij (third and fourth source), z_k = Σ_u W_ku a_u + b_k, ∂z_k/∂W_ij = δ_ki a_j, only the
summand with k = i survives, and the matrix form is read back: ∂L/∂W = dz aᵀ, formula (1) of the first source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...errors import DerivationError
from ...graph import SCALAR, Node, build, rename_dim, size, substitute, variable, walk
from ...laws import LAWS
from ...notation.formula import Symbol
from ...notation.from_graph import symbol
from ...reverse import Step
from ..document import Section
from ..settings import EveryLayer, OneSample
from .at_once import at_once
from .conditions import law_section
from .operations import operation
from .proof import Proof, prove
from .proof_lines import Names, proof_section
from .samples import lifted, multivariate_chain_rule


def components(
    node: Node,
    target: Node,
    names: Mapping[Node, str],
    *,
    one_sample: bool = False,
    scale: Node | None = None,
    cotangent: Node | None = None,
    unknown: Mapping[Node, Node] | None = None,
    samples: str = "m",
) -> Section:
    """The proof of ∂cost/∂target through `node`, in indices.

    node        a named expression, such as Z[1], or the sum of the losses (1 × 1)
    target      a named expression or variable below it, with no other name in between, such as W[1]
    names       node -> name, as `Graph.names`; variables are always named
    one_sample  for a single training example: columns z, a in small letters, and L for its loss
    scale       what enters at the target besides, such as 1/m at a parameter (`size("m", -1)`)
    cotangent   what ∂cost/∂node is, as an expression of named things: then it is inserted as well
    unknown     variable -> variable: A[l] is some function g of Z[l], entry by entry, and nothing is known of g
    samples     the symbol for the number of samples

    Raises `DerivationError` where the expression has no index notation, or does not contain the target.
    """
    return proof_section(*proof_of(node, target, names, one_sample, scale, cotangent, unknown, samples))


def proof_of(
    node: Node,
    target: Node,
    names: Mapping[Node, str],
    one_sample: bool = False,
    scale: Node | None = None,
    cotangent: Node | None = None,
    unknown: Mapping[Node, Node] | None = None,
    samples: str = "m",
) -> tuple[Proof, Names]:
    """The proof that `components` writes, and its letters."""
    given_names = {} if cotangent is None else {n: n.name for n in walk(cotangent) if n.is_variable}
    others = {n: n.name for pair in (unknown or {}).items() for n in pair}
    shown = _shown(node, given_names | others | dict(names), samples if one_sample else None)
    if target not in shown:
        raise DerivationError(f"{target} has no name, so there is no letter for its derivative; name it first")
    table = {n: _variable(n, name) for n, name in shown.items() if n is not node}
    local, by = _in_letters(node, table) if node.inputs else _variable(node, shown[node]), table[target]
    opaque = {_variable(a, shown[a]): table[z] for a, z in (unknown or {}).items()}
    given = None if cotangent is None else substitute(cotangent, {**table, node: _variable(node, shown[node])})
    known = {
        _in_letters(n, table): table[n] for n in names if n not in (node, target) and _right_above(n, target, names)
    }
    out = _variable(node, shown[node])
    if one_sample:
        local, by, out = (rename_dim(n, samples, 1) for n in (local, by, out))
        given = None if given is None else rename_dim(given, samples, 1)
        known = {rename_dim(n, samples, 1): rename_dim(v, samples, 1) for n, v in known.items()}
        opaque = {rename_dim(a, samples, 1): rename_dim(z, samples, 1) for a, z in opaque.items()}
    if by not in set(walk(local, *opaque.values())):
        raise DerivationError(f"{by.name} does not occur directly in {out.name}, so there is no step between them")
    is_cost = node.shape == SCALAR and not any(node in set(walk(n)) for n in names if n is not node)
    d_out = None if is_cost else variable(f"d{out.name}", *local.shape)
    if not opaque and _entrywise(local, by):
        opaque = {local: by}
    found = prove(local, by, d_out, known={**known, local: out}, opaque=opaque, scale=scale)
    letters = Names(
        cost=Symbol("L") if one_sample and target.is_variable and target.shape.cols != samples else None,
        out=Symbol("L") if is_cost and one_sample else symbol(out.name),
        d_out=None if d_out is None else symbol(d_out.name),
        target=symbol(by.name),
        d_target=symbol(f"d{by.name}"),
        unknown=local in opaque,
        given=given,
    )
    return found, letters


def _in_letters(node: Node, table: Mapping[Node, Node]) -> Node:
    """The expression of a node in the named things right below it."""
    return build(node.op, tuple(substitute(x, table) for x in node.inputs), node.attrs)


def _right_above(node: Node, target: Node, names: Mapping[Node, str]) -> bool:
    return any(target in n.inputs for n in _inside(node, names))


def all_samples(
    node: Node,
    target: Node,
    names: Mapping[Node, str],
    *,
    scale: Node | None = None,
    unknown: Mapping[Node, Node] | None = None,
    samples: str = "m",
) -> Section:
    """The step from one training sample to m: from dW_ij = dz_i a_j to dW = 1/m dZ Aᵀ, from da = Wᵀ dz to dA = Wᵀ dZ.

    node, target, names  as for `components`
    scale                1/m at a parameter; None at what is a column of each sample, such as A[1]
    unknown              as for `components`

    Raises `DerivationError` as `components` does.
    """
    one = proof_of(node, target, names, True, unknown=unknown, samples=samples)
    every = proof_of(node, target, names, False, scale, unknown=unknown, samples=samples)
    every_name = {n: n.name for pair in (unknown or {}).items() for n in pair} | dict(names)
    big, small = _shown(node, every_name, None), _shown(node, every_name, samples)
    columns = {
        rename_dim(_variable(n, small[n]), samples, 1): _variable(n, big[n]) for n in big if n.shape.cols == samples
    }
    if one[0].cotangent is not None and every[0].cotangent is not None:
        columns[one[0].cotangent] = every[0].cotangent
    return lifted(one, every, columns, scale)


def components_of(step: Step, names: Mapping[Node, str], *, scale: Node | None = None, samples: str = "m") -> Section:
    """The proof of one step of a derivation: in the names where both ends have one, else for the operation alone.

    names    node -> name of the table that was derived, as `Graph.names`
    scale    what enters at parameters besides (1/m); None proves ∂L/∂W for one sample there, where it is no matter
    samples  the symbol for the number of samples

    A step that applies a law gets the law with its condition; one that adds contributions, the multivariate chain rule.
    """
    if any(law.name == step.rule for law in LAWS):
        return law_section(step.rule)
    if step.rule in ("sum over uses", "seed", "cost"):
        return multivariate_chain_rule()
    users = [n for n in walk(*names, step.before) if n.op.name == step.rule and step.target in n.inputs]
    if len(users) > 1:
        users = [n for n in users if _made(step, n)] or users
    if not users:
        raise DerivationError(f"the step by {step.rule} belongs to no expression among the names given")
    user = users[0]
    if step.target in names or step.target.is_variable:
        above = [n for n in names if n is not step.target and user in _inside(n, names)]
        if above:
            parameter = step.target.is_variable and step.target.shape.cols != samples
            one = parameter and scale is None and _sample_by_sample(above[0], names, samples)
            one |= step.target.shape.cols == samples and _sum_over_samples(above[0], names, samples)
            try:
                factor = scale if parameter else None
                return components(above[0], step.target, names, one_sample=one, scale=factor, samples=samples)
            except DerivationError:  # an operation on the way has no index notation: its own proof says so
                return operation(user)
    return operation(user)


def _inside(node: Node, names: Mapping[Node, str]) -> set[Node]:
    """The nodes of an expression down to the next names."""
    found, stack = {node}, list(node.inputs)
    while stack:
        n = stack.pop()
        if n not in found and n not in names:
            found.add(n)
            stack.extend(n.inputs)
    return found


def _sum_over_samples(node: Node, names: Mapping[Node, str], samples: str) -> bool:
    """Whether a number is a sum over the samples of what each gives by itself, so that one sample gives its loss."""
    if node.op.name in ("add", "subtract", "negate"):
        return all(_sum_over_samples(x, names, samples) for x in node.inputs)
    if node.op.name == "multiply" and node.inputs[0].is_constant and not node.inputs[0].get("powers"):
        return _sum_over_samples(node.inputs[1], names, samples)
    inner = node.inputs[0] if node.op.name == "sum" else None
    return inner is not None and node.shape == SCALAR and _sample_by_sample(inner, names, samples)


def _sample_by_sample(node: Node, names: Mapping[Node, str], samples: str) -> bool:
    """Whether a column of the expression depends on the same column of what it is made of, and on no other."""
    return node.shape.cols == samples and not any(
        n.op.name in ("sum", "max", "lse") and n.get("axis") != 0 and n.inputs[0].shape.cols == samples
        for n in _inside(node, names)
    )


def _made(step: Step, user: Node) -> bool:
    """Whether the step's result is the backward rule of `user` for some cotangent."""
    assert user.op.backward is not None
    probe = variable("·d", *user.shape)
    made = user.op.backward(user, probe)
    return any(
        x is step.target and d is not None and _fits(d, step.after, probe, {})
        for x, d in zip(user.inputs, made, strict=True)
    )


def _fits(pattern: Node, node: Node, probe: Node, bound: dict[Node, Node]) -> bool:
    if pattern is probe:
        return bound.setdefault(probe, node) is node
    if pattern is node:
        return True
    return (
        pattern.op is node.op
        and pattern.attrs == node.attrs
        and len(pattern.inputs) == len(node.inputs) > 0
        and all(_fits(p, n, probe, bound) for p, n in zip(pattern.inputs, node.inputs, strict=True))
    )


def _shown(node: Node, names: Mapping[Node, str], samples: str | None) -> dict[Node, str]:
    """Letters for everything: of one sample, small ones for columns; parameters keep theirs."""
    every = {n: n.name for n in walk(node, *names) if n.is_variable} | dict(names)
    every.setdefault(node, "J")
    return {n: _small(name) if samples is not None and n.shape.cols == samples else name for n, name in every.items()}


def _small(name: str) -> str:
    return name[0].lower() + name[1:]


def _variable(node: Node, name: str) -> Node:
    facts: dict[str, Any] = {k: v for k, v in node.attrs if k in ("kind", "assume")} if node.is_variable else {}
    return variable(name, *node.shape, **facts)


def _entrywise(local: Node, by: Node) -> bool:
    """Whether local is g(by), entry by entry, for some g."""
    return local.shape == by.shape and all(
        n is by or n.is_constant or n.op.pointwise or (n.op.name == "broadcast" and n.inputs[0].is_constant)
        for n in walk(local)
    )


def layer(letter: str = "l", *, samples: str = "m", alone: bool = False) -> Section:
    """The proofs for a general layer: dW, db, dz, da of one sample, and the step to m samples; formulas (1) to (5).

    letter  of the layer: Z[l] = W[l] A[l-1] + b[l], A[l] = g[l](Z[l]), g any function that acts entry by entry
    alone   there is one sample only, so that its loss is the cost and ∂L/∂W is dW: formula (1) of the first source
    """
    before, after = f"{letter}-1", f"{letter}+1"
    wide = {k: f"n_{k}" if len(k) == 1 else f"n_{{{k}}}" for k in (before, letter, after)}
    x, A = variable(f"A[{before}]", wide[before], samples), variable(f"A[{letter}]", wide[letter], samples)
    Z_of_A = variable(f"Z[{letter}]", wide[letter], samples)
    W, b = variable(f"W[{letter}]", wide[letter], wide[before]), variable(f"b[{letter}]", wide[letter], 1)
    Z = W @ x + b
    Z_after = variable(f"W[{after}]", wide[after], wide[letter]) @ A + variable(f"b[{after}]", wide[after], 1)
    mean = size(samples, -1)
    steps: tuple[tuple[Node, Node, Node | None], ...] = (
        (Z, W, mean),
        (Z, b, mean),
        (A, Z_of_A, None),
        (Z_after, A, None),
        (Z_after, Z_of_A, None),
    )
    one, every = [], []
    single: dict[Node, tuple[Proof, Names]] = {}
    whole: dict[Node, tuple[Proof, Names]] = {}
    for node, target, scale in (*steps, (Z, x, None)):
        names = {Z: f"Z[{letter}]"} if node is Z else {Z_after: f"Z[{after}]"} if node is Z_after else {}
        unknown = {A: Z_of_A} if target is Z_of_A else {}
        found, letters = proof_of(node, target, names, True, unknown=unknown, samples=samples)
        letters = replace(letters, alone=alone)
        single.setdefault(target, (found, letters))
        whole.setdefault(target, proof_of(node, target, names, False, scale, unknown=unknown, samples=samples))
        if target is x:
            continue  # da[l-1] is proved as da[l] is, and used below
        one.append(proof_section(found, letters))
        if not alone:
            every.append(all_samples(node, target, names, scale=scale, unknown=unknown, samples=samples))
    one.append(at_once(single[Z_of_A], [single[n] for n in (W, b, x)], entries=True))
    every.append(at_once(whole[Z_of_A], [whole[n] for n in (W, b, x)], entries=False))
    prose = "{} and {}, entry by entry. Nothing else is assumed, so this holds in every such layer."
    if alone:
        prose = prose.format(f"z[{letter}] = W[{letter}] a[{before}] + b[{letter}]", f"a[{letter}] = g(z[{letter}])")
        return Section("one layer by components", "proof", prose, (), tuple(one), setting=OneSample())
    prose = prose.format(f"Z[{letter}] = W[{letter}] A[{before}] + b[{letter}]", f"A[{letter}] = g(Z[{letter}])")
    parts = (
        Section("one sample", "proof", "", (), tuple(one)),
        Section("m samples", "samples", "", (), tuple(every)),
    )
    return Section("one layer by components", "proof", prose, (), parts, setting=EveryLayer())
