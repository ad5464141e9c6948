"""A header guessed for a document that has none: from its forward pass, and only where more of it is right then."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..errors import ChainruleError
from ..judge.verdict import NO_NETWORK, Declared, Judgement
from ..notation.formula import Binary, Call, Equation, Formula, Index, Number, Symbol
from .costed import with_losses
from .forward import applied_alone, defined_activations, layers_of, left_of
from .found import Found
from .general import general, leads_up
from .header import Notation, Stretch
from .lettered import PLACES, WIDTHS, of_activation, of_last_layers, of_layers
from .numbered import alike, of_kinds, told_apart, words_of
from .scored import equations_of, numbered, of_layer, score_of
from .section import Judge, Reader
from .stated import defined_letter
from .tex import words

_ROUNDS = ((12, 6), (24, 3))  # by how many formulas networks are compared, and how many of them are left then
_MORE = 1.0  # right formulas by which letters of a text's own must be better than a network
_MARGIN = 0.5  # by how much a part's own notation must be better than that of the whole
_FEWEST = 5  # formulas of a text that says what its letters are
_DEEPEST = len(WIDTHS) - 1
_SCOPE = re.compile(r"\s*class\s|def\s+\w+_forward")
_COSTS = words("loss cost J L C E error n m N")


def guess(
    found: Sequence[Found],
    stretches: Sequence[Stretch],
    read: Reader,
    judge: Judge,
    parts: Sequence[int] = (),
    text: str = "",
) -> tuple[list[Stretch], list[str]]:
    """The stretches with a notation from their forward pass where none is declared, and a sentence for each.

    A text with several forward passes is divided: each holds from the heading above it on to that above the next one,
    where more is right so.

    parts  the lines in which parts of the text begin
    text   the whole of it, for what words say
    """
    read, judge = _remembered(read), _judged_once(judge)
    starts = [s.start for s in stretches]
    new: list[Stretch] = []
    said: list[str] = []
    for number, stretch in enumerate(stretches):
        here = [f for f in found if max(0, bisect_right(starts, f.line) - 1) == number]
        if not is_open(stretch):
            new.append(stretch)
            continue
        guessed, _ = _guessed(here, stretch, read, judge, text)
        several = list(_of_parts(here, stretch, parts, guessed, read, judge, text.split("\n")))
        for part, line, notation in several or [(stretch, here[0].line if here else 1, guessed)]:
            if notation is not None:
                said.append(f"line {line}: nothing is declared; {_in_words(notation)}")
                part = replace(part, readings=numbered(notation, here, stretch.readings[0][1], read))
            new.append(part)
    return new, said


def _remembered(read: Reader) -> Reader:
    """A reader that reads no formula twice under one notation."""
    known: dict[tuple[str, str, Notation], Equation | ChainruleError] = {}

    def reader(found: Found, notation: Notation) -> Equation:
        key = found.formula, found.syntax, notation
        if key not in known:
            try:
                known[key] = read(found, notation)
            except ChainruleError as error:
                known[key] = error
        result = known[key]
        if isinstance(result, ChainruleError):
            raise result
        return result

    return reader


def _judged_once(judge: Judge) -> Judge:
    """A judge that judges no formula twice under the same declarations."""
    known: dict[tuple[str, str, tuple[Declared, ...]], Judgement] = {}

    def judged(found: Found, declared: Sequence[Declared]) -> Judgement:
        key = found.formula, found.syntax, tuple(declared)
        if key not in known:
            known[key] = judge(found, declared)
        return known[key]

    return judged


def _of_parts(
    found: Sequence[Found],
    stretch: Stretch,
    parts: Sequence[int],
    whole: Notation | None,
    read: Reader,
    judge: Judge,
    lines: Sequence[str],
) -> Iterator[tuple[Stretch, int, Notation | None]]:
    """The parts of a stretch with forward passes of their own, the line of each one's first formula and its notation.

    None at all where the notation of the whole fits each.
    """
    plain = stretch.readings[0][1]
    given: list[tuple[int, list[Found], bool]] = []
    for line, here in _divided(found, stretch, parts):
        scope = 0 < line <= len(lines) and _SCOPE.match(lines[line - 1]) is not None
        alone = bool(given) and scope and _defines_anew(here, given[-1][1], plain, read)
        if not given or alone or _begins(here, given[-1][1], plain, read, scope=scope):
            given.append((line, here, alone))
        else:
            given[-1][1].extend(here)
    if len(given) < 2:
        return
    told: list[tuple[Stretch, int, Notation | None]] = []
    for i, (line, here, alone) in enumerate(given):
        here_alone = replace(stretch, start=line)
        if alone or (i + 1 < len(given) and given[i + 1][2]):  # names of a class or a function mean nothing outside it
            told.append((here_alone, here[0].line, _guessed(here, here_alone, read, judge, "")[0]))
            continue
        forward = _forward(here, plain, read)
        under_first = score_of(whole or plain, forward, here_alone, read, judge)
        own: Notation | None = None
        if under_first < len(forward):  # else the notation of the whole fits
            own, score = _guessed(here, here_alone, read, judge, "")
        another = own is not None and (whole is None or (own.network, own.letters) != (whole.network, whole.letters))
        if own is not None and another and score_of(own, forward, here_alone, read, judge) >= under_first:
            another = score > score_of(whole or plain, here, here_alone, read, judge) + _MARGIN
        else:
            another = False
        told.append((here_alone, here[0].line, own if another else whole))
    if any(notation is not whole for _, _, notation in told):
        yield from told


def _defines_anew(here: Sequence[Found], before: Sequence[Found], plain: Notation, read: Reader) -> bool:
    """Whether a class or function computes other values under the names of the one before it."""
    if not _is_program(here) or not _is_program(before):
        return False
    given = [list(equations_of(x, plain, read)) for x in (before, here)]
    weights = [{x.weight for x in layers_of(equations)} for equations in given]
    old, new = ({left_of(e): e for e in reversed(equations)} for equations in given)
    return not weights[0] & weights[1] and any(  # else it is the same network, maybe with mistakes
        x is not None and old[x] != new[x] and x.text not in _COSTS for x in old.keys() & new.keys()
    )


def _divided(found: Sequence[Found], stretch: Stretch, parts: Sequence[int]) -> Iterator[tuple[int, list[Found]]]:
    """The formulas under each heading."""
    bounds = [stretch.start, *(x for x in parts if x > stretch.start)]
    numbers = [max(0, bisect_right(bounds, f.line) - 1) for f in found]
    for number in sorted(set(numbers)):
        yield bounds[number], [f for f, n in zip(found, numbers, strict=True) if n == number]


def _forward(found: Sequence[Found], plain: Notation, read: Reader) -> list[Found]:
    """The formulas of the forward pass."""
    equations = list(equations_of(found, plain, read))
    values = {x for layer in layers_of(equations) for x in (layer.pre, layer.post)}
    if not values and (alone := applied_alone(equations)) is not None:
        values = {alone[1]}
    given = ((f, next(iter(equations_of([f], plain, read)), None)) for f in found)
    return [f for f, e in given if e is not None and (name := left_of(e)) is not None and name in values]


def _begins(here: Sequence[Found], before: Sequence[Found], plain: Notation, read: Reader, *, scope: bool) -> bool:
    """Whether a part has a forward pass, up to an activation, that differs from the one before it."""
    equations = list(equations_of(here, plain, read))
    new = layers_of(equations)
    if scope and not new and (alone := applied_alone(equations)) is not None:
        values = {left_of(e) for e in equations_of(before, plain, read)}
        return alone[1] in values  # which is another one there
    if not any(x.activation for x in new):
        return False
    old = layers_of(list(equations_of(before, plain, read)))
    said, before_it = ({(x.weight, x.pre, x.post, x.activation) for x in layers} for layers in (new, old))
    return bool(old) and not said <= before_it  # a mistake in a line makes no other network


def is_open(stretch: Stretch) -> bool:
    """Whether nothing is declared of the letters of a stretch."""
    notation = stretch.readings[0][1]
    declared = notation.letters or notation.samples or notation.place or notation.definitions or notation.free
    return len(stretch.readings) == 1 and not declared and notation.network != "none"


def _guessed(
    found: Sequence[Found], stretch: Stretch, read: Reader, judge: Judge, text: str
) -> tuple[Notation | None, float]:
    """The notation under which most of the formulas are right, if that is not the one declared; how many are."""
    plain = stretch.readings[0][1]
    networks, own = list(_networks(found, plain, read, judge, text)), of_its_own(found, plain, read)
    if not networks and own is None:
        return None, -1.0
    for formulas, kept in _ROUNDS:
        if len(networks) > kept and len(found) > formulas:
            scores = [score_of(x, found[:formulas], stretch, read, judge) for x in networks]
            ranked = sorted(range(len(networks)), key=lambda i: -scores[i])[:kept]
            networks = [networks[i] for i in sorted(ranked)]
    best: Notation | None = None
    most = score_of(plain, found, stretch, read, judge)
    for told in networks:
        score = score_of(told, found, stretch, read, judge, most)
        if score > most:
            best, most = told, score
    if own is not None:
        score = score_of(own, found, stretch, read, judge, most + _MORE)
        if score > most + _MORE:
            return own, score
    return best, most


def _networks(found: Sequence[Found], plain: Notation, read: Reader, judge: Judge, text: str) -> Iterator[Notation]:
    """The networks that the forward pass suggests."""
    equations = list(equations_of(found, plain, read))
    layers = layers_of(equations)[:_DEEPEST]
    if layers:
        last = of_last_layers(layers, equations, plain) if plain.network == "any" else None
        ours = last or of_layers(layers, equations, plain, _programs(found))
        if not last and _is_deeper(equations, len(layers)):  # what is written out is not all of the network
            ours = replace(ours, network="any", any_widths=False)
        at_dz = [replace(ours, place="dZ")] if ours.samples == "rows" or _divides(equations) else []
        for candidate in (ours, *at_dz):
            yield from with_losses(candidate, equations, found, read, judge)
    elif (alone := applied_alone(equations)) is not None and plain.network == "any" and _is_program(found):
        yield of_activation(alone, plain, _programs(found))
    layer, *_ = *general(equations), None
    if layer is not None and plain.network == "any":
        rows = "rows" if layer.rows else None
        ours = replace(plain, samples=rows, letters=of_layer(layer, equations, plain), functions=layer.functions)
        for each in (*_said(ours, equations, text), *_with_definition(ours, equations), ours):
            yield from with_losses(each, equations, found, read, judge, of_any=True)
    elif not layers and plain.network == "any" and len(found) > 1:
        if weights := leads_up(equations):
            place = PLACES.get(plain.layer, "[l]")
            yield replace(plain, letters=tuple((f"{w}{place}", f"{ours}[l+1]") for w, ours in weights.items()))
        # a cost is written down, if not for which network
        for each in (*_said(plain, equations, text), plain):
            yield from (x for x in with_losses(each, equations, found, read, judge, of_any=True) if x != plain)


def _is_deeper(equations: Sequence[Equation], layers: int) -> bool:
    """Whether a text has a weight of a later layer than those that it writes out."""
    numbers = (
        p.layer.value
        for e in equations
        for p in e.parts
        if isinstance(p, Symbol) and p.name in ("W", "dW", "b", "db") and isinstance(p.layer, Number)
    )
    return any(layers < x < len(WIDTHS) for x in numbers)


_LOGISTIC = re.compile(r"logisti|sigmoid|sigmoïd|Sigmoid")
_NUMBERS = re.compile(
    r"(?:one|a single|1) (?:neuron|unit|node)s? (?:per|in each|in every) layer"
    r"|(?:every|all)thing is (?:a|just a) (?:number|scalar)"
    r"|(?:ein|je ein) Neuron (?:pro|in jeder) Schicht|una? (?:sola )?neurona por capa|un (?:seul )?neurone par couche",
    re.IGNORECASE,
)


def _said(notation: Notation, equations: Sequence[Equation], text: str) -> list[Notation]:
    """The notation with what words say of all layers: that they are logistic, and of one unit each."""
    if notation.network != "any" or (not _LOGISTIC.search(text) and not _NUMBERS.search(text)):
        return []
    applied = {
        side.function.name
        for e in equations
        for side in e.sides[1:]
        if isinstance(side, Call) and isinstance(side.function, Symbol) and _is_general(e.sides[0])
    }
    logistic = applied and applied <= {"sigma", "sig", "sigmoid", "logistic"}
    if _NUMBERS.search(text) and any(isinstance(p, Symbol) and p.name == "w" for e in equations for p in e.parts):
        return [replace(notation, network="1-1:sigmoid-1:sigmoid-1:sigmoid")] if logistic else []
    return [replace(notation, output="sigmoid")] if logistic and _LOGISTIC.search(text) else []


def _with_definition(notation: Notation, equations: Sequence[Equation]) -> Iterator[Notation]:
    """The notation of general layers of whose activation a text has a definition: it is that of all, or an example."""
    defined = defined_activations(equations)
    letters = [x for x in notation.functions if x in defined]
    if notation.network == "any" and len(letters) == 1:
        if activation := defined[letters[0]]:
            yield replace(notation, output=activation)
        yield replace(notation, general=(letters[0],))


def _is_general(left: Formula) -> bool:
    """a[l]."""
    letter = left.base if isinstance(left, Index) else left
    return isinstance(letter, Symbol) and isinstance(letter.layer, Symbol)


def of_its_own(
    found: Sequence[Found], plain: Notation, read: Reader, *, fewest: int = _FEWEST, definitions: int = 2
) -> Notation | None:
    """No network: every letter is what the text says of it; None where it says too little, as programs do.

    fewest       formulas that the text has
    definitions  how many of them are definitions
    """
    if plain.network != "any" or 2 * sum(f.syntax == "code" for f in found) > len(found):
        return None
    words = words_of(found)
    bare = replace(plain, network=NO_NETWORK, letters=tuple((w, w) for w in words))
    equations = list(equations_of(found, bare, read))
    if len(equations) < fewest or sum(bool(defined_letter(e, anything=True)) for e in equations) < definitions:
        return None
    return replace(
        bare,
        letters=tuple(
            {**dict(bare.letters), **told_apart(equations), **of_kinds(equations), **alike(equations)}.items()
        ),
    )


def _programs(found: Sequence[Found]) -> frozenset[str]:
    """The names of the programs of a text."""
    return frozenset(x for f in found if f.syntax == "code" for x in re.findall(r"[A-Za-z_]\w+", f.formula))


def _is_program(found: Sequence[Found]) -> bool:
    return all(f.syntax == "code" for f in found)


def _divides(equations: Sequence[Equation]) -> bool:
    """Whether a difference is divided by the number of samples, as in dz = (a - y)/m."""
    for equation in equations:
        for side in equation.sides[1:]:
            match side:
                case Binary(sign="/", left=Binary(sign="-"), right=Symbol(name="m" | "N" | "n") | Call()):
                    return True
    return False


def _in_words(notation: Notation) -> str:
    keys = {"network": notation.network, "loss": notation.loss, "samples": notation.samples, "place": notation.place}
    keys["cost"] = "sum" if notation.cost == "sum" else None
    keys["all layers"] = notation.output or None
    if notation.network == NO_NETWORK:
        return "every letter is what the text itself says of it"
    said = [f'{k} = "{v}"' for k, v in keys.items() if v not in (None, "any")]
    letters = ", ".join(f'"{a}" = "{b}"' for a, b in notation.letters)
    return "as in its forward pass, " + "; ".join([*said, *([f"letters = {{{letters}}}"] if letters else [])])
