"""`chainrule show`: a run from its folder alone, and the computational graph with numbers that are true."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from chainrule.cli.app import app
from chainrule.errors import ConfigurationError
from chainrule.show import curves_text
from chainrule.show.flow import drawn_sample, network_flow, rounded_parameters
from chainrule.show.flow_layout import lay_out
from chainrule.show.flow_picture import flow_figure
from chainrule.tabular import Options, train_table
from chainrule.train import Model

NETWORKS = [
    "4-3:sigmoid-1:sigmoid",
    "4-3:relu-2:softmax",
    "2-8:tanh-7:relu-1",
    "3-1",
    "2-2:tanh-2:tanh-2:tanh-2:softmax",
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(args))
    assert result.exit_code == code, result.output
    return result


def numbers(lines: tuple[str, ...]) -> np.ndarray:
    return np.array([[float(x) for x in line.split()] for line in lines])


# --- the graph ---------------------------------------------------------------------------------------------------


def test_the_numbers_in_the_graph_are_those_of_the_chain_rule_by_hand() -> None:
    model = Model("2-2:sigmoid-1:sigmoid")
    rounded_parameters(model)
    model.parameters["b[1]"][...] = [[0.1], [-0.2]]
    sample = drawn_sample(model, 3)
    boxes = network_flow(model, sample, digits=10).boxes
    x, y = np.asarray(sample.X).T, np.asarray(sample.targets).T
    W1, b1, W2, b2 = (model.parameters[n] for n in ("W[1]", "b[1]", "W[2]", "b[2]"))
    a1 = 1 / (1 + np.exp(-(W1 @ x + b1)))
    a2 = 1 / (1 + np.exp(-(W2 @ a1 + b2)))
    cost = -(y * np.log(a2) + (1 - y) * np.log(1 - a2))
    for name, value in {"A[0]": x, "Z[1]": W1 @ x + b1, "A[1]": a1, "A[2]": a2, "J": cost, "Y": y}.items():
        np.testing.assert_allclose(numbers(boxes[name].value), value, atol=1e-9)

    def cost_at(name: str, i: int, j: int, step: float) -> float:
        value = model.parameters[name]
        kept, value[i, j] = value[i, j], value[i, j] + step
        found = model.cost(sample)
        value[i, j] = kept
        return found

    for name in ("W[1]", "b[1]", "W[2]", "b[2]"):
        slope = numbers(boxes[name].slope)
        for i, j in np.ndindex(slope.shape):
            difference = (cost_at(name, i, j, 1e-5) - cost_at(name, i, j, -1e-5)) / 2e-5
            assert slope[i, j] == pytest.approx(difference, abs=1e-8)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_quantity_has_its_box_and_no_two_boxes_overlap(network: str) -> None:
    model = Model(network)
    flow = network_flow(model, drawn_sample(model))
    assert {*model.parameters, *model.graph, "A[0]", "Y", "J"} == set(flow.boxes)
    assert all(flow.boxes[name].gradient for name in model.parameters)
    order = list(flow.boxes)
    assert all(order.index(a) < order.index(b) for a, b in flow.arrows)
    layout = lay_out(flow)
    assert len(layout.frames) == len(flow.boxes)
    for k, f in enumerate(layout.frames):
        assert 0 <= f.x <= f.x + f.width <= layout.width
        assert 0 <= f.y <= f.y + f.height <= layout.height
        for g in layout.frames[:k]:
            apart = f.x >= g.x + g.width or g.x >= f.x + f.width or f.y >= g.y + g.height or g.y >= f.y + f.height
            assert apart
    for arrow in layout.arrows:
        assert all(0 <= x <= layout.width and 0 <= y <= layout.height for x, y in arrow.points)


def test_large_matrices_are_cut_with_dots() -> None:
    model = Model("9-8:tanh-1")
    box = network_flow(model, drawn_sample(model)).boxes["W[1]"]
    assert len(box.value) == 7
    assert box.value[-1] == "…"
    assert all(line.endswith(" …") for line in box.value[:-1])
    assert box.shape == "8 × 9"


def test_without_numbers_there_are_shapes_in_symbols() -> None:
    boxes = network_flow(Model("4-3:relu-2:softmax")).boxes
    assert boxes["Z[1]"].shape == "3 × m"
    assert boxes["Z[1]"].formula == ("Z[1] = W[1] @ A[0] + b[1]",)
    assert boxes["Z[2]"].gradient == ("dZ[2] = A[2] - Y",)
    assert not any(box.value or box.slope for box in boxes.values())


def test_pictures_of_a_graph(place: Path) -> None:
    for name in ("g.svg", "g.html", "g.png", "g.pdf"):
        assert run("show", "4-3:sigmoid-1:sigmoid", "--numbers", "--out", name).stdout.strip().endswith(f"is in {name}")
    root = ElementTree.fromstring(Path("g.svg").read_text("utf-8"))
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "dZ[1] = dA[1] * A[1] * (1 - A[1])" in words
    assert "<svg" in Path("g.html").read_text("utf-8")
    assert Path("g.png").read_bytes().startswith(b"\x89PNG")
    assert Path("g.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(ConfigurationError, match=r"'g\.bmp': end the name in \.svg, \.html, \.png or \.pdf"):
        flow_figure(network_flow(Model("2-1")), "g.bmp")


def test_the_text_of_a_graph_goes_forward_and_back(place: Path) -> None:
    told = run("show", "2-2:tanh-1", "--numbers", "--seed", "1").stdout
    assert told.index("forward") < told.index("  A[2] = ") < told.index("backward") < told.index("  dZ[2] = ")
    assert re.search(r"dW\[1\] = .*\n +=", told)
    assert "unknown activation 'tahn': did you mean 'tanh'?" in run("show", "2-2:tahn-1", code=2).stderr
    assert "'nosuch/run' does not exist" in run("show", "nosuch/run", code=2).stderr


# --- a run -------------------------------------------------------------------------------------------------------


def test_a_run_of_classes_is_shown_from_its_folder(place: Path) -> None:
    result = train_table("iris", Options(epochs=12, hidden=(6,)), out="r")
    told = run("show", "r").stdout
    assert "target 'species' (classification)" in told
    assert f"{result.measures['test']['accuracy']:.4f}" in told
    assert "loss: · training, o validation" in told
    confusion = result.judged["test"].confusion
    assert confusion is not None
    for row in confusion.table()[1:]:
        assert re.search(r" +".join(map(re.escape, row)), told)
    assert {p.name for p in Path("r").glob("*.png")} == {"curves.png", "confusion.png"}
    run("show", "r", "--out", "pictures", "--format", "svg")
    assert {p.name for p in Path("pictures").iterdir()} == {"curves.svg", "confusion.svg"}
    assert "W[1]" in run("show", "r", "--graph").stdout


def test_residuals_need_the_data_of_the_run(place: Path) -> None:
    rows = "".join(f"{i / 7},{i % 11},{3 * i + i % 5}\n" for i in range(90))
    Path("t.csv").write_text("a,b,price\n" + rows)
    train_table("t.csv", Options(epochs=3, hidden=(4,)), out="r")
    run("show", "r")
    assert Path("r/residuals.png").exists()
    Path("t.csv").write_text("a,b,price\n" + rows.replace("3", "4"))
    assert "have changed since the run" in run("show", "r", "--out", "p").stderr
    Path("t.csv").unlink()
    assert "are no longer at" in run("show", "r", "--out", "p").stderr
    assert {p.name for p in Path("p").iterdir()} == {"curves.png"}


def test_a_run_that_has_not_ended_and_a_folder_that_is_none(place: Path) -> None:
    train_table("iris", Options(epochs=6, hidden=(4,)), out="r")
    Path("r/metrics.json").unlink()
    result = run("show", "r")
    assert "has not ended" in result.stderr
    assert "loss:" in result.stdout
    Path("empty").mkdir()
    assert "is no run" in run("show", "empty", code=2).stderr
    Path("r/metrics.json").write_text("[1")
    assert "cannot be read" in run("show", "r", code=2).stderr


def test_curves_in_signs() -> None:
    text = curves_text({"loss": [4.0, 2.0, 1.0], "val_loss": [4.0, 3.0, 2.5]}, width=40, height=7)
    rows = text.split("\n")[1:8]
    assert rows[0].endswith("│*")
    assert [row.split("│")[1].ljust(3)[2] for row in rows] == [" ", " ", " ", "o", " ", " ", "·"]
    assert rows[0].split("│")[0].strip() == "4"
    assert rows[-1].split("│")[0].strip() == "1"
    assert "logarithmic" in curves_text({"loss": [1e4, 1.0, 1e-4]})
    assert curves_text({"loss": [float("nan")]}) == "no epoch has a finite loss"
    assert max(map(len, curves_text({"loss": list(range(1, 5000))}, width=60).split("\n"))) <= 70
