"""What is not called wrong where nothing is declared: formulas in letters of a text that was hardly understood."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..errors import ChainruleError
from ..notation.canonical import is_hypothesis
from ..notation.formula import Call, Equation, Formula, Index, Symbol
from .anew import is_slip
from .guessed import is_open
from .header import Stretch
from .report import Entry
from .section import Reader
from .settled import speaks_of_rows
from .stated import is_known

_UNTOLD = ("", "not named", "shape")  # causes that may mean that the letters were misunderstood
_NOTE = (
    "it does not hold with what was concluded of its letters, and too little else of the text does to call it wrong: "
    "declare what they stand for"
)


_ANOTHER = "it is about parameters without a layer, beside layers that have numbers: another network may be meant"
_DEFINED = "{} is defined in this text, and was taken for the data of a network: declare what it stands for"
_LAYOUT = "the layer was written in another layout before, and the words speak of rows: declare the samples"
_OF_LAYOUT = ("missing-transpose", "operands-swapped", "shape", "other")
_PROGRAM = "its sizes do not fit, and no network is known of this program: declare what its names stand for"
_UNSAID = "it is about an activation alone, and which one is meant is not said: write g(z) = … and g'(z) = …"
_DATA = ("x", "X", "y", "Y")


def unsettled(
    text: str,
    entries: Sequence[Entry],
    numbers: Sequence[int],
    given: Sequence[Stretch],
    stretches: Sequence[Stretch],
    read: Reader,
) -> Iterator[Entry]:
    """The entries, where what is wrong by a letter that means something else in this text is "cannot tell".

    `x_n = f(y_n)` says that x is no input, `h_w(x) = f(wᵀ x)` is about one unit, though the text has W[1] and W[2].
    Only in stretches where nothing is declared.
    """
    read_ones: list[Equation | None] = []
    alone: list[bool] = []  # a = f(z), da = f'(z)
    for entry, number in zip(entries, numbers, strict=True):
        try:
            usable = entry.status != "no statement" and is_open(given[number])
            equation = read(entry.found, stretches[number].readings[0][1]) if usable else None
        except ChainruleError:
            equation = None
        alone.append(equation is not None and entry.verdict == "wrong" and _is_activation_alone(entry, equation))
        read_ones.append(None if entry.found.syntax == "code" else equation)
    rows = _in_rows(entries, numbers, read_ones) if speaks_of_rows(text) else {}
    defined: dict[int, set[str]] = {}
    layered: set[int] = set()
    doubts: dict[int, set[Formula]] = {}  # layers' quantities whose forward pass was not understood
    for entry, equation, number in zip(entries, read_ones, numbers, strict=True):
        if equation is None:
            continue
        left = equation.sides[0]
        if entry.judgement is not None and entry.judgement.note == _NOTE and isinstance(left, Symbol):
            doubts.setdefault(number, set()).update(() if left.name.startswith("d") else (left,))
        if _may_define(entry) and (name := _data_defined(equation)):
            defined.setdefault(number, set()).add(name)
        if any(isinstance(p, Symbol) and p.layer is not None for p in equation.parts):
            layered.add(number)
    for i, (entry, equation, number) in enumerate(zip(entries, read_ones, numbers, strict=True)):
        if alone[i]:
            yield _doubted(entry, _UNSAID)
        elif _is_unknown_program(entry, given[number], stretches[number]):
            yield _doubted(entry, _PROGRAM)
        elif equation is None or entry.verdict != "wrong":
            yield entry
        elif i >= rows.get(number, i + 1):
            yield _doubted(entry, _LAYOUT)
        elif doubts.get(number, set()) & set(equation.parts):
            yield _doubted(entry, _NOTE)
        elif _is_output_alone(equation) and number in layered:
            yield _doubted(entry, _ANOTHER)
        elif clash := {p.name for p in equation.parts if isinstance(p, Symbol)} & defined.get(number, set()):
            yield _doubted(entry, _DEFINED.format(min(clash)))
        else:
            yield entry


def _is_unknown_program(entry: Entry, given: Stretch, stretch: Stretch) -> bool:
    """Whether sizes alone are wrong in a program of whose network nothing was concluded, as with a column of ones."""
    judgement = entry.judgement
    shape = judgement is not None and judgement.verdict == "wrong" and {c.cause for c in judgement.causes} == {"shape"}
    return shape and entry.found.syntax == "code" and is_open(given) and stretch.readings[0][1].network == "any"


def _is_activation_alone(entry: Entry, equation: Equation) -> bool:
    """`a = f(z)` or `da = a (1 - a)`, no slip: the function and its derivative, of whatever unit."""
    left, *sides = equation.sides
    if not isinstance(left, Symbol) or left.layer is not None or left.name not in ("a", "A", "da", "dA"):
        return False
    functions = {p.function for side in sides for p in side.parts if isinstance(p, Call)}
    letters = {p for side in sides for p in side.parts if isinstance(p, Symbol)} - functions
    bare = all(p.layer is None and p.sample is None and p.name in ("z", "Z", "a", "A") for p in letters)
    return bool(letters) and bare and entry.judgement is not None and not is_slip(entry.judgement)


def _in_rows(entries: Sequence[Entry], numbers: Sequence[int], equations: Sequence[Equation | None]) -> dict[int, int]:
    """By the stretch, the entry from which on another layout is meant: `z = x Wᵀ + b` after `z = W x + b`."""
    found: dict[int, int] = {}
    right: set[tuple[int, Formula]] = set()
    for i, (entry, equation, number) in enumerate(zip(entries, equations, numbers, strict=True)):
        left = equation.sides[0] if equation is not None else None
        if not isinstance(left, Symbol) or left.name not in ("z", "Z", "a", "A"):
            continue
        if entry.verdict in ("right", "right if"):
            right.add((number, left))
        elif (number, left) in right and (entry.judgement is None or entry.judgement.cause in _OF_LAYOUT):
            found.setdefault(number, i)
    return found


def _may_define(entry: Entry) -> bool:
    """Whether a formula, which is not right, has no mistake but that of another letter."""
    judgement = entry.judgement
    if judgement is None or judgement.verdict in ("right", "right if"):
        return False
    return judgement.cause in (*_UNTOLD, "undefined-symbol", "wrong-operand")


def _data_defined(equation: Equation) -> str:
    """x of `x_n = f(y_n)`; empty where no letter of data is computed."""
    left = equation.sides[0].base if isinstance(equation.sides[0], Index) else equation.sides[0]
    if not isinstance(left, Symbol) or left.name not in _DATA or left.prime or equation.relations[0] not in ("=", ":="):
        return ""
    inside = [p for side in equation.sides[1:] for p in side.parts if isinstance(p, Symbol)]
    return left.name if inside and all(p.name != left.name for p in inside) else ""


def _is_output_alone(equation: Equation) -> bool:
    """`h_{w,b}(x) = f(wᵀ x + b)`: an output by parameters that have no layer."""
    left = equation.sides[0]
    if not isinstance(left, Call) or not is_hypothesis(left.function):
        return False
    return not any(isinstance(p, Symbol) and p.layer is not None for side in equation.sides[1:] for p in side.parts)


def _doubted(entry: Entry, note: str) -> Entry:
    if entry.judgement is None:
        return entry
    judgement = replace(entry.judgement, verdict="cannot tell", causes=(), others=(), note=note)
    return replace(entry, judgement=judgement, mended=None)


def doubted(
    entries: Sequence[Entry],
    numbers: Sequence[int],
    given: Sequence[Stretch],
    stretches: Sequence[Stretch],
    read: Reader,
) -> Iterator[Entry]:
    """The entries, where those without a known mistake in letters of the text's own are "cannot tell".

    Only in stretches where nothing is declared, and where those formulas are more than two thirds of the right ones.

    numbers    of each entry, that of its stretch
    given      the stretches as they were declared
    stretches  the same with what was concluded
    """
    doubtful: dict[int, list[int]] = {}
    right: dict[int, int] = {}
    for i, (entry, number) in enumerate(zip(entries, numbers, strict=True)):
        notation = stretches[number].readings[0][1]
        right[number] = right.get(number, 0) + (entry.verdict in ("right", "right if"))
        judgement = entry.judgement
        if (
            judgement is None
            or not is_open(given[number])
            or judgement.verdict != "wrong"
            or judgement.cause not in _UNTOLD
        ):
            continue
        try:
            equation = read(entry.found, notation)
        except ChainruleError:
            continue
        if not is_known(Equation((equation.sides[0], *equation.sides), ("=",) * len(equation.sides)), {}):
            doubtful.setdefault(number, []).append(i)
    changed = {
        i
        for number, places in doubtful.items()
        if (len(places) > 1 or (right[number] == 1 and len(entries) > 2)) and 3 * len(places) > 2 * right[number]
        for i in places
    }
    for i, entry in enumerate(entries):
        if i not in changed or entry.judgement is None:
            yield entry
            continue
        yield _doubted(entry, _NOTE)
