"""Documents in letters and numberings of their own, without a header: what they define decides what is right."""

from __future__ import annotations

import pytest

from chainrule.documents.header import read_header
from chainrule.documents.judged import judge_document
from chainrule.documents.numbered import of_kinds
from chainrule.notation.read import read


def verdicts(*formulas: str, name: str = "notes.md") -> list[str]:
    text = "\n\n".join(f"${x}$" for x in formulas)
    return [e.verdict for e in judge_document(text, name).entries]


def shorter(verdict: str) -> str:
    return {"right if": "right"}.get(verdict, verdict)


@pytest.mark.parametrize(
    ("formulas", "expected"),
    [
        (  # LeCun's letters: x_n is computed, and no input
            (
                "y_n = w_n x_{n-1}",
                "x_n = f(y_n)",
                r"\frac{\partial E}{\partial w_n^{ij}} = x_{n-1}^j \frac{\partial E}{\partial y_n^i}",
                r"\frac{\partial E}{\partial w_n^{ij}} = x_{n-1}^i \frac{\partial E}{\partial y_n^j}",
            ),
            "right right right wrong",
        ),
        (  # weights that lead from l to l + 1, without a forward pass
            (
                r"\delta^{(l)} = ((W^{(l)})^T \delta^{(l+1)}) \odot f'(z^{(l)})",
                r"\nabla_{W^{(l)}} J = \delta^{(l+1)} (a^{(l)})^T",
                r"\nabla_{b^{(l)}} J = \delta^{(l+1)}",
                r"\nabla_{W^{(l)}} J = \delta^{(l)} (a^{(l)})^T",
            ),
            "right right right wrong",
        ),
        (  # the same where the input is layer 0, and with a definition of f that is but an example
            (
                r"f(z) = \frac{1}{1 + \exp(-z)}",
                "a^{(0)} = x",
                "z^{(l+1)} = W^{(l)} a^{(l)} + b^{(l)}",
                "a^{(l+1)} = f(z^{(l+1)})",
                r"\frac{\partial J}{\partial b^{(l)}} = \delta^{(l+1)}",
                r"\delta^{(L)} = (a^{(L)} - y) \odot f'(z^{(L)})",
            ),
            "definition right right right right right",
        ),
        (  # the input is layer 1, so that the last of L layers is called L
            (
                "z^{(l+1)} = W^{(l)} a^{(l)} + b^{(l)}",
                "a^{(l+1)} = f(z^{(l+1)})",
                "a^{(1)} = x",
                r"\delta^{(L)} = -(y - a^{(L)}) \odot f'(z^{(L)})",
            ),
            "right right right right",
        ),
        (  # the output as a hypothesis
            (
                "z^{[1]} = W^{[1]} x + b^{[1]}",
                r"a^{[1]} = \mathrm{ReLU}(z^{[1]})",
                r"h_\theta(x) = W^{[2]} a^{[1]} + b^{[2]}",
                r"o = h_\theta(x)",
                r"\frac{\partial J}{\partial a^{[1]}} = {W^{[2]}}^\top \frac{\partial J}{\partial o}",
                r"\frac{\partial J}{\partial a^{[1]}} = W^{[2]} \frac{\partial J}{\partial o}",
            ),
            "right right right right right wrong",
        ),
        (  # one unit as an example before the network
            (
                "h_{W,b}(x) = f(W^T x)",
                "z^{(l+1)} = W^{(l)} a^{(l)} + b^{(l)}",
                "a^{(l+1)} = f(z^{(l+1)})",
            ),
            "cannot tell|right|right",
        ),
        (  # definitions with parameters that nobody defines
            (
                r"p = \mathrm{softmax}(C h)",
                r"L = -\sum_k y_k \log p_k",
                r"\frac{\partial L}{\partial C} = (p - y) h^\top",
                r"\frac{\partial L}{\partial h} = C^\top (p - y)",
            ),
            "definition definition right right",
        ),
        (
            (
                r"e_i = w \cdot x_i + b - y_i",
                r"C = \frac{1}{N} \sum_{i=1}^{N} (y_i - w \cdot x_i - b)^2",
                r"\frac{\partial C}{\partial w} = \frac{2}{N} \sum_{i=1}^{N} e_i x_i",
                r"\frac{\partial C}{\partial b} = \frac{2}{N} \sum_{i=1}^{N} e_i",
            ),
            "definition right right right",
        ),
        (  # several losses, each with its gradient
            (
                r"z = \sum_i w_i x_i + b",
                "a = f(z)",
                r"L = \frac{1}{2} (a - y)^2",
                r"\frac{\partial L}{\partial a} = a - y",
                r"L = \lvert a - y \rvert",
                r"\frac{\partial L}{\partial a} = \mathrm{sign}(a - y)",
                r"L = -y \ln a - (1 - y) \ln (1 - a)",
                r"\frac{\partial L}{\partial a} = \frac{a - y}{a (1 - a)}",
                r"\frac{\partial L}{\partial a} = -\frac{a - y}{a (1 - a)}",
            ),
            "right right right right definition right definition right wrong",
        ),
        (  # a function of which more is said later
            ("f(x) = g(h(x))", r"f(x) = \sqrt{1 + x^2}", r"g(z) = \sqrt{z}", "h(x) = 1 + x^2", r"\frac{dh}{dx} = 2x"),
            "definition definition definition definition right",
        ),
    ],
)
def test_what_a_text_says_of_its_letters_decides(formulas: tuple[str, ...], expected: str) -> None:
    found = [shorter(v) for v in verdicts(*formulas)]
    assert found == expected.split("|" if "|" in expected else " ")


def test_units_of_two_layers_told_apart_by_the_letter_of_their_index() -> None:
    texts = [
        r"a_h = \sum_i w_{ih} x_i",
        "b_h = f(a_h)",
        r"a_k = \sum_h w_{hk} b_h",
        r"y_k = \frac{a_k}{\sum_{k'} a_{k'}}",
    ]
    equations = [read(t, syntax="latex")[0].equation for t in texts]
    assert of_kinds(equations) == {"a_h": "aH_h", "a_k": "aK_k", "w_{ih}": "wIH_{ih}", "w_{hk}": "wHK_{hk}"}
    assert of_kinds(equations[:2]) == {}
    assert verdicts(*texts[:3]) == ["definition"] * 3


def test_a_formula_on_a_condition_is_not_judged_without_it() -> None:
    text = "$g'(z) = 1$ for $z > 0$ and $g'(z) = 0$ for $z < 0$; $\\frac{\\partial a}{\\partial z} = 0$ otherwise.\n"
    entries = judge_document(text, "notes.md", seconds=0.1).entries
    assert [e.found.formula for e in entries[:2]] == [r"g'(z) = 1 \text{ for } z > 0", r"g'(z) = 0 \text{ for } z < 0"]
    assert all(e.verdict != "wrong" for e in entries)


@pytest.mark.parametrize("name", ["loss", "cost"])
def test_the_declared_loss_is_no_free_name(name: str) -> None:
    header = read_header(
        'network = "3-4:relu-2:softmax"\nloss = "cross_entropy"\nsamples = "rows"\n'
        'letters = {"scores" = "Z[2]", "probs" = "A[2]", "N" = "m"}\n'
    )
    for values, expected in (("probs", "right"), ("scores", "wrong")):
        text = f"```python\n{name} = -np.sum(Y * np.log({values})) / N\n```\n"
        assert [e.verdict for e in judge_document(text, "a.md", header=header).entries] == [expected]


@pytest.mark.parametrize("pattern", ["n^m", "n^{m}", "n^1"])
def test_a_number_above_a_declared_letter_is_its_layer(pattern: str) -> None:
    layer = pattern[-1] if pattern[-1] != "}" else "m"
    header = read_header(
        f'network = "3-4:tanh-2"\nsamples = "one"\nletters = {{"{pattern}" = "z[{layer}]", "p" = "x"}}\n'
    )
    text = "$n^1 = W^1 p + b^1$, $n^2 = W^2 a^1 + b^2$, $n^2 = W^2 n^1 + b^2$\n"
    assert [e.verdict for e in judge_document(text, "a.md", header=header).entries] == ["right", "right", "wrong"]


def test_a_loss_that_nobody_wrote_makes_no_step_wrong() -> None:
    text = (
        "def train(x, y):\n    z1 = np.dot(W1, x)\n    a1 = sigmoid(z1)\n    z2 = np.dot(W2, a1)\n"
        "    a2 = sigmoid(z2)\n"
        "    W2 += lr * np.dot((y - a2) * a2 * (1.0 - a2), np.transpose(a1))\n"
        "    W2 += lr * np.dot(y - a2, np.transpose(a1))\n    W2 -= lr * np.dot(y - a2, np.transpose(a1))\n"
    )
    entries = judge_document(text, "a.py", seconds=0.1).entries
    assert [e.verdict for e in entries[-3:]] == ["right if", "right if", "wrong"]


FORWARD = (
    r"Let $z_1 = W_1 x + b_1$, $h = \mathrm{ReLU}(z_1)$, $z_2 = W_2 h + b_2$, $\hat{y} = \mathrm{softmax}(z_2)$ and "
    r"$J = -\sum_i y_i \log \hat{y}_i$." + "\n\n"
)


def test_deltas_numbered_by_the_steps_of_the_backward_pass_are_not_those_of_the_layers() -> None:
    text = (
        r"$\delta_1 = \frac{\partial J}{\partial z_2} = \hat{y} - y$, $\delta_2 = \frac{\partial J}{\partial h} = "
        r"W_2^\top \delta_1$, $\frac{\partial J}{\partial W_2} = \delta_1 h^\top$" + "\n"
    )
    assert [e.verdict for e in judge_document(FORWARD + text, "notes.md").entries[-3:]] == ["right"] * 3


def test_a_delta_of_the_wrong_layer_is_wrong_where_others_are_numbered_as_the_layers() -> None:
    text = (
        r"$\delta_1 = \frac{\partial J}{\partial z_2} = \hat{y} - y$, $\delta_1 = W_2^\top \delta_2 \circ "
        r"\mathbf{1}[z_1 > 0]$, $\frac{\partial J}{\partial W_1} = \delta_1 x^\top$" + "\n"
    )
    first, *others = judge_document(FORWARD + text, "notes.md").entries[-3:]
    assert first.verdict == "wrong"
    assert first.judgement is not None
    assert first.judgement.cause == "wrong-layer-index"
    assert {e.verdict for e in others} <= {"right", "right if"}


def test_a_delta_that_the_text_defines_is_no_gradient_of_a_letter() -> None:
    text = (
        r"$z_1 = W_1 x + b_1$, $h = \varphi(z_1)$, $z_2 = W_2 h + b_2$." + "\n\n"
        r"With $a = z_2$, $p = \mathrm{softmax}(a)$ and $\mathcal{L} = -\sum_{c} y_c \log p_c$, "
        r"$\delta = \nabla_a \mathcal{L} = p - y$." + "\n\n"
        r"$\nabla_{z_1} \mathcal{L} = (W_2^\top \delta) \odot \varphi'(z_1)$" + "\n"
    )
    assert judge_document(text, "notes.md").entries[-1].verdict == "right"


NOT_UNDERSTOOD = {
    "list.py": (  # functions of z alone
        "def softplus(z):\n    a = np.log(1 + np.exp(z))\n    da = 1 / (1 + np.exp(-z))\n    return a, da\n"
    ),
    "ex4.m": "a1 = [ones(m, 1) X];\nz2 = a1 * Theta1';\na2 = [ones(m, 1) sigmoid(z2)];\ndelta3 = h - Y;\n",
    "notes.tex": (  # Goodfellow's letters
        "On note $h^{(0)} = x$ et $a^{(k)} = b^{(k)} + W^{(k)} h^{(k-1)}$, $h^{(k)} = f(a^{(k)})$.\n\n"
        r"$\nabla_{b^{(k)}} J = \nabla_{a^{(k)}} J$, $\nabla_{W^{(k)}} J = \nabla_{a^{(k)}} J \; h^{(k-1)\top}$" + "\n"
    ),
}


@pytest.mark.parametrize("name", NOT_UNDERSTOOD)
def test_what_was_not_understood_is_not_called_wrong(name: str) -> None:
    found = judge_document(NOT_UNDERSTOOD[name], name).entries
    assert len(found) >= 2
    assert not [e.found.formula for e in found if e.verdict == "wrong"]


def test_a_sign_in_an_activation_is_a_slip_all_the_same() -> None:
    text = r"$z = w^\top x + b$, $a = \frac{1}{1 + e^{z}}$, $L = -y \ln a - (1 - y) \ln(1 - a)$" + "\n"
    found = {e.found.formula: e.verdict for e in judge_document(text, "notes.md").entries}
    assert found[r"a = \frac{1}{1 + e^{z}}"] == "wrong"
