"""Sums without an index, axes of the soft-max, sizes, gradients as lists and columns, costs that are sums."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.meaning.convention import Convention
from chainrule.meaning.world import World
from chainrule.notation.canonical import canonical
from chainrule.notation.formula import Equation, Formula, Symbol
from chainrule.notation.letters import Letters
from chainrule.notation.read import read

CLASSES = ("3-5:tanh-2:softmax", "cross_entropy")
UNIT = ("3-1:sigmoid", "binary_cross_entropy")


def tree(text: str) -> Equation:
    found = canonical(read(text)[0].equation, Letters())
    assert isinstance(found, Equation)
    return found


def side(text: str) -> Formula:
    return tree(text).sides[0]


def status(world: World, text: str) -> str:
    equation = tree(text)
    found = {world.compare(equation, b).status for b in world.bindings(equation)}
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("z[1]_j = Σ W[1]_ji x_i + b[1]_j", "equal"),  # over the letter that counts in the sum alone
        ("z[1]_j = Σ W[1]_ij x_i + b[1]_j", "shape"),
        ("L = -Σ y_k ln a[2]_k", "equal"),
        ("J = -1/m Σ y_k ln a[2]_k", "equal"),  # and over the samples
        ("J = -1/m Σ y_k a[2]_k", "different"),
        ("dz[1]_i = Σ W[2]_ki dz[2]_k * g[1]'(z[1]_i)", "equal"),
        ("a[2]_j = exp(z[2]_j) / Σ exp(z[2]_k)", "equal"),
        ("db[2] = 1/m Σ dZ[2]", "equal"),  # over the samples of a matrix
        ("db[2] = 1/m Σ_{i=1}^m dZ[2]", "equal"),
        ("db[2] = 1/m Σ_i dZ[2]", "equal"),
        ("db[2] = Σ dZ[2]", "different"),
        ("db[2] = 1/m Σ dA[2]", "different"),
        ("J = 1/m Σ L", "equal"),
    ],
)
def test_sums_that_do_not_say_over_what(text: str, wanted: str) -> None:
    assert status(World.of_network(*CLASSES), text) == wanted


def test_a_sum_over_samples_that_are_rows() -> None:
    rows = World.of_network(*CLASSES, convention=Convention(rows=True))
    assert status(rows, "db[2] = 1/m Σ dZ[2]") == "equal"


@pytest.mark.parametrize(
    ("text", "rows", "wanted"),
    [
        ("A[2] = softmax(Z[2], axis=0)", False, "equal"),
        ("A[2] = softmax(Z[2], axis=1)", False, "different"),
        ("A[2] = softmax(Z[2], 0)", False, "equal"),
        ("A[2] = softmax(Z[2], dim=1)", True, "equal"),
        ("A[2] = softmax(Z[2], dim=-1)", True, "equal"),
        ("A[2] = softmax(Z[2], dim=0)", True, "different"),
        ("a[2] = softmax(z[2], -1)", False, "equal"),
        ("A[1] = tanh(Z[1], axis=0)", False, "undefined"),
        ("A[2] = softmax(Z[2], axis=2)", False, "undefined"),
    ],
)
def test_the_axis_of_the_soft_max(text: str, rows: bool, wanted: str) -> None:
    assert status(World.of_network(*CLASSES, convention=Convention(rows=rows)), text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("softmax([u, v])_1 = sigmoid(u - v)", "equal"),
        ("softmax([u, v])_2 = sigmoid(u - v)", "different"),
        ("softmax([u, v])[0] = sigmoid(u - v)", "equal"),
        ("softmax([u, v]) = [sigmoid(u - v), sigmoid(v - u)]", "equal"),
    ],
)
def test_the_soft_max_of_a_list(text: str, wanted: str) -> None:
    assert status(World.free(), text) == wanted


def test_sizes() -> None:
    world = World.of_network(*CLASSES)
    assert status(world, "shape(dW[2]) = [n[2], n[1]]") == "equal"
    assert status(world, "shape(dW[2]) = [n[1], n[2]]") == "different"
    assert status(world, "shape(Z[l]) = [n[l], m]") == "equal"
    assert status(world, "m = shape(X, 1)") == "equal"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("∇L = [db[1], ..., db[L], dW[1], ..., dW[L]]", "equal"),
        ("∇J = [dW[1], db[1], ..., dW[L], db[L]]", "equal"),
        ("∇J = [db[1], db[2], db[3], ..., db[L], dW[1], dW[2], dW[3], ..., dW[L]]", "equal"),
        ("∇C = [∂C/∂W[1], ∂C/∂b[1], ..., ∂C/∂W[L], ∂C/∂b[L]].T", "equal"),
        ("∂J/∂θ = [dW[1], db[1], dW[2], db[2], dW[3], db[3]]", "equal"),
        ("∇J = [dW[1], ..., dW[L]]", "different"),
        ("∇J = [dW[1], db[1], ..., dW[L], db[L], dW[2]]", "different"),
        ("∇J = [dW[1], db[1], ..., W[L], db[L]]", "unreadable"),
    ],
)
def test_the_gradient_by_all_parameters(text: str, wanted: str) -> None:
    assert status(World.of_network("3-5:tanh-4:sigmoid-2:tanh", "quadratic"), text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("∇f(x, y) = [∂f/∂x, ∂f/∂y]", "equal"),
        ("∇f(x, y) = [∂f/∂y, ∂f/∂x]", "different"),
        ("∇f = [∂f/∂x_1, ..., ∂f/∂x_n].T", "equal"),
        ("∂f/∂t = ∇f(x).T ∂x/∂t", "equal"),
        ("∂f/∂t = ∇f · ∂x/∂t", "undefined"),  # nothing says on what f depends
    ],
)
def test_gradients_of_functions(text: str, wanted: str) -> None:
    assert status(World.free(), text) == wanted


def test_the_gradient_of_a_definition() -> None:
    world = World.free(definitions={"f": tree("f(x, y) = x^2 + y^3")})
    assert status(world, "∇f = [2 x, 3 y^2]") == "equal"
    assert status(world, "∇f(x, y) = [2 x, 3 y]") == "different"


def test_a_cost_that_is_the_sum_of_the_losses() -> None:
    """J = Σ L: by hand from the losses and gradients of the mean."""
    mean, total = (World.of_network(*CLASSES, convention=Convention(summed=x)) for x in (False, True))
    for text in ("J", "dW[1]", "db[2]", "J(W[1] + 1/8)"):
        expected = mean.model.m * mean.value(side(text)).array
        np.testing.assert_allclose(total.value(side(text)).array, expected, rtol=1e-13, err_msg=text)
    np.testing.assert_allclose(total.value(Symbol("dZ", side("2"))).array, mean.value(Symbol("dZ", side("2"))).array)
    for text in ("J = Σ_i L(i)", "dW[2] = dZ[2] @ A[1].T", "∂J/∂b[1] = Σ_i dz[1](i)"):
        assert status(total, text) == "equal"
        assert status(mean, text) == "different"
    assert status(total, "dW[2] = 1/m dZ[2] @ A[1].T") == "different"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("C = 1/m Σ_k C_k", "equal"),
        ("C = Σ_k C_k", "different"),
        ("∂C/∂W[1] = 1/m Σ_{k=1}^m ∂C_k/∂W[1]", "equal"),
        ("C = 1/m Σ_{k=0}^{m-1} C_k", "equal"),
        ("L_k = -ln(sum_j y_j(k) a[2]_j(k))", "different"),
    ],
)
def test_the_cost_of_a_sample(text: str, wanted: str) -> None:
    assert status(World.of_network(*CLASSES), text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("L(y, a[2]) = -sum_k y_k ln(a[2]_k)", "equal"),
        ("L(a[2], y) = -sum_k y_k ln(a[2]_k)", "equal"),
        ("L(y, y) = L", "different"),
        ("J(W[1], b[1]) = J", "equal"),
    ],
)
def test_the_arguments_of_the_loss(text: str, wanted: str) -> None:
    equation = read(text)[0].equation  # as it is written: the judge's canonical form leaves arguments out
    assert World.of_network(*CLASSES, convention=Convention(samples="one")).compare(equation).status == wanted


def test_the_quotient_of_differences_by_several_parameters() -> None:
    world = World.of_network(*UNIT, free_letters={"h"})
    equation = read("∂J/∂b[1] ≈ (J(W[1], b[1] + h) - J(W[1], b[1])) / h")[0].equation
    assert world.compare(equation).status == "equal"
    equation = read("∂J/∂b[1] ≈ (J(W[1], b[1] + h) - J(W[1], b[1] - h)) / h")[0].equation
    assert world.compare(equation).status == "different"


def test_an_argument_that_is_none_of_the_loss() -> None:
    world = World.of_network(*UNIT)
    found = world.compare(read("J = J(W[1].T)")[0].equation)
    assert (found.status, found.message) == ("undefined", "J of other arguments than its own")


def test_constants_beside_columns_are_numbers() -> None:
    from chainrule.meaning.matrices import matrix_shapes

    shapes = matrix_shapes([tree("softmax(z + c) = softmax(z)")])
    assert shapes == {"z": (3, 1)}
    assert status(World.free(shapes=shapes), "softmax(z + c) = softmax(z)") == "equal"
    shapes = matrix_shapes([tree("(A x + c).T = x.T A.T + c.T")])
    assert shapes["c"] == (3, 1)


def test_capital_letters_of_greek_are_matrices() -> None:
    from chainrule.meaning.matrices import matrix_shapes

    assert matrix_shapes([tree("S = X Θ")]) == {"S": (3, 3), "X": (3, 3), "Theta": (3, 3)}


# --- letters of a document's own ---

OWN = {"c": "c = M x + p", "q": "q = φ(c)", "s": "s = V q", "r": "r = 1/2 ||s - t||^2"}


@pytest.mark.parametrize(
    ("text", "numerator", "wanted"),
    [
        ("∂q/∂c = diag(φ'(c))", False, "equal"),
        ("∂q/∂c = diag(φ(c))", False, "different"),
        ("∂r/∂s = s - t", False, "equal"),
        ("∂r/∂s = (s - t).T", True, "equal"),
        ("∂r/∂c = V.T (s - t) ∘ φ'(c)", False, "equal"),
        ("∂r/∂c = V.T (s - t) ∘ φ'(q)", False, "different"),
        ("∂r/∂x = (s - t).T V diag(φ'(c)) M", True, "equal"),
        ("∂r/∂x = (s - t).T V M", True, "different"),
        ("∂r/∂M = (V.T (s - t) ∘ φ'(c)) x.T", False, "equal"),
        ("∂r/∂M = x (V.T (s - t) ∘ φ'(c)).T", False, "different"),
    ],
)
def test_functions_that_act_entry_by_entry(text: str, numerator: bool, wanted: str) -> None:
    from chainrule.meaning.matrices import matrix_shapes

    letters = Letters(network=False, functions=frozenset({"phi"}))
    known = {name: canonical(read(given, letters=letters)[0].equation, letters) for name, given in OWN.items()}
    equation = canonical(read(text, letters=letters)[0].equation, letters)
    shapes = matrix_shapes([*known.values(), equation], known)
    convention = Convention(layout="numerator" if numerator else "free")
    world = World.free(3, definitions=known, shapes=shapes, convention=convention)
    assert world.compare(equation).status == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("(A B)^{-1} = B^{-1} A^{-1}", "equal"),
        ("(A B)^{-1} = A^{-1} B^{-1}", "different"),
        ("A A^{-1} = I", "equal"),
        ("A I = A", "equal"),
        ("(A + B)^{-1} = A^{-1} + B^{-1}", "different"),
        ("vec(A X B) = (B.T ⊗ A) vec(X)", "equal"),
        ("vec(A X B) = (A ⊗ B.T) vec(X)", "different"),
        ("det(A B) = det(A) det(B)", "equal"),
        ("det(A + B) = det(A) + det(B)", "different"),
        ("∂ln(det(A))/∂A = (A^{-1}).T", "equal"),
        ("(A ⊗ B).T = A.T ⊗ B.T", "equal"),
    ],
)
def test_matrices(text: str, wanted: str) -> None:
    from chainrule.meaning.matrices import matrix_shapes

    equation = read(text)[0].equation
    assert World.free(shapes=matrix_shapes([equation])).compare(equation).status == wanted


def test_the_kronecker_product_by_hand() -> None:
    world = World.free()
    found = world.value(side("[[1, 2], [3, 4]] ⊗ [[0, 1], [1, 0]]")).array
    np.testing.assert_array_equal(found, np.kron([[1, 2], [3, 4]], [[0, 1], [1, 0]]))
    np.testing.assert_array_equal(world.value(side("vec([[1, 2], [3, 4]])")).array, [[1], [3], [2], [4]])
    np.testing.assert_allclose(world.value(side("[[2, 1], [1, 1]]^(-1)")).array, [[1, -1], [-1, 2]])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a[l] = [a[l]_1, a[l]_2, ..., a[l]_{n[l]}]", "equal"),
        ("a[l] = [a[l]_1, z[l]_2, ..., a[l]_{n[l]}]", "different"),
        ("a[l] = [a[l]_1, a[l]_3, ..., a[l]_{n[l]}]", "different"),
        ("a[l] = [a[l]_1, ..., a[l]_{n[l]-1}, a[l]_{n[l]}]", "equal"),
        ("a[l] = [a[l]_1, ..., a[l]_{n[l]-2}, a[l]_{n[l]}]", "different"),
        ("a[l] = [a[l]_1, ..., a[l]_4, ..., a[l]_{n[l]}]", "equal"),
    ],
)
def test_what_is_written_beside_dots(text: str, wanted: str) -> None:
    world = World.of_network("3-6:tanh-5:sigmoid", "quadratic", convention=Convention(samples="one"))
    assert world.compare(tree(text), {"l": 1}).status == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("z[L]_j = W[L]_{j,0} a[L-1]_0 + W[L]_{j,1} a[L-1]_1 + b[L]_j", "equal"),
        ("z[L]_j = W[L]_{j,0} a[L-1]_0 + W[L]_{j,1} a[L-1]_0 + b[L]_j", "different"),
        ("z[L]_j = W[L]_{j,0} a[L-1]_0 + W[L]_{j,1} a[L-1]_1", "different"),
        ("z[L]_j = W[L]_{j,1} a[L-1]_1 + W[L]_{j,3} a[L-1]_3 + b[L]_j", "different"),
        ("L = ((a[L]_0 - y_0)^2 + (a[L]_1 - y_1)^2) / 2", "equal"),
    ],
)
def test_units_that_are_written_one_by_one(text: str, wanted: str) -> None:
    for written in (True, False):
        convention = Convention(samples="one", written=written)
        world = World.of_network("3-5:tanh-4:sigmoid", "quadratic", convention=convention)
        assert world.compare(tree(text)).status == (wanted if written else "different")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("h[0] = x", "equal"),
        ("h[1] = x", "undefined"),  # of h[1] nothing is said
        ("e[L] = a[L] - y", "equal"),
        ("e[1] = a[1]", "undefined"),
        ("u[l] = z[l]", "equal"),
        ("u[2] = z[1]", "shape"),
    ],
)
def test_a_definition_for_one_layer_alone(text: str, wanted: str) -> None:
    definitions = {"h": tree("h[0] = x"), "e": tree("e[L] = a[L] - y"), "u": tree("u[l+1] = z[l+1]")}
    world = World.of_network("3-5:tanh-4:sigmoid", "quadratic", definitions=definitions)
    assert world.compare(tree(text), {"l": 2}).status == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("∂L/∂b[1] = dz[1] · ∂z[1]/∂b[1]", "equal"),
        ("∂L/∂a[1] = dz[2] · ∂z[2]/∂a[1]", "equal"),
        ("∂L/∂a[1] = dz[1] · ∂z[2]/∂a[1]", "shape"),
        ("∂L/∂z[1] = da[1] · ∂a[1]/∂z[1]", "equal"),
        ("∂L/∂z[1] = a[1] · ∂a[1]/∂z[1]", "shape"),
    ],
)
def test_a_named_derivative_leads_the_chain_rule(text: str, wanted: str) -> None:
    world = World.of_network("3-5:tanh-4:sigmoid", "quadratic", convention=Convention(samples="one"))
    assert world.compare(tree(text)).status == wanted


def test_what_a_definition_does_not_depend_on() -> None:
    """Zero on both sides proves nothing: E, as it is defined, does not depend on z and w."""
    world = World.free(definitions={"E": tree("E = 1/2 sum_j (t_j - y_j)^2")})
    assert world.compare(tree("∂E/∂w_ij = y_j ∂E/∂z_j")).status == "undefined"
    assert world.compare(tree("∂E/∂y_i = sum_j w_ij ∂E/∂z_j")).status == "undefined"
    assert world.compare(tree("∂E/∂w = 0")).status == "equal"
    assert world.compare(tree("∂E/∂y_i = y_i - t_i")).status == "equal"


def test_many_layer_letters_are_bound_fast() -> None:
    world = World.of_network("3-5:tanh-4:tanh-3:tanh-2:softmax", "cross_entropy")
    assert world.bindings(tree("dW[p] = dZ[q] @ A[r].T * W[s] * W[t]")) == []
    assert world.bindings(tree("dW[l] = dZ[l] @ A[k].T")) == [
        {"k": k, "l": layer} for k in range(5) for layer in range(1, 5)
    ]
    assert world.bindings(tree("dW[l^2] = dZ[l^2]")) == []
