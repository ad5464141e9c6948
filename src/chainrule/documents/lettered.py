"""The letters of a forward pass: what the document writes for each quantity of its layers, and what follows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..errors import ChainruleError
from ..notation.canonical import renamed
from ..notation.formula import ONE, Binary, Bound, Equation, Formula, Index, Number, Sum, Symbol
from ..notation.read import read
from .forward import SEVERAL, Layer, Name, counts_from_one, left_of, name_of, of_all_layers
from .header import Notation
from .numbered import pattern_of, told_apart
from .patterns import in_general
from .tex import words

WIDTHS = (3, 5, 4, 2, 6, 3, 5, 4)

PLACES = {"subscript": "_l", "superscript": "^l"}  # of the letter of a layer in a pattern

_WIDEST = 12


def of_layers(
    layers: Sequence[Layer], equations: Sequence[Equation], plain: Notation, names: frozenset[str]
) -> Notation:
    rows = 2 * sum(x.rows for x in layers) > len(layers)
    batch = rows or layers[0].input.stem.isupper()
    letters: dict[str, str] = {}
    known: set[str] = set()

    def put(name: Name | None, ours: str) -> None:
        if name is not None and name.text:
            known.add(name.text)
            if name.text != ours and is_letter(name.text, ours, plain):
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
    given = known | {x.text for e in equations if (x := left_of(e)) is not None}
    targets = [x for x in _targets(layers[-1].post or layers[-1].pre, equations) if x.text not in given]
    if targets and all(x.text != target for x in targets):
        put(targets[0], target)
    defined = [e.sides[0] for e in equations]  # G_2 = …, G_1 = …: two quantities
    for pattern, letter in told_apart(equations).items():
        name = name_of(defined_by) if (defined_by := _defined_as(pattern, defined)) is not None else None
        if name is not None and name.text not in known:
            put(Name(pattern), letter)
    if counts_from_one(layers):
        place = PLACES.get(plain.layer, "[l]")
        letters = {k: v for k, v in letters.items() if "[" not in k or k.partition("[")[0] not in "azAZ"}
        letters |= _shifted("z" if not batch else "Z", place)
    else:
        letters |= in_general(letters, PLACES.get(plain.layer, "[l]"))
    for name in _counts(equations):
        put(name, "m")
    letters |= _slopes_of({**{x: x for x in known}, **letters}, names, plain)
    network = plain.network if plain.network != "any" else _with_classes(_network(layers), equations)
    samples = "rows" if rows else "columns" if batch and _is_settled(layers) else None
    # Beside one output unit other inputs are tried too; else one unit would be offered as an excuse.
    any_widths = plain.network == "any" and with_one_output(network) == "" and network != "any"
    return replace(plain, network=network, samples=samples, letters=tuple(letters.items()), any_widths=any_widths)


def of_last_layers(layers: Sequence[Layer], equations: Sequence[Equation], plain: Notation) -> Notation | None:
    """The notation where the numbers of the layers written out do not begin with 1: those before are the general ones.

    None where they begin with 1, or have other letters. `A[l] = tanh(Z[l])` and `A[3] = sigmoid(Z[3])` are of three.
    """
    match = re.fullmatch(r"[Ww]\[(\d)\]", layers[0].weight.text)
    before = 0 if match is None else int(match[1]) - 1
    if not 0 < before <= len(WIDTHS) - 1 - len(layers):
        return None
    if any(x.weight.text[1:] != f"[{i}]" for i, x in enumerate(layers, before + 1)):
        return None
    activation = of_all_layers(equations)
    network = _network([*(replace(layers[0], activation=activation) for _ in range(before)), *layers])
    batch = layers[0].input.stem.isupper()
    samples = "rows" if any(x.rows for x in layers) else "columns" if batch and _is_settled(layers) else None
    return replace(plain, network=network if activation else "any", samples=samples)


def of_activation(applied: tuple[Name, Name, str], plain: Notation, names: frozenset[str]) -> Notation:
    """The notation of a part of a program that is an activation alone: its argument is Z[1], its value A[1]."""
    argument, value, activation = applied
    given = {argument.text: "Z[1]", value.text: "A[1]"}
    letters = {a: b for a, b in given.items() if a != b and is_letter(a, b, plain)}
    letters |= _slopes_of(given, names, plain)
    return replace(plain, network=f"3-5:{activation}-4", letters=tuple(letters.items()))


def _shifted(pre: str, place: str) -> dict[str, str]:
    """The letters where the input is the first layer: a^{(l)} is a[l-1]."""
    post = "a" if pre == "z" else "A"
    found = {f"{x}{place}": f"{x}[l-1]" for x in (pre, post)}
    return found | {f"delta{place}": f"d{pre}[l-1]"}


def _is_settled(layers: Sequence[Layer]) -> bool:
    """Whether a weight before a matrix of samples says that they are columns."""
    return all(not x.rows and not x.turned for x in layers)


_UPSTREAM = words("dvalues dout d_out grad_output grad_out upstream dL_dout output_gradient")

_GRADIENTS = words("grad gradient gradJ grad_J dJ")  # of the only weights

_SLOPES = re.compile(
    r"(?:grad_?|d_?|g_?|nabla_?|d(?:E|L|J|C|[lL]oss|[cC]ost|[eE]rr\w*)_?d_?)(\w+)|(\w+?)_?(?:[gG]rad|_g)"
)


def _slopes_of(known: dict[str, str], names: frozenset[str], plain: Notation) -> dict[str, str]:
    """Names of a program that say of what they are the derivative, grad_W2 and dE_dW2."""
    found: dict[str, str] = {}
    weights = {v for v in known.values() if v.startswith("W[")}
    if not weights or len(weights & {f"W[{i}]" for i in range(1, 9)}) == 1:  # of one layer by itself
        output = next((v for v in reversed(list(known.values())) if v[:1] in "ZAza"), "")
        found |= {x: f"d{output}" for x in sorted(names & _UPSTREAM) if output and is_letter(x, f"d{output}", plain)}
        turned = "W[1].T" in known.values()
        slope = "dW[1].T" if turned else "dW[1]"
        found |= {x: slope for x in sorted(names & _GRADIENTS) if is_letter(x, slope, plain)}
    for name in sorted(names - found.keys() - known.keys()):
        match = _SLOPES.fullmatch(name)
        of = known.get(_letter_of(match[1] or match[2])) if match else None
        ours = {"X": "dA[0]", "x": "da[0]"}.get(of or "", f"d{of}")
        if of is not None and of[:1] in "WbZAzaXx" and is_letter(name, ours, plain):
            found[name] = ours
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


def is_letter(theirs: str, ours: str, plain: Notation) -> bool:
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
    parts = ["1" if numbers else str(WIDTHS[0])]
    for width, layer in zip(WIDTHS[1:], layers, strict=False):
        last = 1 if numbers or (layer is layers[-1] and layer.weight.text == "w") else width
        parts.append(f"{last}:{layer.activation}" if layer.activation else str(last))
    return "-".join(parts)


def _with_classes(network: str, equations: Sequence[Equation]) -> str:
    """The network with as many outputs as a sum over the classes has terms, where the text says the number."""
    ends = {
        int(bound.upper.value)
        for e in equations
        for p in e.parts
        if isinstance(p, Sum)
        for bound in p.bounds
        if isinstance(bound, Bound) and isinstance(bound.upper, Number) and bound.lower == ONE
    }
    before, _, last = network.rpartition("-")
    if not before or len(ends) != 1 or not 2 <= (end := ends.pop()) <= _WIDEST or last.partition(":")[0] == "1":
        return network
    return f"{before}-{end}{last[len(last.partition(':')[0]) :]}"


def with_one_output(network: str) -> str:
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
