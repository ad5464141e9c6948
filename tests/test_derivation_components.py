"""Proofs in indices: every op's backward rule is found again, and every line that is written is true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from printed_lines import BELOW_ZERO, compared, with_pi
from tables import CALLS, LEAVES, REAL, complex_step, relative_error, sample

from chainrule.derivation.document import Section
from chainrule.derivation.proofs.activations import activations, derivative_of, logarithm, written_out
from chainrule.derivation.proofs.by_rules import derivatives
from chainrule.derivation.proofs.components import (
    all_samples,
    components,
    components_of,
    layer,
    proof_of,
)
from chainrule.derivation.proofs.conditions import column_sums, law_section, laws_used
from chainrule.derivation.proofs.index_form import forms
from chainrule.derivation.proofs.operations import operation, operation_proofs, paired
from chainrule.derivation.proofs.proof import same_numbers
from chainrule.derivation.proofs.samples import multivariate_chain_rule
from chainrule.errors import DerivationError, UnknownNameError
from chainrule.graph import OPS, Node, rename_dim, size, variable, variables, walk
from chainrule.laws import LAWS, Applied, simplify
from chainrule.meaning.world import World
from chainrule.nn.losses import loss
from chainrule.nn.network import Network, Objective
from chainrule.notation.formula import Formula, Negate, Symbol
from chainrule.notation.write import text
from chainrule.ops import ACTIVATIONS, activation, total
from chainrule.reverse import derive

TOLERANCE = 1e-10
WITHOUT_INDICES = {"max", "uniform"}  # the largest entry has ties, random numbers are no function of entries
RECORDED = sorted(set(OPS) - LEAVES)


def assert_true(world: World, section: Section, bindings: bool = True) -> int:
    """Every line of a section has equal sides in this world, for all layers for which it speaks of something."""
    count = 0
    for line in section.every_line():
        for given in world.bindings(line.formula) if bindings else [{}]:
            found = compared(world, line.formula, given, TOLERANCE)
            assert found.status == "equal", (section.title, text(line.formula), given, found)
            count += 1
    assert count
    return count


def definitions(section: Section) -> dict[str, Formula]:
    found: dict[str, Formula] = {}
    for line in section.every_line():
        name = line.formula.sides[0]
        if line.formula.relations[0] == ":=":
            letter = name if isinstance(name, Symbol) else name.children[0]
            assert isinstance(letter, Symbol)
            found[letter.name] = with_pi(line.formula)
    return found


def shown(section: Section) -> list[str]:
    return [text(line.formula).replace("**", "^") for line in section.every_line()]


# One operation --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECORDED)
def test_every_backward_rule_is_found_in_indices(name: str) -> None:
    """The proof ends in what `backward` gives: the same graph, or the same numbers in another writing."""
    for r, c in ((2, 3), (3, 4), (2, 4)):  # the three ways to reduce
        node, _ = sample(name, r, c, seed=0)
        probe = variable("dC", *node.shape)
        assert node.op.backward is not None
        made = [d for d in node.op.backward(node, probe) if d is not None]
        found = operation_proofs(node)
        assert len(found) == (0 if name in WITHOUT_INDICES else len(made)), name
        for proof, _names in found:
            assert proof.meets or same_numbers(proof.matrix, proof.direct), (proof.matrix, proof.direct)
            assert proof.matrix.shape == proof.target.shape


@pytest.mark.parametrize("name", sorted(set(RECORDED) - WITHOUT_INDICES))
def test_the_proof_agrees_with_the_complex_step(name: str) -> None:
    """Σ dC ∘ C, differentiated without any rule, against the matrix that the indices gave."""
    node, _ = sample(name, 3, 4, seed=1)
    cost, local = paired(node)
    rng = np.random.default_rng(2)
    values = {}
    for k, x in enumerate(local.inputs):
        lo, hi = node.op.domain[k] if node.op.domain else REAL
        labels = x.is_variable and x.get("kind") != "real"
        values[x.name] = rng.integers(0, 3, x.shape) if labels else rng.uniform(lo, hi, x.shape)
    values["dC"] = rng.uniform(0.5, 1.5, local.shape)
    for proof, _names in operation_proofs(node):
        wanted = complex_step(lambda v: evaluated(cost, v), values, proof.target.name)
        assert relative_error(evaluated(proof.matrix, values), wanted) < 1e-9


def evaluated(node: Node, values: dict[str, object]) -> object:
    memo: dict[Node, object] = {}
    for n in walk(node):
        if n.is_variable:
            memo[n] = np.asarray(values[n.name])
        elif n.is_constant:
            memo[n] = np.full(n.shape, float(n.get("value")))
        else:
            memo[n] = n.op.forward(*(memo[x] for x in n.inputs), **dict(n.attrs))
    return memo[node]


# What the judge's world has no function for stands in the last line of these, the matrix form.
UNKNOWN_TO_THE_WORLD = {"where", "lse", "one_hot", "pick", "gather", "scatter_add"}


@pytest.mark.parametrize("name", sorted(set(RECORDED) - WITHOUT_INDICES - UNKNOWN_TO_THE_WORLD))
def test_every_line_of_an_operation_is_true(name: str) -> None:
    for r, c in ((2, 3), (3, 4), (2, 4)):
        node, _ = sample(name, r, c, seed=0)
        if not operation_proofs(node):
            continue
        cost, local = paired(node)
        rng = np.random.default_rng(0)
        values = {
            x.name: rng.uniform(*(node.op.domain[k] if node.op.domain else REAL), x.shape)
            for k, x in enumerate(local.inputs)
        }
        values["dC"] = rng.uniform(0.5, 1.5, local.shape)
        assert_true(World.of_expression(cost, values, named={"C": local}), operation(node), bindings=False)


def test_what_has_no_indices_says_so() -> None:
    with pytest.raises(DerivationError, match=r"max_ij A_ij.*no index notation"):
        forms(OPS["max"])
    section = operation(OPS["max"](variable("x", 3, 4), axis=0))
    assert "shared equally in a tie" in section.prose
    assert not section.parts
    with pytest.raises(DerivationError, match="uniform: this operation has no derivative"):
        operation(sample("uniform", 2, 3, 0)[0])


def test_labels_are_indices() -> None:
    """c_j = A_(y_j) j: only the row that the label names counts."""
    node, _ = sample("pick", 3, 4, seed=0)
    assert any("the label says" in line.why for line in operation(node).every_line())
    ((proof, _names),) = operation_proofs(node)
    assert proof.meets


# A network ------------------------------------------------------------------------------------------------------

NETWORKS = (
    ("3-5:tanh-4:sigmoid-2:softmax", "cross_entropy"),
    ("4-3:relu-1:sigmoid", "binary_cross_entropy"),
    ("1-3:gelu-2", "quadratic"),
)


def steps_of(spec: str) -> tuple[dict[Node, str], list[tuple[Node, Node]]]:
    """The names of a network, and its steps: each named node with everything named right below it."""
    graph = Network.parse(spec).forward(training=True).graph
    names = dict(graph.names)
    known = names | {n: n.name for n in graph.variables.values()}
    steps = []
    for node in names:
        below, stack = [], list(node.inputs)
        while stack:
            n = stack.pop()
            if n in known:
                below.append(n)
            else:
                stack.extend(n.inputs)
        steps += [(node, x) for x in dict.fromkeys(below) if known[x] != "A[0]"]
    return names, steps


def is_parameter(node: Node) -> bool:
    return node.is_variable


@pytest.mark.parametrize(("spec", "loss_name"), NETWORKS)
def test_every_line_in_a_network_is_true(spec: str, loss_name: str) -> None:
    """One sample, the matrices of all samples, and the step from one to the other."""
    world = World.of_network(spec, loss_name)
    names, steps = steps_of(spec)
    mean = size("m", -1)
    for node, target in steps:
        scale = mean if is_parameter(target) else None
        proof, _ = proof_of(node, target, names, scale=scale)
        assert proof.matrix.shape == proof.target.shape
        for section in (
            components(node, target, names, one_sample=True),
            components(node, target, names, scale=scale),
            all_samples(node, target, names, scale=scale),
        ):
            assert_true(world, section)


def test_a_changed_line_is_not_true() -> None:
    """The check can fail: with the sign of the right side turned, no line is left equal."""
    names, steps = steps_of(NETWORKS[0][0])
    world = World.of_network(*NETWORKS[0])
    node, target = steps[0]
    for line in components(node, target, names, one_sample=True).every_line():
        sides = (*line.formula.sides[:-1], Negate(line.formula.sides[-1]))
        assert world.compare(replace(line.formula, sides=sides)).status != "equal"


def test_the_general_layer_holds_in_every_layer() -> None:
    section = layer()
    for spec in ("3-5:tanh-4:sigmoid-2:softplus", "2-3:gelu-1:tanh"):
        assert_true(World.of_network(spec, "quadratic"), section)
    lines = shown(section)
    for wanted in (
        "∂L/∂W[l][i, j] = Σ_k (∂L/∂z[l][k]) · (∂z[l][k]/∂W[l][i, j]) = Σ_k dz[l][k] · (∂z[l][k]/∂W[l][i, j])",
        "∂z[l][k]/∂W[l][i, j] = δ[k, i] · a[l-1][j]",
        "∂L/∂W[l] = dz[l] a[l-1]ᵀ",
        "∂L/∂b[l] = dz[l]",
        "dz[l] = da[l] * g[l]'(z[l])",
        "da[l] = W[l+1]ᵀ dz[l+1]",
        "dz[l][i] = Σ_k dz[l+1][k] · W[l+1][k, i] · g[l]'(z[l][i])",
        "dz[l] = W[l+1]ᵀ dz[l+1] * g[l]'(z[l])",
        "dZ[l] = W[l+1]ᵀ dZ[l+1] * g[l]'(Z[l])",
        "dW[l] = 1/m · Σ_{k=1}^{m} dz[l](k) a[l-1](k)ᵀ = 1/m · dZ[l] A[l-1]ᵀ",
        "db[l] = 1/m · Σ_{k=1}^{m} dz[l](k) = 1/m · sum(dZ[l], axis=1)",
        "dA[l] = W[l+1]ᵀ dZ[l+1]",
    ):
        assert wanted in lines
    assert any("row by row" in line.why for line in section.every_line())
    assert any(line.why == "only the summand with k = i survives" for line in section.every_line())


def test_soft_max_and_the_loss_through_the_sum_over_classes() -> None:
    """∂a_k/∂z_i = a_k (δ_ki - a_i), and Σ_k carries dA = -Y/A to Ŷ - Y."""
    spec, loss_name = NETWORKS[0]
    graph = Network.parse(spec).forward(training=True).graph
    names = dict(graph.names)
    A = variable("A[3]", 2, "m")
    Y = variable("Y", 2, "m", assume=("columns sum to one",))
    by_a = derive(total(loss(loss_name).per_sample(A, Y), axis=None), [A]).of(A)
    section = components(graph["A[3]"], graph["Z[3]"], names, one_sample=True, cotangent=by_a)
    lines = shown(section)
    assert "∂a[3][k]/∂z[3][i] = a[3][k] · (δ[k, i] - a[3][i])" in lines
    assert "da[3][k] = -y[k] / a[3][k]" in lines
    assert lines[-1] == "dz[3] = a[3] - y"
    assert_true(World.of_network(spec, loss_name), section)


def test_the_loss_itself_is_a_step() -> None:
    """From the sum of the losses to dZ[L] at once."""
    for spec, loss_name in NETWORKS:
        net = Network.parse(spec)
        forward = net.forward(training=True)
        S, _, _ = Objective(net, loss(loss_name)).parts(forward)
        last = max(name for name in forward.graph if name.startswith("Z"))
        section = components(S, forward.graph[last], {**forward.graph.names, S: "J"}, one_sample=True)
        assert_true(World.of_network(spec, loss_name), section)


@pytest.mark.parametrize(
    ("spec", "loss_name"),
    [
        *NETWORKS,
        ("3-4:relu:batchnorm-1:sigmoid", "binary_cross_entropy"),
        ("3-4:gelu:layernorm:dropout=0.2-2", "huber"),
    ],
)
def test_every_step_of_a_derivation_has_its_proof(spec: str, loss_name: str) -> None:
    net = Network.parse(spec)
    forward = net.forward(training=True)
    S, _, _ = Objective(net, loss(loss_name)).parts(forward)
    found = derive(S, [*forward.graph, *forward.parameters], names=forward.graph)
    names = {**forward.graph.names, S: "S"}  # S is the sum of the losses
    world = World.of_network(spec, loss_name)
    judged = 0
    for step in found.steps:
        section = components_of(step, names)
        assert section.prose or section.lines or section.parts, step
        if section.title.endswith("by components") and (spec, loss_name) in NETWORKS:
            judged += assert_true(world, section)
    assert judged or (spec, loss_name) not in NETWORKS


def test_steps_of_an_expression() -> None:
    """Variables are named; what has no name is shown in the letters of the operation."""
    W, x, y = variable("W", "n", "p"), variable("x", "p", 1), variable("y", "n", 1)
    J = total((W @ x - y) ** 2, axis=None)
    world = World.of_expression(J, 3)
    titles = []
    for step in derive(J).steps:
        section = components_of(step, {J: "J"})
        titles.append(section.title)
        if section.title in ("dW by components", "dx by components", "dy by components"):
            assert_true(world, section, bindings=False)
    assert {"dW by components", "dx by components", "dy by components", "power: C = A^P"} <= set(titles)


def test_what_cannot_be_proved_says_why() -> None:
    names, steps = steps_of(NETWORKS[0][0])
    node, _ = steps[0]
    with pytest.raises(DerivationError, match="does not occur directly"):
        components(node, steps[-1][1], names)
    with pytest.raises(DerivationError, match="has no name"):
        components(node, node.inputs[0], names)


# From one sample to all, the multivariate chain rule --------------------------------------------------------------


def test_the_multivariate_chain_rule_meets_the_direct_derivative() -> None:
    section = multivariate_chain_rule()
    assert_true(World.free(1, definitions=definitions(section)), section, bindings=False)
    assert "∂f/∂t = (∂f/∂u) · (∂u/∂t) + (∂f/∂v) · (∂v/∂t)" in shown(section)


# Activations ------------------------------------------------------------------------------------------------------


COLUMNWISE = ("softmax", "log_softmax")


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n not in COLUMNWISE])
def test_every_line_of_an_activation_is_true(name: str) -> None:
    def check(section: Section) -> None:
        alone = replace(section, parts=tuple(x for x in section.parts if x.setting is None))
        for seed in (1, 2, 3):
            assert_true(World.free(seed, definitions=definitions(alone)), alone, bindings=False)
        below = {**definitions(alone), "z": BELOW_ZERO}  # the other branch of a rectifier
        assert_true(World.free(4, definitions=below), alone, bindings=False)
        for part in section.parts:
            if part.setting is not None:
                check(part)

    check(derivative_of(name))


@pytest.mark.parametrize("name", COLUMNWISE)
def test_every_line_of_a_function_of_a_column_is_true(name: str) -> None:
    assert_true(World.of_network(f"3-4:tanh-3:{name}", "quadratic"), derivative_of(name), bindings=False)


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n not in COLUMNWISE])
@pytest.mark.parametrize("z", [-1.7, -0.3, 0.4, 2.1])
def test_the_derivative_by_rules_is_the_complex_step(name: str, z: float) -> None:
    """The chain over the records, without any law but like terms, and the form written out in elementary functions."""
    Z = variable("z", 1, 1)
    g = activation(name)(Z)
    wanted = np.imag(evaluated(g, {"z": np.array([[z + 1e-30j]])})) / 1e-30
    for written in (g, written_out(g)):
        assert np.allclose(evaluated(written, {"z": np.array([[z]])}), evaluated(g, {"z": np.array([[z]])}), rtol=1e-12)
        value = evaluated(derivatives(written)[written], {"z": np.array([[z]])})
        assert np.allclose(value, wanted, rtol=1e-10, atol=1e-14)


def test_sigmoid_as_the_fifth_source_has_it() -> None:
    lines = shown(derivative_of("sigmoid"))
    for wanted in (
        "a := sigmoid(z) = 1 / (1 + exp(-z)) = (1 + exp(-z))^(-1)",
        "∂/∂z((1 + exp(-z))^(-1)) = -(1 + exp(-z))^(-2) · (∂/∂z(1 + exp(-z)))",
        "∂/∂z((1 + exp(-z))^(-1)) = -(1 + exp(-z))^(-2) · (-exp(-z)) = exp(-z) / (1 + exp(-z))^2",
        "exp(-z) / (1 + exp(-z))^2 = 1 / (1 + exp(-z)) · (1 + exp(-z) - 1) / (1 + exp(-z))",
        "1 / (1 + exp(-z)) · (1 - 1 / (1 + exp(-z))) = a · (1 - a)",
        "∂a/∂z = sigmoid(z) · (1 - sigmoid(z)) = a · (1 - a)",
    ):
        assert wanted in lines


@pytest.mark.parametrize(
    ("name", "last"),
    [("tanh", "1 - a^2"), ("softplus", "sigmoid(z)"), ("relu", "step(z)"), ("identity", "1")],
)
def test_the_short_forms(name: str, last: str) -> None:
    assert shown(derivative_of(name))[-1].endswith(last)


def test_a_kink_is_said() -> None:
    (result,) = (line for line in derivative_of("relu").lines if line.rule == "result")
    assert result.why == "1 for z > 0, 0 for z < 0; at the kink z = 0 the rule takes 0"
    (result,) = (line for line in derivative_of("elu").lines if line.rule == "result")
    assert result.why.endswith("at the kink z = 0 the rule takes 1")


def test_an_activation_of_ones_own() -> None:
    def swell(Z: Node) -> Node:
        """g(z) = z² e^-z."""
        return Z * Z * OPS["exp"](-Z)

    section = derivative_of(swell)
    assert_true(World.free(1, definitions=definitions(section)), section, bindings=False)


def test_all_activations_have_a_section() -> None:
    assert [part.title for part in activations().parts] == [
        f"derivative of {name.replace('_', ' ')}" for name in ACTIVATIONS
    ]
    with pytest.raises(UnknownNameError, match="did you mean 'relu'"):
        derivative_of("rellu")


def test_the_logarithm_from_the_exponential() -> None:
    section = logarithm()
    assert_true(World.free(2), section, bindings=False)
    assert shown(section)[-1] == "∂/∂x(log(x)) = 1/x"


# Laws -------------------------------------------------------------------------------------------------------------


def test_without_columns_that_sum_to_one_the_sum_stays() -> None:
    """dZ = Ŷ ∘ (1ᵀY) - Y for any Y, against the complex step; Ŷ - Y is wrong there."""
    general, condition, short = column_sums().every_line()
    assert text(general.formula) == "dZ = sum(Y, axis=0) * Ŷ - Y"
    assert text(condition.formula) == "sum(Y, axis=0) = 1"
    assert text(short.formula) == "dZ = Ŷ - Y"
    Z, Y = variable("Z", 3, 4), variable("Y", 3, 4)
    Yhat = activation("softmax")(Z)
    S = total(loss("cross_entropy").per_sample(Yhat, Y), axis=None)
    rng = np.random.default_rng(0)
    values = {"Z": rng.normal(size=(3, 4)), "Y": rng.uniform(0.1, 2, (3, 4))}
    wanted = complex_step(lambda v: evaluated(S, v), values, "Z")
    out = evaluated(Yhat, values)
    assert np.allclose(values["Y"].sum(axis=0) * out - values["Y"], wanted, rtol=1e-12)
    assert not np.allclose(out - values["Y"], wanted)


def test_every_law_has_a_section() -> None:
    for law in LAWS:
        section = law_section(law.name)
        assert law.equation in section.prose
        if law.condition:
            assert law.condition in section.prose
            assert len(section.prose) > len(f"{law.equation} if {law.condition}.") + 5, "what happens without it"
    with pytest.raises(UnknownNameError, match="unknown law"):
        law_section("log of a sum")


def test_laws_used_show_one_use_each() -> None:
    z = variable("z", 1, 1)
    record: list[Applied] = []
    simplify(OPS["log"](OPS["sigmoid"](z)), None, record)
    section = laws_used(record)
    assert [part.title for part in section.parts] == ["law: log of sigmoid"]
    assert_true(World.free(1), section, bindings=False)


def test_variables_of_a_proof_are_those_of_the_text() -> None:
    """In the small letters of one sample no matrix of all samples is left."""
    names, steps = steps_of(NETWORKS[0][0])
    for node, target in steps:
        proof, _ = proof_of(node, target, names, one_sample=True)
        assert all(n.shape.cols != "m" for n in variables(proof.local).values())
        assert rename_dim(proof.matrix, "m", 1) is proof.matrix


def test_calls_cover_all_records() -> None:
    assert set(CALLS) == set(RECORDED)
