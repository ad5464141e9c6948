"""What a document without a header means by its letters: places of layers, δ, its forward pass, worked numbers."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainrule.documents.extraction import extract
from chainrule.documents.forward import layers_of
from chainrule.documents.judged import judge_document
from chainrule.documents.numbered import told_apart
from chainrule.documents.worked import worked
from chainrule.errors import DataError
from chainrule.notation import read
from chainrule.notation.letters import Letters


def verdicts(text: str, name: str = "notes.md") -> list[str]:
    return [e.verdict for e in judge_document(text, name, seconds=0.1).entries]


def lines(*formulas: str) -> str:
    return "\n\n".join(f"${x}$" for x in formulas)


# Where layers stand ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("above", "below", "said"),
    [
        ("^{(l)}", "^{(l-1)}", "the numbers in parentheses above letters"),
        ("^l", "^{l-1}", "the numbers above letters"),
        (r"_\ell", r"_{\ell-1}", "the numbers below letters"),
        ("_d", "_{d-1}", "the numbers below letters"),
    ],
)
def test_layers_stand_where_the_formulas_show_them(above: str, below: str, said: str) -> None:
    text = lines(
        rf"z{above} = W{above} a{below} + b{above}",
        rf"\frac{{\partial L}}{{\partial W{above}}} = \delta{above} (a{below})^T",
        rf"\frac{{\partial L}}{{\partial W{above}}} = a{below} (\delta{above})^T",
    )
    report = judge_document(text, "notes.md", seconds=0.1)
    assert report.warnings[0].startswith(f"line 1: {said} are read")
    assert [e.verdict for e in report.entries] == ["right", "right", "wrong"]


def test_steps_of_an_iteration_are_no_layers() -> None:
    report = judge_document(lines(r"w^{t+1} = w^t - \eta m^{t}", "a = b^{k}"), "notes.md", seconds=0.1)
    assert not report.warnings


def test_components_beside_layers_below() -> None:
    text = "z₁ = W₁x + b₁\na₁ = σ(z₁)\nz₂ = W₂a₁ + b₂\n∂L/∂W₂ = ∂L/∂z₂ a₁ᵀ\ny_k = y_k + 0\n"
    assert verdicts(text, "notes.txt")[0] == "right"


# δ --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["[2]", "(2)"])
def test_an_error_signal_of_the_wrong_sign_is_no_definition(layer: str) -> None:
    report = judge_document(lines(rf"\delta^{{{layer}}} = y - \hat y"), "notes.md", seconds=0.1)
    judgement = report.entries[0].judgement
    assert judgement is not None
    assert judgement.cause == "sign"
    assert verdicts(lines(rf"\delta^{{{layer}}} = \hat y - y")) == ["right if"]


@pytest.mark.parametrize(
    "use",
    [
        r"W^{[l]} \leftarrow W^{[l]} + \eta \delta^{[l]} a^{[l-1]T}",
        r"\frac{\partial L}{\partial b^{[l]}} = -\delta^{[l]}",
        r"\delta^{[l]} = -\frac{\partial L}{\partial z^{[l]}}",
    ],
)
def test_a_document_that_descends_along_delta_means_minus_the_derivative(use: str) -> None:
    text = lines(use, r"\delta^{[L]} = y - a^{[L]}", r"\delta^{[L]} = a^{[L]} - y")
    report = judge_document(text, "notes.md", seconds=0.1)
    assert "read as -dz" in report.warnings[0]
    assert [e.verdict for e in report.entries] == ["right", "right if", "wrong"]


def test_letters_told_apart_by_their_index_and_the_identity_are_left_alone() -> None:
    text = lines(r"\delta_k = y_k - \hat y_k", r"\delta_j = \sum_k w_{kj} \delta_k")
    assert not judge_document(text, "notes.md", seconds=0.1).warnings
    assert not judge_document(lines(r"\delta_{ij} = \delta_{ji}"), "notes.md", seconds=0.1).warnings


# Forward passes -------------------------------------------------------------------------------------------------------

ROWS = """```python
hidden_in = x_batch @ weights_1 + bias_1
hidden = np.tanh(hidden_in)
scores = hidden @ weights_2 + bias_2
e = np.exp(scores - scores.max(axis=1, keepdims=True))
p = e / e.sum(axis=1, keepdims=True)
dscores = (p - t) / len(x_batch)
dweights_2 = hidden.T @ dscores
dhidden = dscores @ weights_2.T
dhidden_in = dhidden * (1 - hidden**2)
dweights_1 = x_batch.T @ dhidden_in
dweights_1 = dhidden_in.T @ x_batch
dhidden_in = dhidden * (1 - hidden)
```
"""


def test_the_forward_pass_of_a_program_says_what_its_names_are() -> None:
    report = judge_document(ROWS, "notes.md", seconds=0.1)
    assert 'network = "3-5:tanh-4:softmax"' in report.warnings[0]
    assert 'samples = "rows"; place = "dZ"' in report.warnings[0]
    found = {e.found.text: e.verdict for e in report.entries}
    assert found["dweights_2 = hidden.T @ dscores"] == "right"
    assert found["dweights_1 = x_batch.T @ dhidden_in"] == "right"
    assert found["dweights_1 = dhidden_in.T @ x_batch"] == "wrong"
    assert found["dhidden_in = dhidden * (1 - hidden)"] == "wrong"


def test_a_header_is_not_overruled() -> None:
    text = '<!-- chainrule:\nsamples = "columns"\n-->\n' + ROWS
    assert not any("nothing is declared" in w for w in judge_document(text, "notes.md", seconds=0.1).warnings)


def test_layers_are_found_in_their_order() -> None:
    text = ["o = V h + c", "h = tanh(u)", "u = W x + b", "q = sigmoid(o)"]
    found = layers_of(read(t, syntax="text")[0].equation for t in text)
    assert [(x.weight.text, x.input.text, x.activation, x.rows) for x in found] == [
        ("W", "x", "tanh", False),
        ("V", "h", "sigmoid", False),
    ]


# Worked numbers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (r"0.69 \cdot (1 - 0.69) = 0.2139", "right"),
        (r"0.5 \cdot 2 - 0.2 = 0.9", "wrong"),
        (r"\sigma(0.8) \approx 0.69", "right"),
        (r"\sigma(0.8) \approx 0.96", "wrong"),
        (r"(4 \times 3)(3 \times 1) = 4 \times 1", "no statement"),
        (r"z = 0.5 \cdot 2 - 0.2", "no statement"),
        (r"z = 0.5 \cdot 2 - 0.2 = 0.8", "right"),
        (r"z = 0.5 \cdot 2 - 0.2 = 0.9", "wrong"),
        (r"z = w^T x + b = 0.5 \cdot 2 - 0.2 = 0.9", "wrong"),
        (r"\frac{\partial z}{\partial b} = 0 + 1 = 1", "right"),
    ],
)
def test_worked_numbers(formula: str, expected: str) -> None:
    assert verdicts(lines(formula)) == [expected]


def test_worked_numbers_in_prose_and_code() -> None:
    text = "The loss is ½ (0.690 − 1)² ≈ 0.048, and 0.5·2 − 0.2 = 0.8.\n```\n0.69*(1-0.69) = 0.2319\n```\n"
    assert verdicts(text) == ["right", "right", "wrong"]


def test_what_gives_a_letter_its_value_and_what_claims_something() -> None:
    def of(text: str) -> tuple[int, ...]:
        return worked(read(text)[0].equation)

    assert of("z = w*x + b = 0.5*2 - 0.2 = 0.8") == (2, 3)
    assert of("dz/db = 0 + 1 = 1") == of("sigma(0) = 1/2") == of("a + b = 0.5") == ()


# Functions and losses -------------------------------------------------------------------------------------------------


def test_a_letter_applied_to_a_letter_is_defined() -> None:
    text = lines("q(z) = z(1 - z)", "q'(z) = 1 - 2z", r"\frac{dq}{dz} = 1 + 2z", "a = q(z)")
    assert verdicts(text)[:3] == ["definition", "right", "wrong"]


def test_functions_of_programs_are_definitions_or_claims() -> None:
    text = """```python
def sigmoid(z): return 1 / (1 + np.exp(-z))
def sigmoid_prime(z):
    return sigmoid(z) * (1 + sigmoid(z))
bump = lambda u: u * (1 - u)
```"""
    report = judge_document(text, "notes.md", seconds=0.1)
    assert [(e.found.line, e.verdict) for e in report.entries] == [(2, "right"), (4, "wrong"), (5, "definition")]


@pytest.mark.parametrize("name", [r"\operatorname{CE}", "CE", "H", r"\mathrm{Loss}", r"\ell"])
def test_losses_as_functions_of_their_arguments(name: str) -> None:
    header = '<!-- chainrule:\nnetwork = "3-4:softmax"\nloss = "cross_entropy"\n-->\n'
    order = r"(y, \hat y)" if "ell" not in name and "Loss" not in name else r"(\hat y, y)"
    text = lines(rf"{name}{order} = -\sum_i y_i \log \hat y_i", rf"{name}{order} = \sum_i y_i \log \hat y_i")
    assert verdicts(header + text) == ["right", "wrong"]


def test_what_the_change_of_a_parameter_is() -> None:
    text = lines(r"\Delta W^{[l]} = -\eta\, dW^{[l]}", r"W^{[l]} \leftarrow W^{[l]} + \Delta W^{[l]}")
    assert verdicts(text) == ["right", "no statement"]


def test_names_with_a_number_and_an_index() -> None:
    header = (
        '<!-- chainrule:\nnetwork = "5-3:sigmoid-2:sigmoid"\nletters = {"Err_1" = "dz[1]", "Err_2" = "dz[2]"}\n-->\n'
    )
    text = "Err_1_j = sum_k W[2]_kj Err_2_k * g[1]'(z[1]_j)\n\ndL/dW[1]_ji = Err_1_i x_j\n"
    assert verdicts(header + text) == ["right", "wrong"]


@pytest.mark.parametrize(
    ("layer", "pattern", "formula"),
    [
        ("superscript", "V^l", "V^l = W^l a^{l-1} + b^l"),
        ("superscript", "V[l]", "V^l = W^l a^{l-1} + b^l"),
        ("parentheses", "net^{(l)}", r"\text{net}^{(l)} = W^{(l)} a^{(l-1)} + b^{(l)}"),
    ],
)
def test_letters_with_layers_are_declared_as_the_document_writes_them(layer: str, pattern: str, formula: str) -> None:
    header = f'<!-- chainrule:\nlayer = "{layer}"\nsamples = "one"\nletters = {{"{pattern}" = "z[l]"}}\n-->\n'
    assert verdicts(header + lines(formula, formula.replace("+ b", "- b"))) == ["right", "wrong"]


def test_updates_of_a_letter_that_stands_for_a_transpose() -> None:
    header = '<!-- chainrule:\nlayer = "subscript"\nsamples = "one"\nletters = {"Theta_k" = "W[k].T"}\n-->\n'
    step = r"\Theta_k \leftarrow \Theta_k {} \eta\, a_{{k-1}} (dz_k)^T"
    assert verdicts(header + lines(step.format("-"), step.format("+"))) == ["right", "wrong"]


# Nothing may fail inside ----------------------------------------------------------------------------------------------

PIECES = (
    "W x + b", "a^{[1]}", r"\delta^{[2]}", "=", "=", "(z)", "q", r"\sum_k", r"\prod_{c=1}^{K}", "y_k", r"\hat y_k",
    r"\frac{\partial L}{\partial z}", "-", "+", r"\leftarrow", r"\Delta W", "0.5", "2", r"\cdot", "^T", "(", ")", ",",
    r"\log", r"\ell(w, b)", "H(y, z)", "'", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "X W_1", r"\odot", "^{(l)}",
)  # fmt: skip


@settings(deadline=None, max_examples=120, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(st.sampled_from(PIECES), min_size=3, max_size=9).map(" ".join), max_size=4))
def test_soups_of_formulas_meet_no_internal_error(soups: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # an internal error is a warning
        judge_document(lines(*soups) + "\n", "notes.md", seconds=0.01)


# Letters of a document's own ------------------------------------------------------------------------------------------

BY_HAND = lines(
    r"s_1 = w_1 x_1 + w_2 x_2 + b_1",
    r"s_2 = w_3 x_1 + w_4 x_2 + b_2",
    r"h_1 = \tanh(s_1)",
    r"h_2 = \tanh(s_2)",
    r"o = v_1 h_1 + v_2 h_2 + c",
    r"E = \frac{1}{2} (o - t)^2",
    r"\frac{\partial E}{\partial w_3} = (o - t) v_2 (1 - h_2^2) x_1",
    r"\frac{\partial E}{\partial b_2} = \frac{\partial E}{\partial h_2} (1 - h_2^2)",
    r"\frac{\partial o}{\partial w_3} = v_2 (1 - h_2^2) x_1",
    r"\frac{\partial E}{\partial w_3} = (o - t) v_1 (1 - h_1^2) x_1",
    r"\frac{\partial E}{\partial b_2} = (t - o) v_2 (1 - h_2^2)",
)


def test_numbered_letters_of_a_text_about_no_network_are_numbers_each() -> None:
    report = judge_document(BY_HAND, "notes.md", seconds=0.1)
    assert report.warnings == ("line 1: nothing is declared; every letter is what the text itself says of it",)
    assert [e.verdict for e in report.entries] == ["definition"] * 6 + ["right"] * 3 + ["wrong"] * 2
    assert report.entries[1].why == "s_2 is taken up as defined here"


@pytest.mark.parametrize(
    ("formula", "patterns"),
    [
        (r"w_{12} x_1 = w_{21} x_2", {"w_{12}", "w_{21}", "x_{1}", "x_{2}"}),
        (r"h_1 = \sum_j h_j", set()),  # an entry of a column
        (r"x_1 = x", set()),
        (r"E_{o1} = W_1 x", {"E_{o1}", "W_{1}"}),
    ],
)
def test_what_is_told_apart_by_its_number(formula: str, patterns: set[str]) -> None:
    found = told_apart([read(formula, syntax="latex", letters=Letters(network=False))[0].equation])
    assert found.keys() == patterns
    assert len(set(found.values())) == len(found)
    assert all(len(v) == 1 for k, v in found.items() if k[0] == "W")  # a matrix is one capital letter


GENERAL = lines(
    r"v^{(k)} = M^{(k)} s^{(k-1)} + c^{(k)}",
    r"s^{(k)} = g(v^{(k)})",
    r"Q = \frac{1}{2} \| s^{(L)} - t \|^2",
    r"r^{(k)} = \frac{\partial Q}{\partial v^{(k)}}",
    r"r^{(L)} = (s^{(L)} - t) \odot g'(v^{(L)})",
    r"r^{(k)} = (M^{(k+1)})^\top r^{(k+1)} \odot g'(v^{(k)})",
    r"\frac{\partial Q}{\partial M^{(k)}} = r^{(k)} (s^{(k-1)})^\top",
    r"\frac{\partial Q}{\partial M^{(k)}} = r^{(k)} (s^{(k)})^\top",
)


def test_a_general_layer_in_letters_of_its_own() -> None:
    report = judge_document(GENERAL, "notes.md", seconds=0.1)
    assert [e.verdict for e in report.entries] == ["right"] * 7 + ["wrong"]
    assert '"s[l]" = "a[l]", "M[l]" = "W[l]"' in report.warnings[1]
    assert report.entries[-1].judgement is not None
    assert report.entries[-1].judgement.cause == "wrong-layer-index"


def test_the_input_counted_as_the_first_layer() -> None:
    text = lines(
        "a^{(1)} = x", r"z^{(2)} = W^{(1)} a^{(1)} + b^{(1)}", r"a^{(2)} = \sigma(z^{(2)})",
        r"z^{(3)} = W^{(2)} a^{(2)} + b^{(2)}", r"a^{(3)} = \sigma(z^{(3)})",
        r"\delta^{(2)} = (W^{(2)})^T \delta^{(3)} \odot \sigma'(z^{(2)})",
        r"\delta^{(2)} = W^{(2)} \delta^{(3)} \odot \sigma'(z^{(2)})",
    )  # fmt: skip
    assert verdicts(text) == ["right"] * 6 + ["wrong"]


# Programs -------------------------------------------------------------------------------------------------------------

SUMMED = """```python
h_in = X @ Win.T + bin_
h = np.tanh(h_in)
out = h @ Wout.T + bout
loss = ((out - y) ** 2).sum()
grad_out = 2 * (out - y)
grad_Wout = grad_out.T @ h
grad_h_in = grad_out @ Wout * (1 - h ** 2)
grad_Wout = h.T @ grad_out
grad_h_in = grad_out @ Wout.T * (1 - h ** 2)
Wout -= 0.1 * grad_Wout
```
"""


def test_a_program_in_names_of_its_own_with_weights_turned_and_a_cost_that_is_a_sum() -> None:
    report = judge_document(SUMMED, "notes.md", seconds=0.1)
    assert '"Win" = "W[1].T"' in report.warnings[0]
    assert 'cost = "sum"' in report.warnings[0]
    assert '"grad_Wout" = "dW[2].T"' in report.warnings[0]
    assert [e.verdict for e in report.entries] == ["right"] * 7 + ["wrong"] * 2 + ["right"]


def test_numbers_side_by_side() -> None:
    text = "z1 = w1*x + b1\nh = tanh(z1)\nz2 = w2*h + b2\nyhat = sigmoid(z2)\nL = (yhat - y)^2\n"
    text += "dL/dw1 = 2*(yhat - y)*yhat*(1 - yhat)*w2*(1 - h^2)*x\ndL/dw1 = 2*(yhat - y)*yhat*(1 - yhat)*(1 - h^2)*x\n"
    assert verdicts(text, "exam.txt") == ["right"] * 6 + ["wrong"]


def test_a_matrix_product_of_matlab_in_plain_text() -> None:
    found, _ = extract("delta2 = (W2' * delta3) .* a2\nW2grad = delta3 * a2'\n", "text")
    assert [f.formula for f in found] == ["delta2 = (W2' * delta3) .* a2", "W2grad = delta3 · a2.T"]


def test_words_and_letters_that_a_plain_text_differentiates() -> None:
    found, _ = extract("then dE/do = o - t et dE/dnet_j = o_j (1 - o_j) are known\n", "text")
    assert [f.formula for f in found] == ["dE/do = o - t", "∂E/∂net_j = o_j (1 - o_j)"]


def test_a_file_that_is_no_program_is_an_error_in_one_sentence() -> None:
    with pytest.raises(DataError, match=r"bad\.py, line 1: .*no program of Python"):
        judge_document("def f(:\n    return\n", "bad.py")
    report = judge_document("dZ2 = A2 - Y\nprint 'done'\n", "old.py", seconds=0.1)
    assert report.warnings[0].startswith("line 2: ")
    assert len(report.entries) == 1


def test_a_text_that_was_hardly_understood_is_not_called_wrong() -> None:
    text = lines(r"\xi = q u", r"\xi = 3 \mu", r"\frac{\partial \mu}{\partial u} = \xi^3 q", r"\mu = u^2 + \xi q")
    assert "wrong" not in verdicts(text)


# Layers that are counted in a way of the text's own, or kept in lists -------------------------------------------------

OWN_COUNT = r"""
$$z_1 := \hat{x}$$
$$z_{i+1} := f_i(W_i z_i + b_i), \quad a_i = W_i z_i + b_i$$
$$\epsilon_i = \frac{\partial L}{\partial a_i}$$
$$\frac{\partial L}{\partial W_i} = \epsilon_i z_i^T$$
$$\frac{\partial L}{\partial W_i} = \epsilon_i z_{i+1}^T$$
"""


def test_pre_activations_numbered_as_their_inputs() -> None:
    report = judge_document(OWN_COUNT, "notes.md", seconds=0.1)
    assert '"a_l" = "z[l]", "z_l" = "a[l-1]"' in report.warnings[-1]
    assert [e.verdict for e in report.entries] == ["right"] * 5 + ["wrong"]


def test_a_text_that_changes_its_numbers_has_a_reading_for_each() -> None:
    again = r"$a_i = W_{i-1} z_{i-1} + b_{i-1}$ and $\frac{\partial L}{\partial z_{i-1}} = W_{i-1}^T \epsilon_i$"
    report = judge_document(OWN_COUNT + again, "notes.md", seconds=0.1)
    conditions = [e.judgement.condition for e in report.entries if e.judgement is not None]
    assert conditions[-2:] == ["a[i] = W[i-1] z[i-1] + b[i-1]"] * 2
    assert [e.verdict for e in report.entries][-3] == "wrong"


@pytest.mark.parametrize("letter", "ljnps")
@pytest.mark.parametrize(("opened", "closed"), [("_{", "}"), ("^{", "}")])
def test_any_letter_may_number_layers(letter: str, opened: str, closed: str) -> None:
    at, before = f"{opened}{letter}{closed}", f"{opened}{letter}-1{closed}"
    text = lines(f"z{at} = W{at} a{before} + b{at}", rf"\delta{before} = (W{at})^T \delta{at} \circ g'(z{before})")
    assert verdicts(text) == ["right", "right"]


LISTS = """def backprop(self, x, y):
    nabla_b = [np.zeros(b.shape) for b in self.biases]
    nabla_w = [np.zeros(w.shape) for w in self.weights]
    activation = x
    activations = [x]
    zs = []
    for b, w in zip(self.biases, self.weights):
        z = np.dot(w, activation) + b
        zs.append(z)
        activation = sigmoid(z)
        activations.append(activation)
    delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
    nabla_b[-1] = delta
    nabla_w[-1] = np.dot(delta, activations[-2].T)
    for l in range(2, self.num_layers):
        sp = sigmoid_prime(zs[-l])
        delta = np.dot(self.weights[-l+1].T, delta) * sp
        nabla_b[-l] = delta
        nabla_w[-l] = np.dot(delta, activations[-l-1].T)
"""


@pytest.mark.parametrize(
    ("printed", "mistaken", "line"),
    [
        ("weights[-l+1]", "weights[-l]", 17),
        ("activations[-l-1]", "activations[-l]", 19),
        ("activations[-2]", "activations[-1]", 14),
        (" * sp", "", 17),
    ],
)
def test_layers_in_lists_counted_from_the_end(printed: str, mistaken: str, line: int) -> None:
    found = {e.found.line: e.verdict for e in judge_document(LISTS, "network.py", seconds=0.1).entries}
    assert all(found[i] in ("right", "right if") for i in (8, 10, 12, 13, 14, 17, 18, 19))
    entries = judge_document(LISTS.replace(printed, mistaken), "network.py", seconds=0.1).entries
    assert [e.found.line for e in entries if e.verdict == "wrong"] == [line]


NAMED = """for l in (1, 2):
    cache[f"Z{l}"] = params[f"W{l}"] @ cache[f"A{l-1}"] + params[f"b{l}"]
    cache[f"A{l}"] = np.tanh(cache[f"Z{l}"])
cache["Z3"] = params["W3"] @ cache["A2"] + params["b3"]
cache["A3"] = 1 / (1 + np.exp(-cache["Z3"]))
dZ = cache["A3"] - Y
grads["dW3"] = dZ @ cache["A2"].T / m
for l in (2, 1):
    dZ = params[f"W{l+1}"].T @ dZ * (1 - cache[f"A{l}"] ** 2)
    grads[f"dW{l}"] = dZ @ cache[f"A{l-1}"].T / m
"""


def test_the_last_layers_of_a_program_keep_their_numbers() -> None:
    report = judge_document(NAMED, "net.py", seconds=0.1)
    assert 'network = "3-5:tanh-4:tanh-2:sigmoid"' in report.warnings[0]
    assert "wrong" not in [e.verdict for e in report.entries]


# Classes and functions as worlds of their own -------------------------------------------------------------------------

CLASSES = """class Sigmoid:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
    def backward(self, dout):
        dx = dout * (1.0 - self.out) * self.out
class Relu:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
    def backward(self, dout):
        dout[self.mask] = 0
        dx = dout
class Affine:
    def forward(self, x):
        self.x = x.reshape(x.shape[0], -1)
        out = np.dot(self.x, self.W) + self.b
    def backward(self, dout):
        dx = np.dot(dout, self.W.T)
        self.dW = np.dot(self.x.T, dout)
"""


def test_each_class_has_its_own_letters() -> None:
    found = {e.found.text: e.verdict for e in judge_document(CLASSES, "layers.py", seconds=0.1).entries}
    for text in ("dx = dout * (1.0 - self.out) * self.out", "dx = dout", "dx = np.dot(dout, self.W.T)"):
        assert found[text] == "right", text
    mistaken = CLASSES.replace("(1.0 - self.out) * self.out", "(1.0 - self.out)").replace("self.W.T", "self.W")
    entries = judge_document(mistaken, "layers.py", seconds=0.1).entries
    assert [e.found.line for e in entries if e.verdict == "wrong"] == [5, 19]
