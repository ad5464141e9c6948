"""Entries: one index for another, two that are exchanged, and letters whose index tells the layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...notation.formula import Binary, Bound, Equation, Formula, Index, Number, Sum, Symbol
from ...notation.write import exact
from ..parts import Place, shifted
from .letters import exchanged
from .setting import Change, Setting


def entries(place: Place, setting: Setting) -> Iterator[Change]:
    """One entry for another where the letters of the document tell the layer, `a_k` for `a_j`; `w_ij` for `a_j`."""
    part = place.part
    if not isinstance(part, Index) or not isinstance(part.base, Symbol) or place.path[:1] == (0,):
        return
    for other in setting.declared:
        if part in setting.declared and isinstance(other, Index) and len(other.entries) == len(part.entries):
            same = isinstance(other.base, Symbol) and other.base.name == part.base.name
            cause = "wrong-index" if same else "wrong-operand"
            yield cause, other, 1, f"{exact(part)} stands where {exact(other)} belongs"
    for new in _neighbors(part, setting):
        yield "wrong-operand", new, 1, f"{exact(part)} stands where {exact(new)} belongs"
    layer = shifted(part.base.layer, -1) if part.base.layer is not None else None
    if part.base.name in ("W", "w") and layer is not None and len(part.entries) == 2:
        for entry in part.entries:
            new = Index(Symbol("a", layer), (entry,))
            yield "wrong-operand", new, 1, f"{exact(part)} stands where {exact(new)} belongs"


def _neighbors(part: Index, setting: Setting) -> Iterator[Index]:
    """The same quantity in the next layer with the other index: `x_i` for `a_j`, where both change together."""
    base = part.base
    if not isinstance(base, Symbol) or base.layer is None or len(part.entries) != 1:
        return
    for by in (-1, 1):
        layer = shifted(base.layer, by)
        for letter in setting.letters if layer is not None else ():
            if Symbol(letter) != part.entries[0]:
                yield Index(replace(base, layer=layer), (Symbol(letter),))


def entries_throughout(place: Place, setting: Setting) -> Iterator[Change]:
    """`o_k (1 - o_k)` for `o_j (1 - o_j)`: one entry for another wherever it stands."""
    part = place.part
    if place.path[:1] == (0,) or not isinstance(place.parent, Equation):
        return
    found = [x for x in part.parts if isinstance(x, Index) and isinstance(x.base, Symbol) and len(x.entries) == 1]
    for entry in dict.fromkeys(x for x in found if found.count(x) > 1):
        others = [Index(entry.base, (Symbol(x),)) for x in setting.letters if Symbol(x) != entry.entries[0]]
        names = [x for x in setting.declared if isinstance(x, Index) and x != entry]
        for other in dict.fromkeys([*others, *_neighbors(entry, setting), *names]):
            new = _with(part, entry, other)
            yield "wrong-operand", new, 1, f"{exact(entry)} stands where {exact(other)} belongs"


def beside_the_sum(place: Place, setting: Setting) -> Iterator[Change]:
    """`Σ_j w_ij x_j + b_j` for `Σ_j w_ij x_j + b_i`: the last term has the index that is summed over."""
    part = place.part
    if not isinstance(part, Sum) or place.path[:1] == (0,) or not isinstance(part.body, Binary):
        return
    term = part.body.right
    counted = [b.index for b in part.bounds if isinstance(b, Bound) and isinstance(b.index, Symbol)]
    if part.body.sign not in "+-" or not isinstance(term, Index) or len(counted) != 1 or counted[0] not in term.entries:
        return
    rest = replace(part, body=part.body.left)
    others = [x for x in setting.letters if Symbol(x) != counted[0]]
    for new in [*(_with(term, counted[0], Symbol(x)) for x in others), term.base]:
        text = f"{exact(term)} stands beside the sum and should be {exact(new)}"
        yield "wrong-index", Binary(part.body.sign, rest, new), 1, text


def missing_index(place: Place, setting: Setting) -> Iterator[Change]:
    """`a (1 - a)` for `a_i (1 - a_i)`, `b` for `b_j`, and the other way round: an index is missing or superfluous."""
    part = place.part
    if place.path[:1] == (0,) or not isinstance(place.parent, Equation) or not setting.entries:
        return
    indexed = [
        x for x in part.parts if isinstance(x, Index) and len(x.entries) == 1 and x.entries[0] in setting.entries
    ]
    for entry in dict.fromkeys(indexed):
        if isinstance(entry.base, Symbol) and isinstance(entry.entries[0], Symbol):
            new = _with(part, entry, entry.base)
            yield "wrong-index", new, 1, f"{exact(entry)} should be {exact(entry.base)}"
    bases = {x.base for x in part.parts if isinstance(x, Index)}
    for letter in setting.counts:
        if letter in bases or letter.name not in _COLUMNS:
            continue
        for counter in setting.entries:
            if isinstance(counter, Symbol):
                one = Index(letter, (counter,))
                yield "wrong-index", exchanged(part, {letter: one}), 1, f"{exact(letter)} should be {exact(one)}"


_COLUMNS = frozenset({"x", "y", "yhat", "z", "a", "b", "dz", "da", "db", "dyhat"})


def _with(part: Formula, old: Formula, new: Formula) -> Formula:
    return part.mapped(lambda x: new if x == old else x)


def letters_exchanged(place: Place, setting: Setting) -> Iterator[Change]:
    """`δ_i a_j` for `δ_j a_i`: two index letters are exchanged; they may tell the layer too."""
    part = place.part
    if place.path[:1] == (0,) or not isinstance(place.parent, Equation):
        return
    for i, a in enumerate(setting.letters):
        for b in setting.letters[i + 1 :]:
            turned = {Symbol(a): Symbol(b), Symbol(b): Symbol(a)}
            text = f"the indices {a} and {b} are exchanged"
            plain = exchanged(part, turned)
            yield "wrong-index", plain, 1, text
            if setting.declared:
                yield "wrong-index", plain.mapped(lambda x: _as_declared(x, setting)), 1, text


def _as_declared(part: Formula, setting: Setting) -> Formula:
    """An entry in the layer that its index letter tells."""
    if not isinstance(part, Index) or not isinstance(part.base, Symbol):
        return part
    for other in setting.declared:
        named = isinstance(other, Index) and isinstance(other.base, Symbol) and other.base.name == part.base.name
        if isinstance(other, Index) and named and other.entries == part.entries:
            return other
    return part


def index(part: Formula, setting: Setting) -> Iterator[Change]:
    """One index letter for another."""
    if isinstance(part, Number) or (isinstance(part, Symbol) and part.layer is None):
        for other in (*map(Symbol, setting.letters), *(setting.numbers if isinstance(part, Number) else ())):
            if part != other:
                yield "wrong-index", other, 1, f"the index {exact(part)} should be {exact(other)}"
