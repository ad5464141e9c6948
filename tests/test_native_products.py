"""Matrix products of the native executor: every shape of tile, every way an operand can lie, always the same bits."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from test_native import DTYPES, FUSED, KINDS, with_set

from chainrule.execute import native, plan
from chainrule.graph import Node, variable

pytestmark = pytest.mark.skipif(not native.available(), reason="the native executor was not built")

# Around the widths of tiles (vectors of 2 to 16, three of them; 4 or 8 columns), of the cut of the inner size (192 or
# 384), of blocks of rows and columns, and of pages of memory.
ROWS = [1, 2, 7, 15, 16, 17, 31, 47, 48, 49, 95, 97, 145, 333]
COLUMNS = [1, 2, 3, 4, 5, 7, 8, 9, 12, 17, 31]
INNER = [1, 2, 15, 16, 17, 63, 191, 193, 385, 800]
WAYS = list(itertools.product([False, True], repeat=2))  # transposed, each
LARGE = [
    (1024, 9, 33),
    (37, 2055, 20),
    (700, 100, 400),
    (64, 1024, 1024),
    (10, 1024, 256),
    (1, 600, 500),
    (600, 1, 500),
]


def product(m: int, n: int, k: int, ta: bool, tb: bool) -> Node:
    a = variable("A", k, m) if ta else variable("A", m, k)
    b = variable("B", n, k) if tb else variable("B", k, n)
    return (a.T if ta else a) @ (b.T if tb else b)


def numbers(m: int, n: int, k: int, ta: bool, tb: bool, dtype: Any) -> dict[str, Any]:
    rng = np.random.default_rng(1000 * m + 100 * n + k)
    a, b = rng.normal(size=(k, m) if ta else (m, k)), rng.normal(size=(n, k) if tb else (k, n))
    return {"A": np.asfortranarray(a, dtype), "B": np.asfortranarray(b, dtype)}


def compute(node: Node, values: dict[str, Any], dtype: Any, threads: int = 1) -> Any:
    bound = KINDS["native"](plan({"C": node}, inputs=("A", "B")), {}, dtype, {})
    if threads > 1:
        bound.share(native.pool(threads))  # type: ignore[attr-defined]
    bound.call(values["A"].T, values["B"].T)
    return np.array(bound.results["C"])


def shapes() -> list[tuple[int, int, int]]:
    """Every row count with some columns and inner sizes, and so for the others."""
    found = set(LARGE)
    for i, m in enumerate(ROWS):
        found |= {(m, n, INNER[(i + j) % len(INNER)]) for j, n in enumerate(COLUMNS)}
    for i, k in enumerate(INNER):
        found |= {(m, COLUMNS[(i + j) % len(COLUMNS)], k) for j, m in enumerate(ROWS)}
    return sorted(found)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("ta", "tb"), WAYS)
def test_products_are_right_to_the_last_digits(ta: bool, tb: bool, dtype: Any) -> None:
    """|C - AB| <= k ε |A||B|, the bound for any order of summation (Higham 2002, 3.13), against longer numbers."""
    exact = np.float64 if dtype == np.float32 else np.longdouble
    for m, n, k in shapes():
        if exact == np.longdouble and m * n * k > 2e6:  # slow there
            continue
        values = numbers(m, n, k, ta, tb, dtype)
        a, b = (
            (values["A"].T if ta else values["A"]).astype(exact),
            (values["B"].T if tb else values["B"]).astype(exact),
        )
        got = compute(product(m, n, k, ta, tb), values, dtype)
        bound = k * np.finfo(dtype).eps * (np.abs(a) @ np.abs(b))
        assert (np.abs(got - a @ b) <= bound).all(), (m, n, k)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("ta", "tb"), WAYS)
def test_neither_threads_nor_vectors_change_a_bit(
    ta: bool, tb: bool, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = [(128, 128, 784), (20, 30, 2000), (1, 300, 5000), (33, 17, 2305), (333, 130, 2700)]  # cut along k too
    for m, n, k in [(10, 3000, 60), (333, 130, 77), (48, 512, 400), (1024, 40, 385), (95, 900, 33), *long]:
        node, values = product(m, n, k, ta, tb), numbers(m, n, k, ta, tb, dtype)
        wanted = compute(node, values, dtype).tobytes()
        for threads in (2, 3, 5):
            assert compute(node, values, dtype, threads).tobytes() == wanted, (m, n, k, threads)
        for name in FUSED[1:]:
            with monkeypatch.context() as patch:
                with_set(patch, name)
                assert compute(node, values, dtype).tobytes() == wanted, (m, n, k, name)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_entry_does_not_depend_on_the_rest_of_the_product(dtype: Any) -> None:
    """Each entry is the sum over k in order: a part of C computed alone has the same bits."""
    values = numbers(200, 90, 450, False, False, dtype)
    whole = compute(product(200, 90, 450, False, False), values, dtype)
    for rows, columns in [((0, 31), (0, 90)), ((100, 163), (40, 57)), ((199, 200), (3, 8)), ((0, 200), (89, 90))]:
        part = {
            "A": np.asfortranarray(values["A"][slice(*rows)]),
            "B": np.asfortranarray(values["B"][:, slice(*columns)]),
        }
        m, n = rows[1] - rows[0], columns[1] - columns[0]
        assert (
            compute(product(m, n, 450, False, False), part, dtype).tobytes()
            == whole[slice(*rows), slice(*columns)].tobytes()
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_that_are_not_finite_stay_where_they_belong(dtype: Any) -> None:
    """NaN and infinity reach the entries of their row or column and no other, in tiles that are padded too."""
    for m, n, k in [(17, 9, 20), (50, 13, 400), (130, 40, 30)]:
        values = numbers(m, n, k, False, False, dtype)
        values["A"][m - 1, k - 1], values["A"][0, 0] = np.nan, np.inf
        got = compute(product(m, n, k, False, False), values, dtype)
        assert np.isnan(got[m - 1]).all()
        assert np.isinf(got[0]).all()
        assert np.isfinite(got[1 : m - 1]).all()
