"""Each mistake that people make, made once in a right formula: it is wrong, named, and mended into a right formula.

The table gives right formulas of networks of three layers, each with its slips: the names under which a slip may be
told (several where two slips come to the same formula) and what of the right side becomes what. A slip is an edit of
the text, before it is written in one of three notations; the judge's own trees have no part in it. With a `?` the slip
may be meant so where nothing is declared: another activation, loss, last layer or place of 1/m makes it right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from chainrule.judge import Judgement, check_formula

NETWORKS = {
    "S": ("3-5:tanh-4:sigmoid-2:softmax", "cross_entropy"),
    "B": ("3-5:relu-4:tanh-1:sigmoid", "binary_cross_entropy"),
    "Q": ("3-5:sigmoid-4:softplus-2", "quadratic"),
    "P": ("3-5:tanh-4:sigmoid-2:sigmoid", "quadratic"),
}
TABLE = """
SB columns: Z[2] = W[2] @ A[1] + b[2]
    wrong-layer-index|A[1]|A[2]|
    wrong-layer-index|W[2]|W[1]|
    wrong-layer-index|b[2]|b[1]|
    wrong-layer-index or wrong-operand|A[1]|A[0]|
    operands-swapped or outer-product-order ?|W[2] @ A[1]|A[1] @ W[2]|
    sign|+ b|- b|
    wrong-product| @ | * |
    gradient-used-for-weight|W[2]|dW[2]|
    wrong-operand|A[1]|Z[1]|
    product-vs-sum|+ b|* b|
    gradient-used-for-weight or wrong-operand|b[2]|db[2]|
SB columns: dW[2] = 1/m * dZ[2] @ A[1].T
    missing-1/m ?|1/m * ||
    doubled-1/m|1/m|1/m**2|
    doubled-1/m|1/m * |1/m * 1/m * |
    missing-1/m|1/m * |m * |
    factor-2|1/m|2/m|
    factor-2|1/m|1/(2*m)|
    sign|= 1/m|= -1/m|
    missing-transpose|A[1].T|A[1]|
    wrong-layer-index|A[1]|A[2]|
    wrong-layer-index|dZ[2]|dZ[1]|
    wrong-layer-index|dZ[2]|dZ[3]|
    operands-swapped or outer-product-order or missing-transpose|dZ[2] @ A[1].T|A[1] @ dZ[2].T|
    operands-swapped or outer-product-order or missing-transpose ?|dZ[2] @ A[1].T|A[1].T @ dZ[2]|
    missing-activation-derivative or wrong-operand|dZ|dA|
    wrong-operand|A[1]|Z[1]|
    wrong-product| @ | * |
    product-vs-sum| @ | + |
    gradient-used-for-weight or wrong-operand|A[1]|dA[1]|
SB columns: db[2] = 1/m * sum(dZ[2], axis=1, keepdims=True)
    missing-1/m ?|1/m * ||
    doubled-1/m|sum|mean|
    sum-axis ?|axis=1|axis=0|
    sum-axis ?|, axis=1, keepdims=True||
    missing-sum|sum(dZ[2], axis=1, keepdims=True)|dZ[2]|
    sign|= 1|= -1|
    wrong-layer-index|dZ[2]|dZ[1]|
    wrong-operand or missing-activation-derivative|dZ|dA|
    wrong-operand|dZ|dW|
    factor-2|1/m|2/m|
SB columns: dA[1] = W[2].T @ dZ[2]
    missing-transpose|.T||
    wrong-layer-index|W[2]|W[1]|
    wrong-layer-index|dZ[2]|dZ[1]|
    gradient-used-for-weight|W[2].T|dW[2].T|
    sign|= W|= -W|
    wrong-operand or missing-activation-derivative|dZ|dA|
    factor-2|= W|= 2 * W|
    operands-swapped or outer-product-order ?|W[2].T @ dZ[2]|dZ[2] @ W[2].T|
    doubled-1/m|= W|= 1/m * W|
    wrong-operand or gradient-used-for-weight|dZ|Z|
    product-vs-sum| @ | + |
SB columns: W[2] = W[2] - alpha * dW[2]
    sign| - | + |
    wrong-layer-index|dW[2]|dW[1]|
    gradient-used-for-weight|dW|W|
    other| - alpha * | - |
    other|= W[2] - |= - |
    gradient-used-for-weight or operands-swapped|W[2] - alpha * dW[2]|dW[2] - alpha * W[2]|
    missing-transpose|dW[2]|dW[2].T|
    wrong-operand|dW|db|
    product-vs-sum| - | * |
    factor-2 or other|alpha|2 * alpha|
SB columns: W[2] -= alpha * dW[2]
    sign|-=|+=|
    wrong-layer-index|dW[2]|dW[1]|
    gradient-used-for-weight|dW|W|
    other|alpha * ||
    wrong-operand|dW|dZ|
SB columns: b[2] = b[2] - alpha * db[2]
    sign| - | + |
    wrong-layer-index|db[2]|db[1]|
    gradient-used-for-weight or wrong-operand|db|b|
    wrong-operand|db|dW|
    other| - alpha * | - |
    wrong-operand|db|dZ|
SP columns: dZ[1] = W[2].T @ dZ[2] * (1 - A[1]**2)
    missing-transpose|.T||
    wrong-layer-index|W[2]|W[1]|
    wrong-layer-index|dZ[2]|dZ[1]|
    missing-square|**2||
    activation-derivative-at-wrong-place|A[1]|Z[1]|
    missing-activation-derivative| * (1 - A[1]**2)||
    sign|1 - A|1 + A|
    sign or operands-swapped|1 - A[1]**2|A[1]**2 - 1|
    wrong-operand ?|(1 - A[1]**2)|A[1] * (1 - A[1])|
    gradient-used-for-weight|W[2].T|dW[2].T|
    function-used-for-derivative|(1 - A[1]**2)|A[1]|
    function-used-for-derivative|(1 - A[1]**2)|tanh(Z[1])|
    missing-parentheses|(1 - A[1]**2)|(1 - A[1])**2|
    wrong-layer-index|A[1]|A[2]|
    sign|= W|= -W|
    product-vs-sum| * (1| + (1|
    activation-derivative-at-wrong-place or missing-parentheses| dZ[2] * (1 - A[1]**2)| (dZ[2] * (1 - A[1]**2))|
    wrong-operand or missing-activation-derivative|dZ[2]|dA[2]|
    wrong-product| * (1| @ (1|
SP columns: dZ[2] = W[3].T @ dZ[3] * A[2] * (1 - A[2])
    missing-transpose|.T||
    wrong-layer-index|W[3]|W[2]|
    missing-activation-derivative| * A[2] * (1 - A[2])||
    activation-derivative-at-wrong-place|A[2] * (1 - A[2])|Z[2] * (1 - Z[2])|
    activation-derivative-at-wrong-place|A[2] * (1 - A[2])|sigmoid(A[2]) * (1 - sigmoid(A[2]))|
    missing-activation-derivative or function-used-for-derivative| * (1 - A[2])||
    missing-activation-derivative| * A[2] *| *|
    sign|1 - A|1 + A|
    wrong-operand ?|A[2] * (1 - A[2])|(1 - A[2]**2)|
    function-used-for-derivative ?|A[2] * (1 - A[2])|sigmoid(Z[2])|
    missing-parentheses|(1 - A[2])|1 - A[2]|
    wrong-layer-index|A[2] * (1 - A[2])|A[1] * (1 - A[1])|
SBQP columns: dZ[2] = W[3].T @ dZ[3] * g[2].prime(Z[2])
    missing-transpose|.T||
    wrong-layer-index|W[3]|W[2]|
    wrong-layer-index|dZ[3]|dZ[2]|
    function-used-for-derivative|.prime||
    activation-derivative-at-wrong-place|(Z[2])|(A[2])|
    wrong-layer-index|g[2].prime(Z[2])|g[1].prime(Z[1])|
    missing-activation-derivative| * g[2].prime(Z[2])||
    gradient-used-for-weight|W[3]|dW[3]|
    sign|= W|= -W|
    product-vs-sum| * g| + g|
    wrong-product| * g| @ g|
    activation-derivative-at-wrong-place or missing-parentheses|dZ[3] * g[2].prime(Z[2])|(dZ[3] * g[2].prime(Z[2]))|
    factor-2|= W|= 2 * W|
SBQP columns: dZ[2] = dA[2] * g[2].prime(Z[2])
    function-used-for-derivative|.prime||
    activation-derivative-at-wrong-place|(Z[2])|(A[2])|
    missing-activation-derivative| * g[2].prime(Z[2])||
    wrong-layer-index|dA[2]|dA[1]|
    wrong-layer-index|dA[2]|dA[3]|
    sign|= d|= -d|
    product-vs-sum| * | + |
    wrong-product| * | @ |
    wrong-operand or gradient-used-for-weight|dA|A|
    other|dA[2] * ||
SBQP columns: A[2] = g[2](W[2] @ A[1] + b[2])
    derivative-used-for-function|g[2](|g[2].prime(|
    missing-parentheses|W[2] @ A[1] + b[2])|W[2] @ A[1]) + b[2]|
    wrong-layer-index|g[2]|g[1]|
    wrong-layer-index|A[1]|A[2]|
    wrong-layer-index|W[2]|W[3]|
    sign|+ b|- b|
    gradient-used-for-weight|W|dW|
    wrong-operand|A[1]|Z[1]|
S columns: dZ[3] = A[3] - Y
    sign or operands-swapped|A[3] - Y|Y - A[3]|
    sign| - | + |
    activation-derivative-at-wrong-place ?|A[3] - Y|(A[3] - Y) * A[3] * (1 - A[3])|
    activation-derivative-at-wrong-place ?|A[3] - Y|(A[3] - Y) * g[3].prime(Z[3])|
    factor-2 ?|A[3] - Y|2 * (A[3] - Y)|
    wrong-layer-index|A[3]|A[2]|
    doubled-1/m ?|A[3] - Y|1/m * (A[3] - Y)|
    wrong-operand ?|A[3]|Z[3]|
    wrong-operand or gradient-used-for-weight|A[3]|dA[3]|
    product-vs-sum| - | * |
B columns: dZ[3] = A[3] - Y
    sign or operands-swapped|A[3] - Y|Y - A[3]|
    sign| - | + |
    activation-derivative-at-wrong-place ?|A[3] - Y|(A[3] - Y) * A[3] * (1 - A[3])|
    factor-2 ?|A[3] - Y|2 * (A[3] - Y)|
    wrong-layer-index|A[3]|A[2]|
    wrong-operand ?|A[3]|Z[3]|
P columns: dZ[3] = (A[3] - Y) * A[3] * (1 - A[3])
    missing-activation-derivative ?| * A[3] * (1 - A[3])||
    factor-2 ?|= (|= 2 * (|
    sign or operands-swapped|A[3] - Y|Y - A[3]|
    activation-derivative-at-wrong-place|A[3] * (1 - A[3])|Z[3] * (1 - Z[3])|
    activation-derivative-at-wrong-place|A[3] * (1 - A[3])|sigmoid(A[3]) * (1 - sigmoid(A[3]))|
    missing-activation-derivative| * A[3] *| *|
    missing-activation-derivative or function-used-for-derivative| * (1 - A[3])||
    missing-parentheses or activation-derivative-at-wrong-place|(A[3] - Y)|A[3] - Y|
    sign|1 - A|1 + A|
    wrong-operand ?|A[3] * (1 - A[3])|(1 - A[3]**2)|
Q columns: dZ[3] = A[3] - Y
    factor-2 ?|A[3] - Y|2 * (A[3] - Y)|
    sign or operands-swapped|A[3] - Y|Y - A[3]|
    missing-square or other|A[3] - Y|(A[3] - Y)**2|
B columns: dZ[1] = W[2].T @ dZ[2] * (Z[1] > 0)
    other or sign or wrong-operand|>|<|
    missing-transpose|.T||
    missing-activation-derivative| * (Z[1] > 0)||
    function-used-for-derivative|(Z[1] > 0)|relu(Z[1])|
    function-used-for-derivative|(Z[1] > 0)|maximum(0, Z[1])|
    wrong-layer-index|Z[1] >|Z[2] >|
    wrong-operand|Z[1] >|dZ[1] >|
    wrong-layer-index|W[2]|W[1]|
S columns: J = -1/m * sum(Y * log(A[3]))
    sign|= -1|= 1|
    missing-1/m|-1/m * |-|
    other|log(A[3])|A[3]|
    operands-swapped|Y * log(A[3])|A[3] * log(Y)|
    product-vs-sum|Y * log|Y + log|
    wrong-operand|log(A[3])|log(Z[3])|
    wrong-layer-index ?|A[3]|A[2]|
    factor-2|1/m|1/(2*m)|
    missing-1/m|1/m|m|
    doubled-1/m|1/m|1/m**2|
B columns: J = -1/m * sum(Y * log(A[3]) + (1 - Y) * log(1 - A[3]))
    sign|= -1|= 1|
    sign|log(A[3]) + |log(A[3]) - |
    missing-1/m|-1/m * |-|
    wrong-operand|log(1 - A[3])|log(A[3])|
    wrong-operand|(1 - Y) *|Y *|
    operands-swapped or sign|log(1 - A[3])|log(A[3] - 1)|
    sign|log(1 - A[3])|log(1 + A[3])|
    wrong-operand|A[3]|Z[3]|
    missing-parentheses|sum(Y * log(A[3]) + (1 - Y) * log(1 - A[3]))|sum(Y * log(A[3])) + (1 - Y) * log(1 - A[3])|
    missing-parentheses|(1 - Y)|1 - Y|
Q columns: J = 1/(2*m) * sum((A[3] - Y)**2)
    factor-2 ?|1/(2*m)|1/m|
    missing-square|**2||
    missing-1/m|1/(2*m)|1/2|
    sign|= 1|= -1|
    sign| - | + |
    missing-parentheses|1/(2*m)|1/2*m|
    missing-parentheses|sum((A[3] - Y)**2)|sum(A[3] - Y)**2|
    missing-parentheses|(A[3] - Y)**2|A[3] - Y**2|
S rows: Z[2] = A[1] @ W[2] + b[2]
    operands-swapped or outer-product-order ?|A[1] @ W[2]|W[2] @ A[1]|
    wrong-layer-index|A[1]|A[2]|
    wrong-layer-index|W[2]|W[1]|
    sign|+ b|- b|
    wrong-product| @ | * |
    gradient-used-for-weight|W|dW|
    missing-transpose ?|W[2]|W[2].T|
S rows: dW[2] = 1/m * A[1].T @ dZ[2]
    missing-1/m ?|1/m * ||
    missing-transpose ?|.T||
    operands-swapped or outer-product-order or missing-transpose ?|A[1].T @ dZ[2]|dZ[2].T @ A[1]|
    operands-swapped or outer-product-order or missing-transpose ?|A[1].T @ dZ[2]|dZ[2] @ A[1].T|
    wrong-layer-index|A[1]|A[2]|
    wrong-layer-index|dZ[2]|dZ[3]|
    sign|= 1|= -1|
    factor-2|1/m|2/m|
    missing-activation-derivative or wrong-operand|dZ|dA|
S rows: db[2] = 1/m * sum(dZ[2], axis=0, keepdims=True)
    sum-axis ?|axis=0|axis=1|
    missing-sum|sum(dZ[2], axis=0, keepdims=True)|dZ[2]|
    missing-1/m ?|1/m * ||
    doubled-1/m|sum|mean|
    sum-axis ?|, axis=0, keepdims=True||
S rows: dA[1] = dZ[2] @ W[2].T
    missing-transpose ?|.T||
    operands-swapped or outer-product-order ?|dZ[2] @ W[2].T|W[2].T @ dZ[2]|
    wrong-layer-index|W[2]|W[1]|
    gradient-used-for-weight|W[2]|dW[2]|
    sign|= d|= -d|
S rows: dZ[1] = dZ[2] @ W[2].T * (1 - A[1]**2)
    missing-transpose ?|.T||
    missing-square|**2||
    activation-derivative-at-wrong-place|A[1]|Z[1]|
    missing-activation-derivative| * (1 - A[1]**2)||
    wrong-operand ?|(1 - A[1]**2)|A[1] * (1 - A[1])|
    wrong-layer-index|W[2]|W[1]|
    operands-swapped or outer-product-order ?|dZ[2] @ W[2].T|W[2].T @ dZ[2]|
    sign|1 - A|1 + A|
S one: z[2] = W[2] @ a[1] + b[2]
    wrong-layer-index|a[1]|a[2]|
    operands-swapped or outer-product-order ?|W[2] @ a[1]|a[1] @ W[2]|
    sign|+ b|- b|
    gradient-used-for-weight|W|dW|
    wrong-operand|a[1]|z[1]|
S one: dW[2] = dz[2] @ a[1].T
    missing-transpose|.T||
    operands-swapped or outer-product-order or missing-transpose|dz[2] @ a[1].T|a[1] @ dz[2].T|
    operands-swapped or outer-product-order or missing-transpose|dz[2] @ a[1].T|dz[2].T @ a[1]|
    wrong-layer-index|a[1]|a[2]|
    wrong-layer-index|dz[2]|dz[1]|
    sign|= d|= -d|
    factor-2|= d|= 2 * d|
    missing-activation-derivative or wrong-operand|dz|da|
S one: dz[1] = W[2].T @ dz[2] * (1 - a[1]**2)
    missing-transpose|.T||
    missing-square|**2||
    activation-derivative-at-wrong-place|a[1]|z[1]|
    missing-activation-derivative| * (1 - a[1]**2)||
    wrong-operand ?|(1 - a[1]**2)|a[1] * (1 - a[1])|
    wrong-layer-index|W[2]|W[1]|
    function-used-for-derivative|(1 - a[1]**2)|tanh(z[1])|
S one: dz[3] = a[3] - y
    sign or operands-swapped|a[3] - y|y - a[3]|
    activation-derivative-at-wrong-place ?|a[3] - y|(a[3] - y) * a[3] * (1 - a[3])|
    factor-2 ?|a[3] - y|2 * (a[3] - y)|
S one: db[2] = dz[2]
    wrong-operand or missing-activation-derivative|dz|da|
    wrong-layer-index|dz[2]|dz[1]|
    sign|= d|= -d|
    factor-2|= d|= 2 * d|
    wrong-operand or other|dz[2]|dz[2] * a[1]|
S one: L = -sum_k y[k] * log(a[3][k])
    sign|= -|= |
    operands-swapped|y[k] * log(a[3][k])|a[3][k] * log(y[k])|
    other|log(a[3][k])|a[3][k]|
    wrong-layer-index ?|a[3]|a[2]|
S one: da[3][i]/dz[3][j] = a[3][i] * (delta_ij - a[3][j])
    other|delta_ij|1|
    sign|- a|+ a|
    wrong-index|a[3][j])|a[3][i])|
    sign or operands-swapped|delta_ij - a[3][j]|a[3][j] - delta_ij|
S one: dz[1][i] = sum_k W[2][k,i] * dz[2][k] * (1 - a[1][i]**2)
    missing-transpose or wrong-index|W[2][k,i]|W[2][i,k]|
    missing-square|**2||
    missing-sum|sum_k ||
    wrong-index|dz[2][k]|dz[2][i]|
    wrong-index|a[1][i]|a[1][k]|
    wrong-layer-index|W[2]|W[1]|
    missing-activation-derivative| * (1 - a[1][i]**2)||
"""


@dataclass(frozen=True)
class Slip:
    """A wrong formula; `named` are the causes that may be told, `open` whether it may be meant so."""

    text: str
    named: frozenset[str]
    open: bool


@dataclass(frozen=True)
class Claim:
    """A right formula of these networks, for samples in "columns" or "rows" or for "one" sample, and slips in it."""

    networks: str
    samples: str
    text: str
    slips: tuple[Slip, ...]

    def declared(self, network: str) -> dict[str, Any]:
        """All that a document can say of it."""
        string, loss = NETWORKS[network]
        batch = "one" if self.samples == "one" else "batch"
        rows = self.samples == "rows"
        return {"network": string, "loss": loss, "samples": batch, "rows": rows, "place": "parameters"}


def claims() -> list[Claim]:
    found: list[Claim] = []
    for block in re.split(r"\n(?=\S)", TABLE.strip()):
        first, *lines = block.splitlines()
        kinds, _, right = first.partition(": ")
        networks, samples = kinds.split()
        relation = "-=" if "-=" in right else "="
        left, side = right.split(relation, 1)
        slips = []
        for line in lines:
            causes, old, new, _ = line.removeprefix("    ").split("|")
            assert old in relation + side, line
            named = frozenset(causes.removesuffix(" ?").split(" or "))
            slips.append(Slip(left + (relation + side).replace(old, new), named, causes.endswith("?")))
        found.append(Claim(networks, samples, right, tuple(slips)))
    return found


# ---- notations


def in_text(formula: str) -> str:
    return formula


def in_numpy(formula: str) -> str:
    """`dW2 = 1/m * dZ2 @ A1.T`."""
    formula = re.sub(r"\bA\[0\]", "X", formula)
    formula = re.sub(r"\b(d?[A-Za-z])\[(\d)\](?!\.prime|\()", r"\1\2", formula)
    return re.sub(r"\b(sum|mean|log|tanh|maximum)\(", r"np.\1(", formula)


_FRACTIONS = (
    (r"(\d)/\(2\*m\)", r"\\frac{\1}{2m}"),
    (r"(\d)/m\*\*2", r"\\frac{\1}{m^2}"),
    (r"(\d)/m", r"\\frac{\1}{m}"),
)
_SIGNS = (
    (r"\b(log|tanh)\(", r"\\\1("),
    (r"\bsigmoid\(", r"\\sigma("),
    (r"g\[(\d)\]\.prime\(", r"g^{[\1]\\prime}("),
    (r"([A-Za-z]+)\[(\d)\]\.T", r"\1^{[\2]T}"),
    (r"([A-Za-z]+)\[(\d)\]\*\*2", r"(\1^{[\2]})^2"),
    (r"([A-Za-z]+)\[(\d)\]", r"\1^{[\2]}"),
    (r"\*\*2", r"^2"),
    (r"(\\frac\{\d\}\{[^}]*\}|\balpha|\bm|[=-] 2) \* ", r"\1 "),
    (r" @ ", " "),
    (r" \* ", r" \\odot "),
    (r"\balpha", r"\\alpha"),
)


def in_latex(formula: str) -> str:
    r"""`dW^{[2]} = \frac{1}{m} dZ^{[2]} A^{[1]T}`."""
    for pattern, new in (*_FRACTIONS, *_SIGNS):
        formula = re.sub(pattern, new, formula)
    return formula


def notations(claim: Claim) -> tuple[Any, ...]:
    """LaTeX only where the right formula is matrices, signs and functions; there a lone juxtaposition is a product."""
    if "[i]" in claim.text or "[k]" in claim.text:
        return (in_text,)
    return (in_text, in_numpy) if re.search(r"sum|>|-=", claim.text) else (in_text, in_numpy, in_latex)


# ---- the judge


def named(found: Judgement) -> set[str]:
    return {c.cause for c in found.causes} | {c.cause for other in found.others for c in other}


def causes_shown(found: Judgement) -> list[str]:
    """What stands behind "wrong:"."""
    line = next(x for x in str(found).splitlines() if x.startswith("  wrong: "))
    return line.removeprefix("  wrong: ").split("; ")


CLAIMS = claims()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.samples} {claim.text}")
def test_a_slip_is_named_and_mended_where_the_network_is_declared(claim: Claim) -> None:
    """Every slip, each in one notation of three, in the networks in turn."""
    ways = notations(claim)
    for i, network in enumerate(claim.networks):
        found = check_formula(ways[i % len(ways)](claim.text), **claim.declared(network))
        assert found.verdict == "right", found
    for i, slip in enumerate(claim.slips):
        told = claim.declared(claim.networks[i % len(claim.networks)])
        way = ways[i % len(ways)]
        if way is in_latex and slip.named == {"wrong-product"}:
            way = in_text  # side by side they are right if they are multiplied entry by entry
        found = check_formula(way(slip.text), **told)
        assert found.verdict == "wrong", found
        assert named(found) & slip.named, found
        assert len(set(causes_shown(found))) == len(causes_shown(found)), found
        again = check_formula(found.correction, **told, mend=False)
        assert again.verdict == "right", f"{found}\n{again}"


@pytest.mark.parametrize("claim", CLAIMS[::2], ids=lambda claim: f"{claim.samples} {claim.text}")
def test_a_slip_is_named_where_nothing_is_declared(claim: Claim) -> None:
    """Every second formula, every third slip: none is right as it stands, and its mending is right or may be."""
    assert check_formula(claim.text, mend=False).verdict.startswith("right")
    for slip in claim.slips[::3]:
        found = check_formula(slip.text)
        if slip.open and found.verdict.startswith("right"):
            continue
        assert found.verdict == "wrong", found
        assert named(found) & slip.named, found
        assert check_formula(found.correction, mend=False).verdict.startswith("right"), found
