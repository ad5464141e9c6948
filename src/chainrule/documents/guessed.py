"""A header guessed for a document that has none: from its forward pass, and only where more of it is right then."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..errors import ChainruleError
from ..notation.canonical import renamed
from ..notation.formula import Binary, Call, Equation, Index, Symbol
from .assumed import assume
from .forward import SEVERAL, Layer, Name, layers_of, name_of
from .found import Found
from .header import Notation, Stretch
from .section import Judge, Reader, Section

_COSTS = ("L", "J", "C", "E", "l", "loss", "cost", "Loss", "Cost", "error")
_OF_NUMBERS = ("quadratic", "mean_squared", "sum_of_squares")
_LOSSES = {"softmax": ("cross_entropy", "quadratic"), "sigmoid": ("binary_cross_entropy", *_OF_NUMBERS)}
_WIDTHS = (3, 5, 4, 2, 6, 3, 5, 4)
_WEIGHTS = {"right": 1.0, "right if": 0.4, "definition": 0.4}
_MOST = 60  # formulas that are tried, of a stretch
_DEEPEST = len(_WIDTHS) - 1


def guess(
    found: Sequence[Found], stretches: Sequence[Stretch], read: Reader, judge: Judge
) -> tuple[list[Stretch], list[str]]:
    """The stretches with a notation from their forward pass where none is declared, and a sentence for each."""
    starts = [s.start for s in stretches]
    new: list[Stretch] = []
    said: list[str] = []
    for number, stretch in enumerate(stretches):
        here = [f for f in found if max(0, bisect_right(starts, f.line) - 1) == number]
        guessed = _guessed(here, stretch, read, judge) if _is_open(stretch) else None
        if guessed is not None:
            said.append(f"line {here[0].line}: nothing is declared; as in its forward pass, {_in_words(guessed)}")
            stretch = replace(stretch, readings=(("", guessed),))
        new.append(stretch)
    return new, said


def _is_open(stretch: Stretch) -> bool:
    notation = stretch.readings[0][1]
    declared = notation.letters or notation.samples or notation.place or notation.definitions or notation.free
    return len(stretch.readings) == 1 and not declared and notation.network != "none"


def _guessed(found: Sequence[Found], stretch: Stretch, read: Reader, judge: Judge) -> Notation | None:
    """The notation under which most of the formulas are right, if that is not the one declared."""
    plain = stretch.readings[0][1]
    equations = list(_equations(found, plain, read))
    layers = layers_of(equations)[:_DEEPEST]
    if not layers:
        return None
    ours = _of_layers(layers, equations, plain)
    candidates = [ours, *(replace(x, place="dZ") for x in [ours] if ours.samples == "rows" or _divides(equations))]
    best, most = None, _score(plain, found, stretch, read, judge)
    for candidate in candidates:
        for told in _with_losses(candidate, equations, found, read, judge):
            score = _score(told, found, stretch, read, judge)
            if score > most:
                best, most = told, score
    return best


def _of_layers(layers: Sequence[Layer], equations: Sequence[Equation], plain: Notation) -> Notation:
    rows = 2 * sum(x.rows for x in layers) > len(layers)
    batch = rows or layers[0].input.stem.isupper()
    letters: dict[str, str] = {}
    known: set[str] = set()

    def put(name: Name | None, ours: str) -> None:
        if name is not None:
            known.add(name.text)
            if name.text != ours and _is_letter(name.text, ours, plain):
                letters.setdefault(name.text, ours)

    put(layers[0].input, "X" if batch else "x")
    for i, layer in enumerate(layers, 1):
        put(layer.weight, f"W[{i}]")
        put(layer.bias, f"b[{i}]")
        put(layer.pre, f"{'Z' if batch else 'z'}[{i}]")
        put(layer.post, f"{'A' if batch else 'a'}[{i}]")
    target = "Y" if batch else "y"
    targets = [x for x in _targets(layers[-1].post or layers[-1].pre, equations) if x.text not in known]
    if targets and all(x.text != target for x in targets):
        put(targets[0], target)
    network = plain.network if plain.network != "any" else _network(layers)
    return replace(plain, network=network, samples="rows" if rows else None, letters=tuple(letters.items()))


def _is_letter(theirs: str, ours: str, plain: Notation) -> bool:
    try:
        renamed(replace(plain, letters=((theirs, ours),)).as_letters())
    except ChainruleError:
        return False
    return True


def _network(layers: Sequence[Layer]) -> str:
    """A network string with the activations that are written; "any" where one is not."""
    if any(not x.activation for x in layers[:-1]) or any(x.activation == SEVERAL for x in layers):
        return "any"
    parts = [str(_WIDTHS[0])]
    for width, layer in zip(_WIDTHS[1:], layers, strict=False):
        last = 1 if layer is layers[-1] and layer.weight.text == "w" else width
        parts.append(f"{last}:{layer.activation}" if layer.activation else str(last))
    return "-".join(parts)


def _targets(output: Name | None, equations: Sequence[Equation]) -> Iterator[Name]:
    """What is taken from the output, t in p - t."""
    for part in (p for e in equations for p in e.parts):
        if isinstance(part, Binary) and part.sign == "-" and isinstance(part.right, Symbol | Index):
            pair = name_of(part.left), name_of(part.right)
            if output in pair and pair[0] != pair[1]:
                other = pair[1] if pair[0] == output else pair[0]
                if other is not None:
                    yield other


def _divides(equations: Sequence[Equation]) -> bool:
    """Whether a difference is divided by the number of samples, as in dz = (a - y)/m."""
    for equation in equations:
        for side in equation.sides[1:]:
            match side:
                case Binary(sign="/", left=Binary(sign="-"), right=Symbol(name="m" | "N" | "n") | Call()):
                    return True
    return False


def _with_losses(
    notation: Notation, equations: Sequence[Equation], found: Sequence[Found], read: Reader, judge: Judge
) -> list[Notation]:
    """The notation with the loss that the document defines, under the letter that it uses for it."""
    if notation.network == "any" or notation.loss != "any":
        return [notation]
    losses = _LOSSES.get(notation.network.rpartition(":")[2], _OF_NUMBERS)
    found_right: list[Notation] = []
    for each, cost in _costs(found, notation, read):
        for meaning in (cost,) if cost in ("L", "J", "C") else ("L", "J"):
            if meaning != cost and not _is_letter(cost, meaning, notation):
                continue
            letters = notation.letters if meaning == cost else (*notation.letters, (cost, meaning))
            for loss in losses:
                told = replace(notation, letters=letters, loss=loss)
                verdict = judge(each, (told.declared(),)).verdict
                if verdict == "right":
                    return [told]
                if verdict == "right if":
                    found_right.append(told)
    return found_right[:1] or [replace(notation, loss=x) for x in losses]


def _costs(found: Sequence[Found], notation: Notation, read: Reader) -> Iterator[tuple[Found, str]]:
    """The formulas that define a cost, with its letter."""
    for each in found:
        try:
            equation = read(each, notation)
        except ChainruleError:
            continue
        left = equation.sides[0]
        if isinstance(left, Call):
            left = left.function
        if isinstance(left, Symbol) and left.name in _COSTS and left.layer is None and len(equation.sides) > 1:
            yield each, left.name


def _equations(found: Sequence[Found], notation: Notation, read: Reader) -> Iterator[Equation]:
    for each in found[: 4 * _MOST]:
        try:
            equation = read(each, notation)
        except ChainruleError:
            continue
        if len(equation.sides) > 1:
            yield equation


def _score(notation: Notation, found: Sequence[Found], stretch: Stretch, read: Reader, judge: Judge) -> float:
    """How much of a stretch is right under a notation."""
    here = replace(stretch, readings=(("", notation),))
    (here, *_), _ = assume(found, [replace(here, start=1)], read, judge)
    section = Section(here, read, judge, {})
    entries = (e for each in found[:_MOST] for e in section.entries(each))
    return sum(_WEIGHTS.get(e.verdict, 0.0) for e in entries)


def _in_words(notation: Notation) -> str:
    keys = {"network": notation.network, "loss": notation.loss, "samples": notation.samples, "place": notation.place}
    said = [f'{k} = "{v}"' for k, v in keys.items() if v not in (None, "any")]
    letters = ", ".join(f'"{a}" = "{b}"' for a, b in notation.letters)
    return "; ".join([*said, *([f"letters = {{{letters}}}"] if letters else [])])
