"""Who may import whom: modules only from lower floors, siblings without a cycle, heavy packages only in their room."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule

ROOT = Path(chainrule.__file__).parent
FLOORS = {
    "errors": 0,
    "graph": 0,
    "ops": 1,
    "laws": 1,
    "reverse": 2,
    "notation": 2,
    "execute": 2,
    "evaluate": 2,
    "nn": 3,
    "data": 3,
    "files": 3,
    "train": 4,
    "check": 4,
    "meaning": 4,
    "judge": 4,
    "derivation": 5,
    "documents": 5,
    "estimators": 5,
    "sequential": 5,
    "tabular": 5,
    "textbook": 5,
    "show": 5,
    "cli": 6,
    "__main__": 6,
}
# Top-level package -> rooms that may import it at module level (inside a function: any room that is about it).
HEAVY = {
    "click": {"cli"},
    "rich": {"cli", "show", "train"},
    "polars": {"data"},
    "pandas": {"data"},
    "matplotlib": {"show"},
    "sklearn": {"estimators", "evaluate"},
    "scipy": set(),
}
MODULES = sorted(ROOT.rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, *, inside_functions: bool = True) -> set[str]:
    """Absolute names of the modules that a file imports; of `from a import b` both a and a.b if that is a module."""
    name = module_name(path)
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found: set[str] = set()
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            found.update(a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
            stem = base if node.level else node.module or ""
            inner = {f"{stem}.{a.name}" for a in node.names}
            modules = {m for m in inner if _is_module(m)}
            found |= modules
            if len(modules) < len(inner) or not stem.startswith("chainrule"):
                found.add(stem)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not inside_functions:
            continue
        elif isinstance(node, ast.If) and _type_checking(node):
            pending.extend(node.orelse)
            continue
        pending.extend(ast.iter_child_nodes(node))
    return found


def _type_checking(node: ast.If) -> bool:
    test = node.test
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _is_module(name: str) -> bool:
    path = ROOT.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def room(name: str) -> str:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


GRAPH = {module_name(p): {i for i in imports(p) if i.split(".")[0] == "chainrule"} for p in MODULES}


def _cycle(edges: dict[str, set[str]]) -> list[str] | None:
    """A cycle of a directed graph, or None."""
    state: dict[str, int] = {}
    path: list[str] = []

    def visit(n: str) -> list[str] | None:
        state[n] = 1
        path.append(n)
        for x in sorted(edges.get(n, ())):
            if state.get(x) == 1:
                return [*path[path.index(x) :], x]
            if x not in state and (found := visit(x)) is not None:
                return found
        path.pop()
        state[n] = 2
        return None

    for n in sorted(edges):
        if n not in state and (found := visit(n)) is not None:
            return found
    return None


def test_every_room_has_a_floor() -> None:
    rooms = {room(n) for n in GRAPH} - {"", "__main__"}
    assert rooms <= FLOORS.keys()


@pytest.mark.parametrize("name", sorted(n for n in GRAPH if room(n) in FLOORS))
def test_imports_go_down(name: str) -> None:
    floor = FLOORS[room(name)]
    for target in GRAPH[name]:
        below = room(target)
        assert below, f"{name} imports the top level of the package"
        assert below == room(name) or FLOORS[below] <= floor, f"{name} (floor {floor}) imports {target}, which is above"


def test_rooms_of_one_floor_form_no_cycle() -> None:
    edges: dict[str, set[str]] = {}
    for name, targets in GRAPH.items():
        if room(name) in FLOORS:
            edges.setdefault(room(name), set()).update(room(t) for t in targets if room(t) not in ("", room(name)))
    assert _cycle(edges) is None


def test_modules_form_no_cycle() -> None:
    # A package that gathers its own modules is not a cycle; a module that imports its own package is.
    assert _cycle(GRAPH) is None


def test_graph_builders_do_not_differentiate() -> None:
    for name, targets in GRAPH.items():
        if room(name) in ("nn", "execute"):
            assert not {t for t in targets if room(t) == "reverse"}, name
        if room(name) not in ("cli", "show"):
            assert not {t for t in targets if room(t) == "show"}, name


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_heavy_packages_stay_in_their_rooms(path: Path) -> None:
    for target in imports(path, inside_functions=False):
        package = target.split(".")[0]
        if package in HEAVY:
            assert room(module_name(path)) in HEAVY[package], f"{module_name(path)} imports {target} at module level"


def test_the_reader_of_imports_sees_what_it_should(tmp_path: Path) -> None:
    assert _cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]
    assert _cycle({"a": {"b", "c"}, "b": {"c"}}) is None
    assert "chainrule.ops" in imports(ROOT / "reverse.py")
    assert "chainrule.graph.shape" in imports(ROOT / "graph" / "node.py")
    assert "scipy.special" in imports(ROOT / "ops" / "elementary.py")
    assert "scipy.special" not in imports(ROOT / "ops" / "elementary.py", inside_functions=False)


def test_import_is_light() -> None:
    heavy = ["sklearn", "scipy", "matplotlib", "polars", "pandas", "click", "rich"]
    code = f"import sys, chainrule; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
