"""The package's few public names."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import chainrule


def test_every_public_name_is_there_and_there_are_few() -> None:
    assert len(chainrule.__all__) <= 25
    for name in chainrule.__all__:
        assert getattr(chainrule, name) is not None
    assert set(chainrule.__all__) <= set(dir(chainrule))


def test_no_name_is_taken_over_by_a_module_once_that_is_imported() -> None:
    for module in pkgutil.iter_modules(chainrule.__path__):
        if module.name != "__main__":
            importlib.import_module(f"chainrule.{module.name}")
    for name in chainrule.__all__:
        assert name == "ops" or not isinstance(getattr(chainrule, name), ModuleType)
