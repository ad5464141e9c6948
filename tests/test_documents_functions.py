"""Lists of activation functions, one letter for all: each derivative belongs to the definition before it."""

from __future__ import annotations

import pytest

from chainrule.documents import judge_document

# Definition, its derivative, and a wrong one (worked by hand).
LIST = [
    (r"g(z) = z", r"g'(z) = 1", r"g'(z) = z"),
    (r"g(z) = \frac{1}{1 + e^{-z}}", r"g'(z) = g(z) (1 - g(z))", r"g'(z) = g(z) (1 + g(z))"),
    (r"g(z) = \tanh(z)", r"g'(z) = 1 - g(z)^2", r"g'(z) = 1 - g(z)"),
    (r"g(z) = \max(0.01 z, z)", r"g'(z) = \begin{cases} 1 & z > 0 \\ 0.01 & z \le 0 \end{cases}", r"g'(z) = 0.01 z"),
    (r"g(z) = \ln(1 + e^z)", r"g'(z) = \frac{1}{1 + e^{-z}}", r"g'(z) = \frac{1}{1 + e^{z}}"),
    (r"g(z) = z \sigma(z)", r"g'(z) = \sigma(z) + z \sigma(z) (1 - \sigma(z))", r"g'(z) = \sigma(z) (1 - \sigma(z))"),
    (r"g(z) = \frac{z}{1 + |z|}", r"g'(z) = \frac{1}{(1 + |z|)^2}", r"g'(z) = \frac{1}{1 + |z|}"),
    (r"g(z) = e^{-z^2}", r"g'(z) = -2 z e^{-z^2}", r"g'(z) = -2 e^{-z^2}"),
]
BEGINNINGS = {
    "alone": "",
    "beside a network": r"$z^{[1]} = W^{[1]} x + b^{[1]}$, $a^{[1]} = g(z^{[1]})$" + "\n\n",
    "any network": '<!-- chainrule:\nnetwork = "any"\n-->\n\n',
}


def verdicts(text: str) -> list[tuple[str, str]]:
    return [(e.found.formula, e.verdict) for e in judge_document(text, "list.md").entries]


def table(*lines: str) -> str:
    return "| function | derivative |\n|---|---|\n" + "".join(f"| {line} |\n" for line in lines)


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS.keys())
def test_a_list_of_activations(beginning: str) -> None:
    found = verdicts(beginning + table(*(f"${f}$ | ${right}$" for f, right, _ in LIST)))[-2 * len(LIST) :]
    assert len(found) == 2 * len(LIST)
    assert {v for _, v in found[::2]} <= {"definition", "right if", "right"}
    assert {v for _, v in found[1::2]} <= {"right", "right if"}, found


def test_wrong_derivatives_in_a_list() -> None:
    found = verdicts(BEGINNINGS["beside a network"] + table(*(f"${f}$ | ${wrong}$" for f, _, wrong in LIST)))[
        -2 * len(LIST) :
    ]
    assert [v for _, v in found[1::2]] == ["wrong"] * len(LIST), found


def test_what_is_given_in_pieces_or_cannot_be_read_is_not_known() -> None:
    text = table(
        r"$g(z) = \tanh z$ | $g'(z) = 1 - g(z)^2$",
        r"$g(z) = z$ for $z > 0$, $g(z) = e^z - 1$ otherwise | $g'(z) = e^z$",
        r"$g(z) = \operatorname{blob}_3^7\{z\}$ | $g'(z) = \frac{1}{1 + z^2}$",
    )
    after = [v for f, v in verdicts(text) if f.startswith("g'")][1:]
    assert after == ["cannot tell", "cannot tell"]


def test_the_same_definition_with_a_slip_is_wrong() -> None:
    found = verdicts(r"$f(z) = \frac{1}{1 + e^{-z}}$" + "\n\n" + r"$f(z) = \frac{1}{1 + e^{z}}$" + "\n")
    assert [v for _, v in found] == ["definition", "wrong"]


def test_a_list_of_losses() -> None:
    lines = [
        (r"L = \frac12 (\hat y - y)^2", r"\frac{\partial L}{\partial \hat y} = \hat y - y"),
        (r"L = |\hat y - y|", r"\frac{\partial L}{\partial \hat y} = \mathrm{sign}(\hat y - y)"),
        (r"L = e^{-y \hat y}", r"\frac{\partial L}{\partial \hat y} = -y e^{-y \hat y}"),
    ]
    found = verdicts(table(*(f"${f}$ | ${d}$" for f, d in lines)))
    assert len(found) == 6
    assert not [f for f, v in found if v == "wrong"]
    assert {v for _, v in found[1::2]} <= {"right", "right if"}, found
