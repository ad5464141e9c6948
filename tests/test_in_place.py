"""Training data are read where they lie: any memory order, either float type, mapped files; nothing is copied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.execute import native
from chainrule.train import Model, Settings, fit

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 7)).astype(np.float32)
Y = RNG.integers(0, 3, 300)
FORMS: dict[str, Any] = {
    "columns contiguous": np.asfortranarray,
    "float64": lambda X: X.astype(np.float64),
    "float64, columns contiguous": lambda X: np.asfortranarray(X.astype(np.float64)),
    "backwards": lambda X: np.ascontiguousarray(X[::-1])[::-1],
    "every second column": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
}


def trained(X: Any) -> Model:
    model = Model("7-8:relu-3:softmax", labels=True, dtype=np.float32)
    samples = model.samples(X, Y)
    assert np.shares_memory(samples.X, X)
    fit(model, samples, samples, Settings(epochs=3))
    return model


@pytest.fixture(params=["native", "reference"])
def executor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "native" and not native.available():
        pytest.skip("the native executor was not built")
    monkeypatch.setenv("CHAINRULE_EXECUTOR", request.param)
    return str(request.param)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_bits_of_the_plain_array(form: str, executor: str) -> None:
    assert trained(FORMS[form](X)).theta.tobytes() == trained(X).theta.tobytes()


def test_a_mapped_file_is_read_in_place(tmp_path: Path, executor: str) -> None:
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert trained(mapped).theta.tobytes() == trained(X).theta.tobytes()
