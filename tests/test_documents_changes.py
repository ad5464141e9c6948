"""Programs that change values in place: what a name stands for is what all statements up to its next use make of it."""

from __future__ import annotations

import pytest

from chainrule.documents.changes import Values
from chainrule.documents.code import of_code
from chainrule.documents.judged import judge_document

FORWARD = """h = np.maximum(0, X @ W1 + b1)
scores = h @ W2
scores += b2
e = np.exp(scores)
P = e / e.sum(axis=1, keepdims=True)
loss = -np.log(P[range(N), y]).mean()
"""
OUTPUT = "dscores = P.copy()\ndscores[range(N), y] -= 1\ndscores /= N\ndW2 = h.T @ dscores\n"
HIDDEN = "dh = dscores @ W2.T\n{}\ndW1 = X.T @ dh\ndb1 = dh.sum(axis=0)\n"


def judged(program: str) -> dict[str, tuple[str, str]]:
    """The lines of a program with verdict and cause."""
    report = judge_document(program, "net.py", seconds=0.2)
    return {
        e.found.text: (e.verdict, e.judgement.cause if e.judgement is not None else "")
        for e in report.entries
        if e.judgement is not None
    }


@pytest.mark.parametrize(
    ("block", "whole"),
    [
        ("d = P.copy()\nd[np.arange(n), y] -= 1\nd /= n\nW = d", "d = (P - Y) / n"),
        ("d = P.clone()\nd[y, range(n)] = d[y, range(n)] - 1\nW = d", "d = P - Y"),
        ("d = P - Y\nd *= mask\nW = d", "d = (P - Y) * mask"),
        ("dh = d @ W.T\ndh[z <= 0] = 0\nW = dh", "dh = d @ W.T * (z > 0)"),
        ("dh = d @ W.T\ndh[z < 0] *= 0.01\nW = dh", "dh = np.where(z < 0, d @ W.T * 0.01, d @ W.T)"),
        ("dh = d @ W.T\ndh[~k] = 0\nW = dh", ""),  # whatever k is
        ("off = z <= 0\ndh = d @ W.T\ndh[off] = 0\nW = dh", "dh = d @ W.T * (z > 0)"),
        ("on = z > 0\ndh = d @ W.T\ndh[~on] = 0\nW = dh", "dh = d @ W.T * (z > 0)"),
        ("z = X @ W\nz += b\nz[z < 0] = 0\nW = z", "z = np.maximum(X @ W + b, 0)"),
        ("dW = X.T @ d\ndW = dW + reg * W\nW = dW", "dW = X.T @ d + reg * W"),
        ("g = X.T @ d\ng.mul_(r)\nW = g", "g = X.T @ d * r"),
        ("dW = np.zeros_like(W)\ndW += X.T @ d\nW = dW", ""),  # a sum over the turns of a loop
    ],
)
def test_what_a_name_stands_for_before_it_is_used(block: str, whole: str) -> None:
    changed = [f.then[-1].formula for f in of_code(block, 1) if f.then]
    assert changed == ([whole] if whole else [])


def test_a_change_inside_of_a_loop_is_done_often() -> None:
    assert not any(f.then for f in of_code("d = P - Y\nfor i in range(3):\n    d /= 2\nW = d", 1))


@pytest.mark.parametrize(
    "change", ["dh[h <= 0] = 0", "dh *= (h > 0)", "dh = dh * (h > 0)", "dh = np.where(h > 0, dh, 0)"]
)
def test_a_gradient_that_passes_its_activation_in_place_is_right(change: str) -> None:
    found = judged(FORWARD + OUTPUT + HIDDEN.format(change))
    assert {v for v, _ in found.values()} == {"right"}
    assert "dW1 = X.T @ dh" in found
    assert "db1 = dh.sum(axis=0)" in found


@pytest.mark.parametrize(
    ("right", "wrong", "line", "cause"),
    [
        ("dh[h <= 0] = 0", "dh[h > 0] = 0", "dh[h > 0] = 0", "sign"),
        ("-= 1", "+= 1", "dscores[range(N), y] += 1", "sign"),
        ("dh = dscores @ W2.T", "dh = dscores @ W2", "dh = dscores @ W2", "missing-transpose"),
        ("dh[h <= 0] = 0\n", "", "dW1 = X.T @ dh", "missing-activation-derivative"),
        ("@ dh\n", "@ dh\ndW1 += 0.1 * W2\n", "dW1 += 0.1 * W2", ""),
    ],
)
def test_the_line_in_which_a_chain_goes_wrong_is_named(right: str, wrong: str, line: str, cause: str) -> None:
    program = FORWARD + OUTPUT + HIDDEN.format("dh[h <= 0] = 0")
    assert right in program
    found = judged(program.replace(right, wrong))
    assert found[line][0] == "wrong"
    assert not cause or found[line][1] == cause


def test_lines_of_a_text_are_a_program_too() -> None:
    header = (
        '# chainrule:\n# network = "3-4:tanh-2:softmax"\n# loss = "cross_entropy"\n# samples = "rows"\n'
        '# letters = {scores = "Z[2]", probs = "A[2]"}\n# place = "dZ"\n\n'
    )
    report = judge_document(header + "dscores = probs - Y\ndscores /= m\n", "notes.txt", seconds=0.2)
    assert [e.verdict for e in report.entries] == ["right", "no statement"]
    report = judge_document(header + "dscores = probs - Y\n", "notes.txt", seconds=0.2)
    assert [e.verdict for e in report.entries] == ["wrong"]


def test_deep_statements_are_left_to_the_reader() -> None:
    """A walk over them would end in an error of Python's."""
    for text in (
        "A1 = " + "-" * 500 + "Z1",
        "A1 = " + "(" * 150 + "Z1" + ")" * 150,
        "x = " + "f(" * 150 + "z" + ")" * 150,
    ):
        assert Values().after(text, 0) is None
        judge_document(f"```python\n{text}\n```\n", "deep.md")
        judge_document(text, "deep.txt")
