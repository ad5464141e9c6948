"""Texts of several parts: a network for each, the penalty of the cost, what one line settles for another."""

from __future__ import annotations

import pytest

from chainrule.documents.composed import costs
from chainrule.documents.extraction import extract, extracted
from chainrule.documents.header import Notation, read_header
from chainrule.documents.headings import headings
from chainrule.documents.judged import judge_document, read_found
from chainrule.errors import ConfigurationError


def verdicts(text: str, name: str = "notes.md") -> list[str]:
    return [e.verdict for e in judge_document(text, name, seconds=0.1).entries]


# A network for each part ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("# One\n\nwords\n\n## Two\n", [1, 5]),
        ("\\section{One}\nwords\n\\begin{frame}{Two}\n", [1, 3]),
        ("One\n===\n\nwords, and more words.\n\nExample 2\n", [1, 6]),
        ("words = more words\n\nBackward pass\n\nz = W x\n", [3]),
        ("it ends with a stop.\n\nW x + b\n", []),
    ],
)
def test_where_parts_begin(text: str, lines: list[int]) -> None:
    assert headings(text) == lines


def test_comments_of_a_program_are_no_headings() -> None:
    assert headings("# words\nclass A:\n    # more\nclass B(A):\n", program=True) == [2, 4]


TWO_PARTS = r"""# Softmax regression

$S = X W + b$, $P = \mathrm{softmax}(S)$ with $L = -\frac1N \sum_i \sum_c Y_{ic} \log P_{ic}$.

$\frac{\partial L}{\partial W} = X^T \frac{\partial L}{\partial S}$

# Two layers

$H = \max(0, X W_1 + b_1)$, $S = H W_2 + b_2$, $P = \mathrm{softmax}(S)$.

$\frac{\partial L}{\partial W_2} = H^T \frac{\partial L}{\partial S}$

$\frac{\partial L}{\partial W_2} = X^T \frac{\partial L}{\partial S}$
"""


def test_each_part_has_its_own_forward_pass() -> None:
    assert verdicts(TWO_PARTS) == ["right"] * 8 + ["wrong"]


def test_a_part_of_mistakes_in_the_letters_of_the_whole_begins_no_other_network() -> None:
    program = """class Net:
    def forward(self, X):
        self.z1 = X @ self.W1 + self.b1
        self.a1 = np.tanh(self.z1)
        self.z2 = self.a1 @ self.W2 + self.b2
        self.a2 = 1 / (1 + np.exp(-self.z2))
    def backward(self, y):
        dz2 = (self.a2 - y) / m
        dW2 = self.a1.T @ dz2
class Old(Net):
    def forward(self, X):
        self.z1 = self.W1 @ X + self.b1
        self.a1 = np.tanh(self.z1)
"""
    assert verdicts(program, "net.py")[-2:] == ["wrong", "right"]


# A notation under which what defines a letter is wrong ------------------------------------------------------------


def test_a_letter_that_the_text_defines_is_no_target() -> None:
    text = r"$p = W x + b$, $q = W v + b$, $r = \tanh(p)$, $s = \tanh(q)$ and $E = \frac12 \|r - s\|^2$." + "\n\n"
    text += r"$\frac{\partial E}{\partial W} = \frac{\partial E}{\partial p} x^\top$" + "\n"
    assert verdicts(text)[-1] not in ("right", "right if")


def test_letters_of_two_layers_are_those_of_all() -> None:
    text = (
        r"$z^{[1]} = V^{[1]} x + b^{[1]}$, $h^{[1]} = \tanh(z^{[1]})$, $z^{[2]} = V^{[2]} h^{[1]} + b^{[2]}$, "
        r"$h^{[2]} = \tanh(z^{[2]})$, $\hat y = V^{[3]} h^{[2]} + b^{[3]}$, $L = \frac12 \|\hat y - y\|^2$" + "\n\n"
        r"$\frac{\partial L}{\partial V^{[l]}} = \frac{\partial L}{\partial z^{[l]}} h^{[l-1]\top}$" + "\n\n"
        r"$\frac{\partial L}{\partial V^{[l]}} = \frac{\partial L}{\partial z^{[l]}} h^{[l]\top}$" + "\n"
    )
    assert verdicts(text)[-2:] == ["right", "wrong"]


def test_a_cost_without_a_network_is_the_cost() -> None:
    text = (
        r"$z_l = W_l a_{l-1} + b_l$, $a_l = \sigma(z_l)$ with the logistic function $\sigma$ in every layer and "
        r"$E = \frac12 \|a_L - y\|^2$" + "\n\n"
        r"$\delta_L = (a_L - y) \odot a_L \odot (1 - a_L)$" + "\n\n" + r"$\delta_L = a_L - y$" + "\n"
    )
    assert verdicts(text)[-2:] == ["right", "wrong"]


def test_sample_numbers_hide_no_forward_pass() -> None:
    text = (
        r"$z^{[1](i)} = W^{[1]} x^{(i)} + b^{[1]}$, $a^{[1](i)} = \mathrm{ReLU}(z^{[1](i)})$, "
        r"$z^{[2](i)} = W^{[2]} a^{[1](i)} + b^{[2]}$, $\hat y^{(i)} = \mathrm{softmax}(z^{[2](i)})$, "
        r"$J = -\frac{1}{m} \sum_{i=1}^{m} \sum_k y_k^{(i)} \log \hat y_k^{(i)}$" + "\n\n"
        r"$\delta^{[1](i)} = ((W^{[2]})^T (\hat y^{(i)} - y^{(i)})) \circ \mathbf{1}\{z^{[1](i)} > 0\}$" + "\n"
    )
    assert verdicts(text) == ["right"] * 6


# The penalty of the cost ----------------------------------------------------------------------------------------------

FORWARD = r"""$Z^{[1]} = W^{[1]} X + b^{[1]}$, $A^{[1]} = \tanh(Z^{[1]})$, $Z^{[2]} = W^{[2]} A^{[1]} + b^{[2]}$,
$A^{[2]} = \sigma(Z^{[2]})$

$$J = -\frac{1}{m} \sum_{i=1}^{m} \left[ y^{(i)} \log a^{[2](i)} + (1 - y^{(i)}) \log(1 - a^{[2](i)}) \right]
 + \frac{\lambda}{2m} \left( \|W^{[1]}\|_F^2 + \|W^{[2]}\|_F^2 \right)$$

"""
DECAY = r"""$dW^{[2]} = \frac{1}{m} dZ^{[2]} A^{[1]\top} + \frac{\lambda}{m} W^{[2]}$

$W^{[1]} := W^{[1]} - \alpha\, dW^{[1]}$

"""
FORGOTTEN = r"$dW^{[2]} = \frac{1}{m} dZ^{[2]} A^{[1]\top}$" + "\n"


def test_the_penalty_of_the_cost_is_in_its_gradients() -> None:
    assert verdicts(FORWARD + DECAY + FORGOTTEN)[-3:] == ["right", "right", "wrong"]
    assert verdicts(FORWARD + FORGOTTEN)[-1] == "right"  # nothing says that dW has it


def test_a_penalty_may_be_declared() -> None:
    header = (
        '<!-- chainrule:\nnetwork = "3-4:tanh-2:softmax"\nloss = "cross_entropy"\nsamples = "columns"\n'
        'place = "parameters"\npenalty = "lambda/2"\n-->\n'
    )
    right = r"$dW^{[2]} = \frac{1}{m} dZ^{[2]} A^{[1]\top} + \lambda W^{[2]}$"
    assert verdicts(f"{header}{right}\n\n{FORGOTTEN}") == ["right", "wrong"]
    with pytest.raises(ConfigurationError, match=r"penalty = 'a': a text such as .* is needed here"):
        read_header('penalty = "a"')


def test_a_cost_in_parts_is_put_together() -> None:
    program = (
        "```python\ndata_loss = np.sum(q)/m\nreg_loss = 0.5 * lambd * np.sum(W1**2)\nloss = data_loss + reg_loss\n```"
    )
    (cost, letter), *others = costs(extract(program)[0], Notation(), read_found)
    assert not others
    assert letter == "loss"
    assert "data_loss" not in cost.formula
    assert "W[1]" in cost.formula


# What one line settles ------------------------------------------------------------------------------------------------


def test_a_layout_that_contradicts_the_same_derivative_elsewhere_is_no_excuse() -> None:
    header = '<!-- chainrule:\nnetwork = "3-4:tanh-2"\nloss = "quadratic"\nsamples = "one"\n-->\n'
    column = r"$\frac{\partial L}{\partial a^{[1]}} = W^{[2]\top} (\hat y - y)$"
    row = r"$\frac{\partial L}{\partial a^{[1]}} = (\hat y - y)^\top W^{[2]}$"
    assert verdicts(header + row) == ["right if"]
    assert verdicts(f"{header}{column}\n\n{row}") == ["right", "wrong"]
    assert verdicts(f"{header}{column}\n\nIn numerator layout: {row}") == ["right", "right if"]


def test_where_most_lines_need_the_1_m_in_dz_none_is_right_without() -> None:
    header = '# chainrule:\n# network = "3-4:tanh-2:softmax"\n# loss = "cross_entropy"\n# samples = "rows"\n'
    program = header + "dZ2 = (A2 - Y) / m\ndW2 = A1.T @ dZ2\ndb2 = np.sum(dZ2, axis=0)\ndb2 = np.mean(dZ2, axis=0)\n"
    assert verdicts(program, "net.py") == ["right if", "right if", "right if", "wrong"]


# What is found --------------------------------------------------------------------------------------------------------


def test_a_formula_beside_code_and_one_that_never_ends_are_found() -> None:
    found, _, warnings = extracted("so dZ2 = A2 - Y, I think. And `dW2 = dZ2 @ A1.T / m`.\n")
    assert {f.formula for f in found} == {"dZ2 = A2 - Y", "dW2 = dZ2 @ A1.T / m"}
    assert not warnings
    found, _, warnings = extracted("first $a = 1$ and then $dZ^{[2]} = A^{[2]} - Y\n\nIt costs $5, or $6 = 1.\n")
    assert [f.formula for f in found] == ["a = 1", "dZ^{[2]} = A^{[2]} - Y"]
    assert warnings == ["line 1: $ is never closed; what follows it is read up to an empty line"]


def test_half_a_formula_beside_code_is_passed_over() -> None:
    assert not [f for f in extract("$db = \\frac1m$ `np.sum(dZ, axis=1)`")[0] if "frac" in f.formula]


def test_what_is_asked_of_an_optimum_is_no_claim() -> None:
    assert verdicts(r"$\frac{\partial J}{\partial W^{[1]}} = 0$") == ["no statement"]
