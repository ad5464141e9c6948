"""`chainrule bench` and what it measures."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from click.testing import CliRunner

from chainrule.cli.app import app
from chainrule.execute import native
from chainrule.nn import Network
from chainrule.train import Model, Settings
from chainrule.train.speed import operations, speeds


@pytest.mark.parametrize(
    ("network", "products"),
    [("4-3:softmax", 2 * 7 * (4 * 3 * 2)), ("784-128:relu-64:relu-10:softmax", 2 * 7 * (3 * 109184 - 784 * 128))],
)
def test_operations_are_those_of_the_products(network: str, products: int) -> None:
    # forward and weights for every layer, backward for all but the first: 2 m (3 Σ n_l n_{l-1} - n_1 n_0)
    assert operations(Model(network, labels=True, dtype=np.float32), 7) == products


@pytest.mark.parametrize("network", ["6-5:tanh-3:softmax", "6-5:relu-1:sigmoid", "6-5:relu:dropout=0.1-2"])
def test_every_executor_is_measured(network: str) -> None:
    before = dict(os.environ)
    found = speeds(Network.parse(network), Settings(batch_size=8), seconds=0.2)
    assert dict(os.environ) == before
    names = [s.executor for s in found]
    assert names[-1] == "reference"
    assert ("native" in names) == native.available()
    for s in found:
        assert 1e-7 < s.seconds < 1
        assert s.samples == pytest.approx(8 / s.seconds)
        assert s.gflops > 0


def test_the_command_prints_a_table_or_json() -> None:
    runner = CliRunner()
    plain = runner.invoke(app, ["bench", "6-5:tanh-3:softmax", "--batch-size", "8", "--seconds", "0.1"])
    assert plain.exit_code == 0
    assert plain.output.startswith("6-5:tanh-3:softmax, batch 8, adam, float32\n")
    assert "reference" in plain.output
    assert "1.00 ×" in plain.output
    facts = json.loads(runner.invoke(app, ["bench", "6-5:tanh-3:softmax", "--seconds", "0.1", "--json"]).output)
    assert facts["batch_size"] == 128
    assert {s["executor"] for s in facts["speeds"]} >= {"reference"}
    wrong = runner.invoke(app, ["bench", "6-5:tanh-x"])
    assert wrong.exit_code == 2
    assert "'x' does not begin with a width" in wrong.output
