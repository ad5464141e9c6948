"""A header guessed for a document that has none: from its forward pass, and only where more of it is right then."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..errors import ChainruleError
from ..judge.verdict import NO_NETWORK
from ..notation.canonical import renamed
from ..notation.formula import Binary, Call, Equation, Formula, Index, Symbol
from ..notation.read import read
from .assumed import assume
from .forward import SEVERAL, Layer, Name, counts_from_one, layers_of, name_of
from .found import Found
from .general import general
from .header import Notation, Stretch
from .numbered import pattern_of, told_apart, words_of
from .section import ANEW, Judge, Reader, Section
from .stated import defined_letter
from .tex import words

_COSTS = ("L", "J", "C", "E", "Q", "R", "l", "loss", "cost", "Loss", "Cost", "error")
_OF_NUMBERS = ("quadratic", "mean_squared", "sum_of_squares")
_LOSSES = {"softmax": ("cross_entropy", "quadratic"), "sigmoid": ("binary_cross_entropy", *_OF_NUMBERS)}
_WIDTHS = (3, 5, 4, 2, 6, 3, 5, 4)
_PLACES = {"subscript": "_l", "superscript": "^l"}  # of the letter of a layer in a pattern
_WEIGHTS = {"right": 1.0, "right if": 0.4, "definition": 0.4}
_MORE = 1.0  # right formulas by which letters of a text's own must be better than a network
_FEWEST = 5  # formulas of a text that says what its letters are
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
        guessed = _guessed(here, stretch, read, judge) if is_open(stretch) else None
        if guessed is not None:
            said.append(f"line {here[0].line}: nothing is declared; {_in_words(guessed)}")
            stretch = replace(stretch, readings=(("", guessed),))
        new.append(stretch)
    return new, said


def is_open(stretch: Stretch) -> bool:
    """Whether nothing is declared of the letters of a stretch."""
    notation = stretch.readings[0][1]
    declared = notation.letters or notation.samples or notation.place or notation.definitions or notation.free
    return len(stretch.readings) == 1 and not declared and notation.network != "none"


def _guessed(found: Sequence[Found], stretch: Stretch, read: Reader, judge: Judge) -> Notation | None:
    """The notation under which most of the formulas are right, if that is not the one declared."""
    plain = stretch.readings[0][1]
    networks, own = list(_networks(found, plain, read, judge)), _of_its_own(found, plain, read)
    if not networks and own is None:
        return None
    best, most = None, _score(plain, found, stretch, read, judge)
    for told in networks:
        score = _score(told, found, stretch, read, judge, most)
        if score > most:
            best, most = told, score
    if own is not None and _score(own, found, stretch, read, judge, most + _MORE) > most + _MORE:
        return own
    return best


def _networks(found: Sequence[Found], plain: Notation, read: Reader, judge: Judge) -> Iterator[Notation]:
    """The networks that the forward pass suggests."""
    equations = list(_equations(found, plain, read))
    layers = layers_of(equations)[:_DEEPEST]
    if layers:
        ours = _of_layers(layers, equations, plain, _programs(found))
        at_dz = [replace(ours, place="dZ")] if ours.samples == "rows" or _divides(equations) else []
        for candidate in (ours, *at_dz):
            yield from _with_losses(candidate, equations, found, read, judge)
    layer = general(equations)
    if layer is not None and plain.network == "any":
        place = _PLACES.get(plain.layer, "[l]")
        given = {a.replace("[l]", place): b for a, b in layer.letters(equations).items()}
        letters = {a: b for a, b in given.items() if _is_letter(a, b, plain)}
        rows = "rows" if layer.rows else None
        ours = replace(plain, samples=rows, letters=tuple(letters.items()), functions=layer.functions)
        yield from _with_losses(ours, equations, found, read, judge, of_any=True)


def _of_its_own(found: Sequence[Found], plain: Notation, read: Reader) -> Notation | None:
    """No network: every letter is what the text says of it; None where it says too little, as programs do."""
    if plain.network != "any" or 2 * sum(f.syntax == "code" for f in found) > len(found):
        return None
    words = words_of(found)
    bare = replace(plain, network=NO_NETWORK, letters=tuple((w, w) for w in words))
    equations = list(_equations(found, bare, read))
    if len(equations) < _FEWEST or sum(bool(defined_letter(e, anything=True)) for e in equations) < 2:
        return None
    return replace(bare, letters=tuple({**dict(bare.letters), **told_apart(equations)}.items()))


def _of_layers(
    layers: Sequence[Layer], equations: Sequence[Equation], plain: Notation, names: frozenset[str]
) -> Notation:
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
        put(layer.weight, f"W[{i}].T" if layer.turned else f"W[{i}]")
        if layer.turned:
            put(Name(f"d{layer.weight.text}"), f"dW[{i}].T")
        put(layer.bias, f"b[{i}]")
        put(layer.pre, f"{'Z' if batch else 'z'}[{i}]")
        put(layer.post, f"{'A' if batch else 'a'}[{i}]")
    target = "Y" if batch else "y"
    targets = [x for x in _targets(layers[-1].post or layers[-1].pre, equations) if x.text not in known]
    if targets and all(x.text != target for x in targets):
        put(targets[0], target)
    defined = [e.sides[0] for e in equations]  # G_2 = …, G_1 = …: two quantities
    for pattern, letter in told_apart(equations).items():
        name = name_of(defined_by) if (defined_by := _defined_as(pattern, defined)) is not None else None
        if name is not None and name.text not in known:
            put(Name(pattern), letter)
    if counts_from_one(layers):
        place = _PLACES.get(plain.layer, "[l]")
        letters = {k: v for k, v in letters.items() if "[" not in k or k.partition("[")[0] not in "azAZ"}
        letters |= _shifted("z" if not batch else "Z", place)
    for name in _counts(equations):
        put(name, "m")
    letters |= _slopes_of({**{x: x for x in known}, **letters}, names, plain)
    network = plain.network if plain.network != "any" else _network(layers)
    samples = "rows" if rows else "columns" if batch and _is_settled(layers) else None
    # Beside one output unit other inputs are tried too; else one unit would be offered as an excuse.
    any_widths = plain.network == "any" and _with_one_output(network) == "" and network != "any"
    return replace(plain, network=network, samples=samples, letters=tuple(letters.items()), any_widths=any_widths)


def _shifted(pre: str, place: str) -> dict[str, str]:
    """The letters where the input is the first layer: a^{(l)} is a[l-1]."""
    post = "a" if pre == "z" else "A"
    found = {f"{x}{place}": f"{x}[l-1]" for x in (pre, post)}
    return found | {f"delta{place}": f"d{pre}[l-1]"}


def _is_settled(layers: Sequence[Layer]) -> bool:
    """Whether a weight before a matrix of samples says that they are columns."""
    return all(not x.rows and not x.turned for x in layers)


_UPSTREAM = words("dvalues dout d_out grad_output grad_out upstream dL_dout output_gradient")
_SLOPES = re.compile(
    r"(?:grad_?|d_?|g_?|nabla_?|d(?:E|L|J|C|[lL]oss|[cC]ost|[eE]rr\w*)_?d_?)(\w+)|(\w+?)_?(?:[gG]rad|_g)"
)


def _programs(found: Sequence[Found]) -> frozenset[str]:
    """The names of the programs of a text."""
    return frozenset(x for f in found if f.syntax == "code" for x in re.findall(r"[A-Za-z_]\w+", f.formula))


def _slopes_of(known: dict[str, str], names: frozenset[str], plain: Notation) -> dict[str, str]:
    """Names of a program that say of what they are the derivative, grad_W2 and dE_dW2."""
    found: dict[str, str] = {}
    if len(set(known.values()) & {f"W[{i}]" for i in range(1, 9)}) == 1:  # of one layer by itself
        output = next((v for v in reversed(list(known.values())) if v[:1] in "ZAza"), "")
        found |= {x: f"d{output}" for x in sorted(names & _UPSTREAM) if output and _is_letter(x, f"d{output}", plain)}
    for name in sorted(names - found.keys() - known.keys()):
        match = _SLOPES.fullmatch(name)
        of = known.get(_letter_of(match[1] or match[2])) if match else None
        if of is not None and of[:1] in "WbZAzaX" and _is_letter(name, f"d{of}", plain):
            found[name] = f"d{of}"
    return found


def _letter_of(name: str) -> str:
    """What a reader calls a name of a program: yhat for y_pred."""
    try:
        letter = name_of(read(name, syntax="code")[0].equation.sides[0])
    except ChainruleError:
        return ""
    return "" if letter is None else letter.text


def _defined_as(pattern: str, defined: Sequence[Formula]) -> Index | None:
    """The left side that a pattern writes."""
    return next((x for x in defined if isinstance(x, Index) and pattern_of(x) == pattern), None)


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
    numbers = all(x.numbers for x in layers)
    parts = ["1" if numbers else str(_WIDTHS[0])]
    for width, layer in zip(_WIDTHS[1:], layers, strict=False):
        last = 1 if numbers or (layer is layers[-1] and layer.weight.text == "w") else width
        parts.append(f"{last}:{layer.activation}" if layer.activation else str(last))
    return "-".join(parts)


def _with_one_output(network: str) -> str:
    """The network with one unit in its last layer; empty where it has one, or a soft-max, whose number would be 1."""
    before, _, last = network.rpartition("-")
    width, colon, activation = last.partition(":")
    return "" if width == "1" or activation == "softmax" or not before else f"{before}-1{colon}{activation}"


def _targets(output: Name | None, equations: Sequence[Equation]) -> Iterator[Name]:
    """What is taken from the output, t in p - t."""
    for part in (p for e in equations for p in e.parts):
        if isinstance(part, Binary) and part.sign == "-" and isinstance(part.right, Symbol | Index):
            pair = name_of(part.left), name_of(part.right)
            if output in pair and pair[0] != pair[1]:
                other = pair[1] if pair[0] == output else pair[0]
                if other is not None:
                    yield other


_SAMPLES = re.compile(r"B|M|bs|batch_size|num_(?:samples|examples|train)|n_(?:samples|examples|train)|batch")


def _counts(equations: Sequence[Equation]) -> Iterator[Name]:
    """What sums and differences are divided by, where it is called as a number of samples is."""
    for part in (p for e in equations for p in e.parts):
        name = name_of(part.right) if isinstance(part, Binary) and part.sign == "/" else None
        if name is not None and _SAMPLES.fullmatch(name.text):
            yield name


def _divides(equations: Sequence[Equation]) -> bool:
    """Whether a difference is divided by the number of samples, as in dz = (a - y)/m."""
    for equation in equations:
        for side in equation.sides[1:]:
            match side:
                case Binary(sign="/", left=Binary(sign="-"), right=Symbol(name="m" | "N" | "n") | Call()):
                    return True
    return False


def _with_losses(
    notation: Notation,
    equations: Sequence[Equation],
    found: Sequence[Found],
    read: Reader,
    judge: Judge,
    *,
    of_any: bool = False,
) -> list[Notation]:
    """The notation with the loss that the document defines, under the letter that it uses for it.

    of_any  also where its network is not known, but what its general layer is
    """
    if notation.loss != "any" or (notation.network == "any" and not of_any):
        return [notation]
    losses = _LOSSES.get(notation.network.rpartition(":")[2], _OF_NUMBERS)
    if notation.network == "any":
        losses = tuple(dict.fromkeys((*_OF_NUMBERS, *(x for several in _LOSSES.values() for x in several))))
    narrow = replace(notation, network=_with_one_output(notation.network), any_widths=True)
    several = [notation, *([narrow] if narrow.network else [])]
    conditional: list[Notation] = []
    for each, cost in _costs(found, notation, read):
        for meaning in (("J", "L") if _is_mean(each) else ("L", "J")) if cost not in ("J", "C") else (cost,):
            if meaning != cost and not _is_letter(cost, meaning, notation):
                continue
            letters = notation.letters if meaning == cost else (*notation.letters, (cost, meaning))
            for loss in losses:
                told = [replace(x, letters=letters, loss=loss) for x in several]
                verdicts = [judge(each, (x.declared(),)).verdict for x in told]
                if "right" in verdicts:
                    right = [x for x, verdict in zip(told, verdicts, strict=True) if verdict == "right"]
                    return right if loss in ("binary_cross_entropy", "mean_squared") else right[:1]
                conditional += [x for x, verdict in zip(told, verdicts, strict=True) if verdict == "right if"]
                if _is_mean(each):
                    continue
                named = notation.letters if cost in ("J", "C") else (*notation.letters, (cost, "J"))
                summed = [replace(x, letters=named, loss=loss, cost="sum") for x in several]
                right = [x for x in summed if judge(each, (x.declared(),)).verdict == "right"]
                if right:
                    return right[:1]
    if conditional:
        return conditional[:1]
    if notation.network == "any":
        return [notation]
    several = several if losses == _LOSSES["sigmoid"] else several[:1]
    return [replace(x, loss=loss) for x in several for loss in losses[: 1 if x is narrow else None]]


_MEAN = re.compile(
    r"\\frac\s*\{?\s*1\s*\}?\s*\{?\s*2?\s*(?:\\,)?[mNn](?![A-Za-z])"
    r"|\b1 ?/ ?\(?2? ?\*? ?[mNn]\b|mean|/ ?(?:[mNn]|batch_size)\b|shape|size|len\("
)


def _is_mean(each: Found) -> bool:
    """Whether a cost is divided by the number of samples."""
    return _MEAN.search(each.formula) is not None


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


def _score(
    notation: Notation, found: Sequence[Found], stretch: Stretch, read: Reader, judge: Judge, most: float = -1.0
) -> float:
    """How much of a stretch is right under a notation; where it cannot be more than `most`, anything below that."""
    here = replace(stretch, readings=(("", notation),))
    (here, *_), _ = assume(found, [replace(here, start=1)], read, judge)
    section = Section(here, read, judge, {})
    score, left = 0.0, len(found[:_MOST])
    for each in found[:_MOST]:
        if score + left <= most:
            break
        score += sum(0.0 if e.why.endswith(ANEW) else _WEIGHTS.get(e.verdict, 0.0) for e in section.entries(each))
        left -= 1
    return score


def _in_words(notation: Notation) -> str:
    keys = {"network": notation.network, "loss": notation.loss, "samples": notation.samples, "place": notation.place}
    keys["cost"] = "sum" if notation.cost == "sum" else None
    if notation.network == NO_NETWORK:
        return "every letter is what the text itself says of it"
    said = [f'{k} = "{v}"' for k, v in keys.items() if v not in (None, "any")]
    letters = ", ".join(f'"{a}" = "{b}"' for a, b in notation.letters)
    return "as in its forward pass, " + "; ".join([*said, *([f"letters = {{{letters}}}"] if letters else [])])
