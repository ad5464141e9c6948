"""The numbers of a derivation: the user's own from a file, the rest a small sample drawn by a seed."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import ConfigurationError, DataError, ShapeError, unknown_name
from ..execute import evaluate
from ..graph import Node, Shape, variable, variables
from ..graph.shape import bind
from ..notation.from_graph import symbol
from ..notation.style import Style
from . import numbers
from .document import Line, Section
from .general import slope
from .pages.scripts import plain_line
from .programs.named import Named, named
from .programs.spelling import letters
from .reasons import of_penalties
from .sections import document
from .settings import Numbers
from .written import slope_name

if TYPE_CHECKING:
    from .derive import Derivation
    from .subject import Subject

Array = npt.NDArray[Any]
SAMPLES = 3  # of a drawn sample
ALPHA = 0.1  # the learning rate where none is given
_SIZE = 2  # of what an expression leaves open
_RETRIES = 20


def with_numbers(
    derivation: Derivation,
    given: str | Path | Mapping[str, Any] | None = None,
    *,
    digits: int = 4,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Section:
    """The lines of a derivation with numbers put in.

    given    the user's own numbers: arrays by name ("W[1]" or "W1", "X", "Y", "alpha"), a text such as
             "x=2, W1=[[0.5, -1]]", an NPZ file of such arrays, a CSV file (one row per sample: features, then targets),
             or a trained run whose weights are taken; None: nothing
    digits   decimals that are printed
    samples  number of samples that are drawn where none are given; seed: of the draw

    What is not given is drawn with one decimal; the learning rate α is 0.1. Raises `DataError` or `ShapeError` for
    numbers that do not fit, `DerivationError` for matrices that nobody follows by hand.
    """
    subject = derivation.subject
    if subject is None:
        raise ConfigurationError("this derivation was not made by derive(network, …) or derive(expression): use that")
    if not 0 <= digits <= 12:
        raise ConfigurationError(f"digits {digits}: give a number of decimals from 0 to 12")
    found = named(subject, masks=False)
    table = {**found.forward, found.cost[0]: found.cost[1], **found.early, **found.backward}
    needed = variables(*table.values(), *([] if subject.given is None else [subject.given]))
    known = {**needed, "alpha": variable("alpha", 1, 1)} if subject.kind == "network" else needed
    own = _given(given, known, subject)
    rest = {n: v for n, v in own.items() if n in needed}
    factors = {n: np.array([[x]]) for n, x in subject.penalties.rates.items() if n not in rest}
    drawn = _complete({**rest, **factors}, needed, table, subject, samples, seed)
    values = _valued(table, {**drawn, **factors, **own}, found, subject, needed)
    lines = [x for x in _lines(subject, derivation.layer) if _is_computable(x)]
    made = numbers.section(lines, values, digits=digits)
    style = subject.conventions.writing()
    theirs = [_said(n, style) for n in sorted(own, key=_in_order)]
    ours = [_said(n, style) for n in sorted(drawn, key=_in_order) if n != "pi" and needed[n].get("kind") != "counter"]
    rate = f" The learning rate α is {ALPHA}." if "alpha" in known and "alpha" not in own else ""
    rate += f" {of_penalties(subject)}." if factors else ""
    return replace(made, prose=f"{_origin(theirs, ours, seed)}{rate} {made.prose}", setting=Numbers(values, digits))


def _in_order(name: str) -> tuple[int, str, str]:
    """The data, then the parameters layer by layer."""
    stem, _, inside = name.partition("[")
    if letters(name) in _DATA:
        return 0, "", letters(name)
    return 1, inside, {"W": "", "b": " "}.get(stem, stem)


def _said(name: str, style: Style) -> str:
    """X for A[0]; all others in the style's letters."""
    return letters(name) if letters(name) in _DATA else plain_line(symbol(name), style)


_DATA = ("X", "x", "Y", "y", "w")


def _origin(theirs: Sequence[str], ours: Sequence[str], seed: int) -> str:
    def are(names: Sequence[str]) -> str:
        return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"

    if not theirs:
        return f"The numbers of {', '.join(ours)} are drawn with one decimal (seed {seed})."
    return f"{are(theirs)} given" + (f"; {are(ours)} drawn with one decimal (seed {seed})." if ours else ".")


def _lines(subject: Subject, layer: int | None) -> list[Line]:
    """The lines that state a value, whole matrices whatever the style writes."""
    conventions = subject.conventions
    if conventions.style == "components":
        subject = replace(subject, conventions=replace(conventions, style="ng"))
    kinds = ("forward", "cost", "backward", "update")
    sections = document(subject, steps=False, only=layer).sections
    return [x for s in sections if s.kind in kinds for x in s.lines]


def _is_computable(line: Line) -> bool:
    """Whether a pocket calculator can follow: no random draw."""
    words = {getattr(getattr(part, "function", None), "name", "") for _, part in line.formula.walk()}
    return "uniform" not in words


def _valued(
    table: Mapping[str, Node], given: Mapping[str, Array], found: Named, subject: Subject, needed: Mapping[str, Node]
) -> dict[str, Array]:
    roots = [*table.values(), *needed.values()]  # a derivative that is 0 has the size of its letter
    values = dict(zip([*table, *needed], evaluate(roots, given), strict=True)) | dict(given)
    entry = "a[0]" if subject.conventions.one else "A[0]"
    if entry in values:
        values["x" if subject.conventions.one else "X"] = values[entry]
    if found.output:
        values["yhat" if subject.conventions.one else "Yhat"] = values[found.output]
    if subject.kind == "network":
        values |= _slopes(values, subject)
        values.setdefault("alpha", np.array([[ALPHA]]))
        for n in subject.parameters:
            gradient = values[f"d{n}"].T if subject.conventions.numerator else values[f"d{n}"]
            values[f"{n} update"] = values[n] - values["alpha"] * gradient
    values |= {numbers.name_of(symbol(n)) or n: values[n] for n in table}  # A[1n] is printed as Q[1]
    for n, x in needed.items():
        for dim, size in zip(x.shape, np.shape(given[n]), strict=True):
            if isinstance(dim, str) and dim == "m":
                values["m"] = np.array([[float(size)]])
            elif isinstance(dim, str) and subject.kind == "expression":
                values.setdefault(dim, np.array([[float(size)]]))
    return values


def _slopes(values: Mapping[str, Array], subject: Subject) -> dict[str, Array]:
    """g'(Z) of every layer whose activation works entry by entry, from the expression that was derived."""
    found = {}
    for layer, activation in subject.activations.items():
        logits = values.get(subject.letter("Z", layer))
        if logits is not None:
            Z, _, derivative = slope(activation)
            found[slope_name(subject, layer)] = evaluate([Z, derivative], {"Z": logits})[1]
    return found


# Drawn numbers -----------------------------------------------------------------------------------------------------


def _complete(
    own: Mapping[str, Array],
    needed: Mapping[str, Node],
    table: Mapping[str, Node],
    subject: Subject,
    samples: int,
    seed: int,
) -> dict[str, Array]:
    """Numbers for what was not given, such that every value is finite."""
    sizes = _sizes(own, needed)
    for x in needed.values():
        for dim in x.shape:
            if isinstance(dim, str):
                sizes.setdefault(dim, samples if dim == "m" else _SIZE)
    rest = {n: x for n, x in needed.items() if n not in own}
    kinds = _kinds(rest, subject)
    shapes = {n: x.shape for n, x in rest.items() if x.get("kind") == "real"}
    turned = {n for n in shapes if kinds.get(n) == "probabilities" and subject.conventions.rows}
    for attempt in range(_RETRIES):
        drawn = numbers.drawn(
            {n: s.T if n in turned else s for n, s in shapes.items()}, kinds, sizes, seed + 1000 * attempt
        )
        drawn = {n: v.T if n in turned else v for n, v in drawn.items()}
        drawn |= {n: np.array([[np.pi]]) for n in drawn if n == "pi"}
        drawn |= {n: np.array([[float(_SIZE)]]) for n in drawn if n in ("m", "n")}  # numbers of samples
        for n, x in rest.items():
            if x.get("kind") == "counter":
                drawn[n] = np.array([[seed]])
            elif x.get("kind") == "label":
                drawn[n] = np.arange(bind(x.shape.cols, sizes))[None, :] % _classes(x, table)
        if all(np.isfinite(v).all() for v in evaluate([*table.values(), *needed.values()], {**drawn, **own})):
            break
        if attempt >= _RETRIES // 2:
            kinds |= {n: "positive" for n in shapes if kinds.get(n, "real") == "real"}
    return {n: drawn[n] for n in rest}


def _kinds(rest: Mapping[str, Node], subject: Subject) -> dict[str, str]:
    found = {}
    for n, x in rest.items():
        if "positive" in str(x.get("assume")):
            found[n] = "positive"
        elif "columns sum to one" in x.get("assume"):
            found[n] = "probabilities"
    if subject.loss is not None and subject.target in rest:
        target = subject.loss.target
        if target in ("probabilities", "binary"):
            found[subject.target] = target
        elif subject.loss.name == "poisson":
            found[subject.target] = "positive"
    return found


def _classes(label: Node, table: Mapping[str, Node]) -> int:
    from ..graph import walk

    for n in walk(*table.values()):
        if n.op.name == "one_hot" and label in n.inputs and isinstance(n.get("classes"), int):
            return int(n.get("classes"))
    return 1


# Given numbers -----------------------------------------------------------------------------------------------------


def _given(
    given: str | Path | Mapping[str, Any] | None, needed: Mapping[str, Node], subject: Subject
) -> dict[str, Array]:
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return _by_name(given, needed, "the numbers given")
    path = Path(given)
    if isinstance(given, str) and "=" in given and not path.exists():
        return _by_name(_typed(given), needed, "the numbers given")
    if not path.exists():
        raise DataError(
            f"{str(given)!r} does not exist: give an NPZ or CSV file, the folder of a trained run, or numbers such as "
            "'x=2, y=1, W1=0.5'"
        )
    if path.is_dir() or path.suffix == ".safetensors":
        return _of_run(path, needed, subject)
    if path.suffix.lower() == ".npz":
        try:
            with path.open("rb") as file:
                arrays = dict(np.load(file, allow_pickle=False))
        except (ValueError, zipfile.BadZipFile, OSError) as error:
            raise DataError(f"{str(path)!r} cannot be read as NPZ: {error}; write it with numpy.savez") from None
        return _by_name(arrays, needed, str(path))
    return _of_table(path, needed, subject)


def _typed(text: str) -> dict[str, Any]:
    """Numbers that were typed: `x=2, W1=[[0.5, -1], [2, 0]]`."""
    found: dict[str, Any] = {}
    for part in re.split(r",(?=\s*[^\W\d]\w*(?:\[\d+\])?\s*=)", text):
        name, _, value = part.partition("=")
        try:
            found[name.strip()] = json.loads(re.sub(r"(?<![\d.])\.(?=\d)", "0.", value.strip().replace(";", ",")))
        except ValueError:
            raise DataError(
                f"{part.strip()!r} is no number by its name: write such as 'x=2, y=1, W1=0.5, b1=-1', a matrix as "
                "[[1, 2], [3, 4]]"
            ) from None
        try:
            np.asarray(found[name.strip()], dtype=float)
        except (ValueError, TypeError):
            raise DataError(f"{part.strip()!r} is no matrix of numbers: write its rows as [[1, 2], [3, 4]]") from None
    return found


def _by_name(given: Mapping[str, Any], needed: Mapping[str, Node], where: str) -> dict[str, Array]:
    called = {letters(n).replace("_", ""): n for n in needed} | {letters(n): n for n in needed}
    called |= {n: n for n in needed}
    for short, n in list(called.items()):  # x and y of somebody who has one sample in mind
        if short in ("X", "Y") and short.lower() not in called:
            called[short.lower()] = n
    found: dict[str, Array] = {}
    for key, value in given.items():
        name = called.get(key)
        if name is None:
            raise unknown_name(f"name in {where}:", key, [letters(n) for n in needed])
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise DataError(f"{where}: {key} holds {array.dtype} values, expected numbers")
        shape = needed[name].shape
        if array.ndim < 2:
            upright = array.ndim == 1 and (
                shape.cols == 1 or (shape.rows == len(array) != 1 and shape.cols != len(array))
            )
            array = array.reshape(-1, 1) if upright else np.atleast_2d(array)
        if array.ndim != 2:
            raise ShapeError(f"{where}: {key} has {array.ndim} dimensions, expected a matrix {shape}")
        found[name] = array.astype(float) if needed[name].get("kind") == "real" else array.astype(np.int64)
    _sizes(found, needed)
    return found


def _sizes(own: Mapping[str, Array], needed: Mapping[str, Node]) -> dict[str, int]:
    """Numbers of the symbols in shapes; a matrix that contradicts is a `ShapeError` that names it."""
    sizes: dict[str, int] = {}
    for n, value in own.items():
        shape: Shape = needed[n].shape
        for dim, size in zip(shape, value.shape, strict=True):
            wanted = sizes.setdefault(dim, size) if isinstance(dim, str) else dim
            if wanted != size:
                turned = Shape(*value.shape[::-1])
                fits = all(isinstance(d, str) or d == k for d, k in zip(shape, turned, strict=True))
                hint = "; transposed it would fit" if fits and value.shape[0] != value.shape[1] else ""
                raise ShapeError(
                    f"{letters(n)}: expected {shape}, received {value.shape[0]} × {value.shape[1]}{hint}: a matrix is "
                    "written as the list of its rows, [[1, 2], [3, 4]]"
                )
    return sizes


def _of_run(path: Path, needed: Mapping[str, Node], subject: Subject) -> dict[str, Array]:
    from ..train import load_model

    file = path / "model.safetensors" if path.is_dir() else path
    model, _ = load_model(file)
    rows = subject.conventions.rows
    weights = {n: v.T if rows else v for n, v in model.parameters.items()}
    missing = sorted(set(subject.parameters) - set(weights))
    if missing or subject.kind != "network":
        raise DataError(f"{str(path)!r} has no {missing[0] if missing else 'numbers for an expression'}")
    return _by_name({n: weights[n] for n in subject.parameters}, needed, str(path))


def _of_table(path: Path, needed: Mapping[str, Node], subject: Subject) -> dict[str, Array]:
    """A CSV file: a row per sample, features and then targets; a first row without numbers is a header."""
    if subject.kind != "network" or subject.network is None:
        raise DataError(
            f"{str(path)!r}: an expression takes its numbers from an NPZ file with an array for each letter"
        )
    try:
        rows = [line.replace(";", ",").split(",") for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise DataError(f"{str(path)!r} is no text: give a CSV file in UTF-8, or an NPZ file") from None
    table = [_row(cells) for cells in rows]
    if table and table[0] is None:
        rows, table = rows[1:], table[1:]
    inputs, outputs = subject.network.inputs, subject.network.outputs
    classes = subject.loss is not None and subject.loss.target == "probabilities" and not subject.labels
    allowed = {inputs, inputs + outputs} | ({inputs + 1} if classes or subject.labels else set())
    for i, row in enumerate(table):
        if row is None:
            raise DataError(f"{str(path)!r}, sample {i + 1}: {','.join(rows[i])!r} holds a cell that is no number")
        if len(row) not in allowed or len(row) != len(table[0] or ()):
            raise ShapeError(
                f"{str(path)!r}, sample {i + 1}: expected {inputs} features and {outputs} targets, "
                f"received {len(row)} cells"
            )
    if not table:
        raise DataError(f"{str(path)!r} holds no sample: write one row of numbers per sample")
    if subject.conventions.one and len(table) > 1:
        raise DataError(f"{str(path)!r} holds {len(table)} samples, but one sample is derived: keep one row")
    whole = np.array(table, dtype=float)
    found = {letters("A[0]"): whole[:, :inputs]}
    target = whole[:, inputs:]
    if subject.labels and target.shape[1]:
        found["y"] = target
    elif classes and target.shape[1] == 1 != outputs:
        codes = target[:, 0]
        if (codes != codes.astype(int)).any() or codes.min() < 0 or codes.max() >= outputs:
            raise DataError(f"{str(path)!r}: classes must be numbers 0..{outputs - 1}, or {outputs} columns of targets")
        found[subject.target] = np.eye(outputs)[codes.astype(int)]
    elif target.shape[1]:
        found[subject.target] = target
    if subject.conventions.one:
        found = {k.lower(): v for k, v in found.items()}
    turn = not subject.conventions.rows
    return _by_name({k: v.T if turn else v for k, v in found.items()}, needed, str(path))


def _row(cells: list[str]) -> list[float] | None:
    try:
        return [float(x) for x in cells]
    except ValueError:
        return None


__all__ = ["SAMPLES", "with_numbers"]
