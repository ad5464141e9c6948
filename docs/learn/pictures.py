"""The pictures of the learner's path, drawn from numbers that chainrule computes: `python docs/learn/pictures.py`.

Forward values are blue and stand above, derivatives are red and stand below. The files are committed; a test draws
them again and compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as cr

Array = npt.NDArray[np.float64]

HERE = Path(__file__).parent / "pictures"
INK, GREY, FORWARD, BACKWARD = "#222222", "#8a8a8a", "#1558b0", "#b3261e"


def number(value: float) -> str:
    """Four significant decimals at most, with a true minus sign."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return ("0" if text in ("-0", "") else text).replace("-", "−")


def text(x: float, y: float, words: str, *, size: int = 15, color: str = INK, anchor: str = "middle") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{color}" text-anchor="{anchor}">{escape(words)}</text>\n'
    )


def arrow(x1: float, y1: float, x2: float, y2: float, color: str = INK) -> str:
    mark = {INK: "ink", FORWARD: "forward", BACKWARD: "backward"}[color]
    return (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{color}" stroke-width="1.5" '
        f'marker-end="url(#{mark})"/>\n'
    )


def box(x: float, y: float, width: float, height: float, *, fill: str = "#ffffff", stroke: str = INK) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" fill="{fill}" stroke="{stroke}"/>\n'


def picture(width: int, height: int, title: str, body: str) -> str:
    marks = "".join(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{color}"/></marker>\n'
        for name, color in (("ink", INK), ("forward", FORWARD), ("backward", BACKWARD))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="Helvetica, Arial, sans-serif" role="img">\n'
        f"<title>{escape(title)}</title>\n<defs>\n{marks}</defs>\n"
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n{body}</svg>\n'
    )


def network(units: Sequence[int], weights: Sequence[Any], biases: Sequence[Any]) -> cr.MLP:
    """A sigmoid network with these parameters."""
    mlp = cr.MLP(units, activations=["sigmoid"] * (len(units) - 1), loss="binary_cross_entropy")
    for layer, W, b in zip(mlp.layers, weights, biases, strict=True):
        layer.weights[...] = W
        layer.bias[...] = np.reshape(b, (-1, 1))
    return mlp


def passes(mlp: cr.MLP, x: Any, y: Any) -> list[Array]:
    """Forward and backward for one sample: [dL/dx, dL/da[1], …, dL/da[L]]. The layers keep what lies between."""
    x, y = np.reshape(x, (-1, 1)).astype(float), np.reshape(y, (-1, 1)).astype(float)
    found = [np.asarray(mlp.cost_function.compute_derivative(y, mlp.propagate(x)))]
    for layer in reversed(mlp.layers):
        found.insert(0, np.asarray(layer.backpropagate(found[0])))
    return found


def matrix(x: float, y: float, values: Any, color: str, label: str = "") -> str:
    """A matrix about (x, y), with brackets if it has more than one entry, behind `label =`."""
    entries = np.atleast_2d(np.asarray(values, dtype=float))
    lines, cell = entries.shape
    wide = 8 * max(len(number(v)) for v in entries.flat) + 8
    left, half = x - wide * cell / 2, 10 * lines
    drawn = ""
    if label:
        left += 22
        drawn += text(left - 8, y + 5, f"{label} =", size=14, color=color, anchor="end")
    for (i, j), v in np.ndenumerate(entries):
        drawn += text(left + wide * (j + 0.5), y - half + 20 * i + 15, number(v), color=color, size=14)
    if entries.size > 1:
        for side, inward in ((left - 2, 5), (left + wide * cell + 2, -5)):
            drawn += (
                f'<path d="M{side + inward:g} {y - half:g} H{side:g} V{y + half:g} H{side + inward:g}" fill="none" '
                f'stroke="{color}"/>\n'
            )
    return drawn


def chain(mlp: cr.MLP, x: Any, y: Any, title: str) -> str:
    """The computational graph of one sample: values above, derivatives below, the parameters beneath their layer."""
    dx, *errors = passes(mlp, x, y)
    gradients = mlp.gradients()
    single = len(mlp.layers) == 1
    stations: list[tuple[str, Any, Any]] = [("x", np.reshape(x, (-1, 1)), dx)]
    for i, (layer, error) in enumerate(zip(mlp.layers, errors, strict=True), 1):
        k = "" if single else f"[{i}]"
        stations += [(f"z{k}", layer.logits, layer.grad_logits), (f"a{k}", layer.activations, error)]
    stations.append(("L", mlp.cost(np.reshape(x, (-1, 1)), np.reshape(y, (-1, 1))), None))
    tall = max(layer.weights.shape[0] for layer in mlp.layers)
    step, first, top = (130, 70, 110) if single else (172, 80, 122)
    body = text(20, 28, "forward, values", color=FORWARD, anchor="start", size=13)
    body += text(20, 46, "backward, derivatives of the loss L", color=BACKWARD, anchor="start", size=13)
    for i, (name, value, slope) in enumerate(stations):
        middle = first + i * step
        body += box(middle - 32, top, 64, 44) + text(middle, top + 28, name, size=18)
        body += matrix(middle, top - 8 - 10 * tall, value, FORWARD)
        if slope is not None:
            body += text(middle, top + 62, f"d{name}", size=13, color=GREY)
            body += matrix(middle, top + 74 + 10 * tall, slope, BACKWARD)
        if i:
            body += arrow(middle - step + 34, top + 14, middle - 34, top + 14, FORWARD)
            body += arrow(middle - 34, top + 32, middle - step + 34, top + 32, BACKWARD)
        if name[0] == "z":
            k = name[1:]
            layer, number_of = mlp.layers[(i - 1) // 2], (i - 1) // 2 + 1
            at = top + 108 + 30 * tall
            for letter, values in (("W", layer.weights), ("b", layer.bias)):
                shown = letter.lower() if single else letter
                body += matrix(middle, at, values, FORWARD, f"{shown}{k}")
                at += 8 + 20 * tall
                body += matrix(middle, at, gradients[f"d{letter}[{number_of}]"], BACKWARD, f"d{shown}{k}")
                at += 22 + 20 * tall
    return picture(2 * first + (len(stations) - 1) * step, top + 168 + 100 * tall, title, body)


def outer_product() -> str:
    """dW[1] = dz[1] a[0]ᵀ of the layer in chapter 2: every cell is its row's number times its column's."""
    mlp = network([3, 2], [[[1, -1, -0.5], [1, 0.5, -1]]], [[-1, -1]])
    x = np.array([1, -1, -0.5])
    passes(mlp, x, [1, 0])
    dz, dW = np.ravel(np.asarray(mlp.layers[0].grad_logits)), mlp.gradients()["dW[1]"]
    body = text(70, 118, "dz[1]", color=GREY) + text(330, 34, "a[0]ᵀ", color=GREY)
    for j, a in enumerate(x):
        body += box(150 + 120 * j, 48, 110, 40) + text(205 + 120 * j, 74, number(a), color=FORWARD)
    for i, error in enumerate(dz):
        body += box(20, 130 + 50 * i, 110, 40) + text(75, 156 + 50 * i, number(error), color=BACKWARD)
        for j in range(len(x)):
            fill = "#fbe9e7" if dW[i, j] < 0 else "#e8f0fb"
            body += box(150 + 120 * j, 130 + 50 * i, 110, 40, fill=fill)
            body += text(205 + 120 * j, 156 + 50 * i, number(dW[i, j]))
    body += text(330, 252, "dW[1] = dz[1] a[0]ᵀ: one row for each unit, one column for each input", size=13)
    return picture(530, 270, "The gradient of a weight matrix is an outer product", body)


def softmax_bars() -> str:
    """ŷ, y and ŷ − y of one sample: the error is what must be taken away and what must be added."""
    mlp, y = cr.MLP([2, 3], activations=["softmax"]), np.array([0.0, 0.0, 1.0])
    mlp.layers[0].weights[...] = [[1, 0], [0, 1], [0, 0]]
    passes(mlp, [1, 2], y)
    yhat, error = (np.ravel(np.asarray(v)) for v in (mlp.layers[0].activations, mlp.layers[0].grad_logits))
    body = ""
    for k, (name, values, color) in enumerate((("ŷ", yhat, FORWARD), ("y", y, INK), ("dz = ŷ − y", error, BACKWARD))):
        left, base = 40 + 210 * k, 150
        body += f'<line x1="{left}" y1="{base}" x2="{left + 170}" y2="{base}" stroke="{GREY}"/>\n'
        body += text(left + 85, 300, name, color=color, size=17)
        for i, v in enumerate(values):
            x, height = left + 10 + 55 * i, 110 * abs(float(v))
            top = base - height if v >= 0 else base
            body += f'<rect x="{x}" y="{top:.2f}" width="40" height="{height:.2f}" fill="{color}" opacity="0.75"/>\n'
            body += text(x + 20, top - 6 if v >= 0 else top + height + 16, number(v), size=12)
    return picture(640, 320, "Soft-max output, target, and their difference, which is the error dz", body)


def overfitting() -> str:
    """Cost on the training and on the validation samples of chapter 5, over the steps of gradient descent."""
    learned = trained()
    left, right, top, bottom, most = 70, 560, 30, 260, 1.0
    last = np.log10(learned[-1][0])

    def at(step: int, cost: float) -> str:
        along, up = np.log10(step) / last, min(cost, most) / most
        return f"{left + (right - left) * along:.1f},{bottom - (bottom - top) * up:.1f}"

    body = ""
    for cost in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = bottom - (bottom - top) * cost / most
        body += f'<line x1="{left}" y1="{y:g}" x2="{right}" y2="{y:g}" stroke="#e4e4e4"/>\n'
        body += text(left - 10, y + 5, number(cost), size=13, anchor="end")
    for step in (1, 10, 100, 1000):
        body += text(left + (right - left) * np.log10(step) / last, bottom + 22, str(step), size=13)
    for k, (name, color) in enumerate((("training", FORWARD), ("validation", BACKWARD)), 1):
        points = " ".join(at(int(row[0]), row[k]) for row in learned)
        body += f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>\n'
        body += text(left + 20, top + 8 + 20 * k, f"J, {name}", color=color, size=14, anchor="start")
    best = min(learned, key=lambda row: row[2])
    x, height = at(int(best[0]), best[2]).split(",")
    body += f'<circle cx="{x}" cy="{height}" r="5" fill="none" stroke="{INK}" stroke-width="1.5"/>\n'
    body += f'<line x1="{x}" y1="{height}" x2="{x}" y2="{bottom}" stroke="{GREY}" stroke-dasharray="4 4"/>\n'
    words = f"validation is least, {number(round(best[2], 3))}, at step {int(best[0])}"
    body += text(float(x) - 8, bottom - 20, words, size=13, anchor="end")
    body += text((left + right) / 2, bottom + 46, "steps of gradient descent", size=13)
    return picture(590, 320, "Over-fitting: the cost of training falls, the cost of validation rises again", body)


def trained() -> list[tuple[int, float, float]]:
    """(step, J of training, J of validation) of the loop that chapter 5 prints."""
    rng = np.random.default_rng(3)

    def draw(m: int) -> tuple[Array, Array]:
        X = rng.normal(size=(2, m))
        flipped = rng.random(m) < 0.1
        return X, ((X[:1] * X[1:] > 0) ^ flipped).astype(float)

    (X, Y), (Xv, Yv) = draw(80), draw(200)
    mlp = cr.MLP([2, 20, 1], activations=["tanh", "sigmoid"], seed=0)
    found = []
    for step in range(1, 1001):
        mlp.backpropagate(mlp.cost_function.compute_derivative(Y, mlp.propagate(X)))
        mlp.update_params(1.0)
        if step < 20 or step % 10 == 0:
            found.append((step, mlp.cost(X, Y), mlp.cost(Xv, Yv)))
    return found


def every() -> dict[str, str]:
    """File name to picture."""
    neuron = network([1, 1], [[[0.5]]], [[-1]])
    deep = network([2, 2, 1], [[[0.5, 0.5], [1, -1]], [[1, -2]]], [[0, -1], [0.5]])
    return {
        "neuron.svg": chain(neuron, [2], [1], "One neuron: numbers forward and derivatives back"),
        "outer_product.svg": outer_product(),
        "two_layers.svg": chain(deep, [1, -1], [1], "Two layers: numbers forward and derivatives back"),
        "softmax.svg": softmax_bars(),
        "overfitting.svg": overfitting(),
    }


if __name__ == "__main__":
    for name, drawn in every().items():
        (HERE / name).write_text(drawn, encoding="utf-8")
