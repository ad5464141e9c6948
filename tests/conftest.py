"""Hypothesis draws the same examples on every machine, within a bound that does not depend on its speed; the processor
time of a test is its own."""

import gc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "chainrule",
    deadline=None,
    derandomize=True,
    max_examples=25,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("chainrule")


@pytest.fixture(autouse=True)
def _own_garbage() -> Iterator[None]:
    """What other tests left in memory is not looked through by the collector while this one runs."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True, scope="module")
def _collected() -> Iterator[None]:
    yield
    gc.collect()
