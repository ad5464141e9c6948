"""Every single edit of right formulas: what became wrong by numbers is called wrong, and the edit is named."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import Literal

import pytest

from chainrule.judge.judge import check_formula
from chainrule.judge.mutations import Edit, edits
from chainrule.judge.regroup import flat, grouped, regroupings
from chainrule.judge.verdict import Declared
from chainrule.notation.formula import Equation, symbols
from chainrule.notation.read import read
from chainrule.notation.write import exact

NETWORK, LOSS = "3-5:tanh-4:sigmoid-2:softmax", "cross_entropy"
DECLARED = Declared(
    "", NETWORK, LOSS, place="parameters", rows=False, conventions={"transposed_weights": False, "zero_bias": False}
)
TEXTBOOK = (
    "Z[l] = W[l] @ A[l-1] + b[l]",
    "A[l] = g[l](Z[l])",
    "dW[l] = 1/m * dZ[l] @ A[l-1].T",
    "db[l] = 1/m * sum(dZ[l], axis=1, keepdims=True)",
    "dA[l-1] = W[l].T @ dZ[l]",
    "dZ[l] = (W[l+1].T @ dZ[l+1]) * g[l].prime(Z[l])",
    "dZ[L] = A[L] - Y",
    "W[l] = W[l] - alpha * dW[l]",
    "dz[l][i] = sum_k dz[l+1][k]*W[l+1][k,i]*g[l].prime(z[l][i])",
    "dz[l] = (W[l+1].T @ dz[l+1]) * g[l].prime(z[l])",
)
STEP = 7  # every seventh is tried here
# An edit is named for what it mends; as a mistake it is the opposite.
OPPOSITE = {
    "missing-1/m": {"doubled-1/m"},
    "doubled-1/m": {"missing-1/m"},
    "derivative-used-for-function": {"function-used-for-derivative"},
    "function-used-for-derivative": {"derivative-used-for-function"},
    "missing-activation-derivative": {"activation-derivative-at-wrong-place"},
    "activation-derivative-at-wrong-place": {"missing-activation-derivative", "activation-derivative-at-wrong-place"},
    "missing-sum": {"superfluous-sum"},
    "superfluous-sum": {"missing-sum"},
    "undefined-symbol": {"undefined-symbol", "wrong-operand"},
}


def parsed(text: str) -> Equation:
    return read(text)[0].equation


def single_mistakes() -> list[tuple[str, Edit]]:
    """Edits of size 1 of the textbook formulas, as mistakes."""
    return [(text, edit) for text in TEXTBOOK for edit in edits(parsed(text)) if edit.size <= 1]


@pytest.mark.parametrize("text", TEXTBOOK)
def test_a_written_formula_is_read_back(text: str) -> None:
    """The correction that the judge prints means what the judge found."""
    tree = parsed(text)
    assert parsed(exact(tree)) == tree
    for edit in islice(edits(tree), 0, None, 3):
        assert parsed(exact(edit.tree)) == edit.tree, exact(edit.tree)


@pytest.mark.parametrize("text", TEXTBOOK)
def test_a_line_and_its_tree_agree(text: str) -> None:
    """Taking a tree for a line and back loses nothing, and regrouping keeps the operands."""
    right = parsed(text).sides[1]
    assert grouped(flat(right)) == right
    letters = Counter(x.name for x in symbols(right))
    for other in regroupings(right):
        assert Counter(x.name for x in symbols(other)) == letters


def test_every_mistake_is_found() -> None:
    """At least 99 % of single mistakes are called wrong, and at least 90 % by their name, alone or among ties."""
    total: Counter[str] = Counter()
    called: Counter[str] = Counter()
    named: Counter[str] = Counter()
    wrong_names: list[str] = []
    right: set[str] = set()
    for text, edit in islice(single_mistakes(), 0, None, STEP):
        mistaken = exact(edit.tree)
        samples = _samples(text)
        judged = check_formula(mistaken, readings=[replace(DECLARED, samples=samples)], seconds=0.5)
        expected = OPPOSITE.get(edit.cause, {edit.cause})
        if judged.verdict == "right" or judged.condition == "l = L":
            right.add(mistaken)
            continue
        cause = min(expected)
        total[cause] += 1
        called[cause] += judged.verdict == "wrong"
        found = {judged.cause, *(f.cause for other in judged.others for f in other)}
        named[cause] += bool(found & expected)
        if judged.verdict != "wrong" or not found & expected:
            wrong_names.append(f"{mistaken}: {judged.verdict} {judged.condition} {sorted(found)}, not {cause}")
    table = "\n".join(f"{c:40} {total[c]:4} {called[c]:4} {named[c]:4}" for c in sorted(total))
    summary = f"{'cause':40} all wrong named\n{table}\n" + "\n".join(wrong_names)
    print(summary)
    assert called.total() >= 0.99 * total.total(), summary
    assert named.total() >= 0.90 * total.total(), summary


def _samples(text: str) -> Literal["one", "batch"]:
    return "one" if "dz" in text else "batch"
