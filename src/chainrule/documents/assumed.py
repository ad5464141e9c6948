"""The one letter that the whole literature uses and few declare: δ, a derivative of the loss in its layer."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ..errors import ChainruleError
from ..judge.verdict import NO_NETWORK, Declared, Judgement
from ..notation.canonical import COSTS, canonical, renamed
from ..notation.formula import Call, Equation, Formula, Index, Negate, Number, Partial, Symbol
from ..notation.write import exact
from .found import Found
from .general import apart
from .header import Notation, Stretch

_STANDS_FOR = {"z": "dz", "a": "da", "Z": "dZ", "A": "dA"}
_TRIED = ("dz", "-dz", "da")
_SAID = {"-": "minus the derivative of the loss"}
_SMALL, _CAPITALS = frozenset("xza"), frozenset("XZA")
_MOST = 5  # formulas that are tried

Read = Callable[[Found, Notation], Equation]
Judge = Callable[[Found, Sequence[Declared]], Judgement]


@dataclass(frozen=True)
class _Form:
    """How δ is written: δ^{[l]}, δ_k or δ; how a pattern of letters writes it, and what hangs on its meaning."""

    pattern: str
    behind: str


_LAYERED, _INDEXED, _BARE = _Form("delta[l]", "[l]"), _Form("delta_k", "_k"), _Form("delta", "")


def assume(
    found: Sequence[Found], stretches: Sequence[Stretch], read: Read, judge: Judge
) -> tuple[list[Stretch], list[str]]:
    """The stretches with a meaning of δ where none is declared, and a sentence for every one that was assumed.

    It is what the text says it is, ∂L/∂z, -∂L/∂z or ∂L/∂a; where the text does not say, it is the one of them with
    which a formula that uses δ is right. If there is none, δ of a layer is ∂L/∂z, as in nearly all texts.
    """
    starts = [s.start for s in stretches]
    new: list[Stretch] = []
    said: list[str] = []
    for number, stretch in enumerate(stretches):
        here = [f for f in found if _has_delta(f.formula) and max(0, bisect_right(starts, f.line) - 1) == number]
        if here and not _is_declared(stretch):
            equations = list(_equations(here, stretch.readings[0][1], read))
            stretch, form = _written(equations, stretch)
            several = _numbered(equations, form, stretch) if form else None
            ours = _meaning(equations, form, stretch, judge) if form and not several else ""
            if several is not None:
                stretch = several
                said.append(
                    f"line {here[0].line}: δ, which is not declared, is numbered in several ways: all are tried"
                )
            elif form and ours:
                ours = _of_all(equations, ours)
                words = _SAID.get(ours[0], "the derivative of the loss")
                said.append(f"line {here[0].line}: δ, which is not declared, is read as {ours}, {words}")
                stretch = _with_delta(stretch, form, ours)
        new.append(stretch)
    return new, said


def _of_all(equations: Sequence[tuple[Found, Equation]], ours: str) -> str:
    """dZ for dz where δ stands beside matrices of all samples only."""
    beside = {
        p.name
        for _, e in equations
        if any(_is_delta(p) for p in e.parts)
        for p in e.parts
        if isinstance(p, Symbol) and p.name in _SMALL | _CAPITALS and (p.layer is not None or p.name in "xX")
    }
    numbered = any(isinstance(p, Symbol) and p.sample is not None for _, e in equations for p in e.parts)
    return ours.upper().replace("D", "d") if beside and beside <= _CAPITALS and not numbered else ours


def _is_declared(stretch: Stretch) -> bool:
    notations = [notation for _, notation in stretch.readings]
    if any(n.network == NO_NETWORK or "delta" in renamed(n.as_letters()) or "delta" in n.free for n in notations):
        return True
    return any("delta" in d or "δ" in d for n in notations for d in n.definitions)


def _written(equations: list[tuple[Found, Equation]], stretch: Stretch) -> tuple[Stretch, _Form | None]:
    """The one way in which δ is written; None where there are several, as δ_j and δ_k, which are of two layers.

    Beside W_2 the numbers of δ_2 are layers, and so are all that stand below letters.
    """
    parts = [p for _, e in equations for p in e.parts]
    letters = [p for p in parts if isinstance(p, Symbol) and p.name == "delta"]
    indexed = [p for p in parts if isinstance(p, Index) and p.base in letters]
    if any(x.layer is not None for x in letters):
        return stretch, _LAYERED
    if any(len(p.entries) != 1 for p in indexed):  # δ_ij, the identity
        return stretch, None
    numbers = bool(indexed) and all(isinstance(p.entries[0], Number) for p in indexed)
    if numbers and any(_is_weight(p) for p in parts) and stretch.readings[0][1].layer == "brackets":
        below = ((name, replace(n, layer="subscript")) for name, n in stretch.readings)
        return replace(stretch, readings=tuple(below)), _LAYERED
    if len(indexed) == len(letters) and len({p.entries for p in indexed}) == 1:
        return stretch, _INDEXED
    return stretch, _BARE if letters and not indexed else None


def _is_weight(part: Formula) -> bool:
    """W_2, dW_1: a matrix with one number below."""
    if not isinstance(part, Index) or len(part.entries) != 1 or not isinstance(part.entries[0], Number):
        return False
    return isinstance(part.base, Symbol) and part.base.name in ("W", "dW", "w", "theta", "Theta")


def _numbered(equations: list[tuple[Found, Equation]], form: _Form, stretch: Stretch) -> Stretch | None:
    """The stretch with δ as what the text says where the numbers of layers say more than its letter.

    `z_i`, which is a[i-1] here, makes δ_i of `δ_i = ∂L/∂z_i` da[i-1]; beside `δ_{N-1} = ∂L/∂z_N` it is da[i] too, and
    there are two readings. None where δ and that by which it is the derivative have the same number in our count.
    """
    if form is not _LAYERED:
        return None
    readings: list[tuple[str, Notation]] = []
    for name, notation in stretch.readings:
        meanings: dict[tuple[str, int], str] = {}
        for _, e in equations:
            for meaning in _shifted(canonical(e, notation.as_letters())):
                meanings.setdefault(meaning, exact(e))
        if not meanings or len({ours for ours, _ in meanings}) > 1 or {shift for _, shift in meanings} == {0}:
            return None
        for (ours, shift), text in meanings.items():
            place = form.behind[:-1] + (f"{shift:+d}]" if shift else "]")
            said = ", ".join(x for x in (name, text if len(meanings) > 1 else "") if x)
            readings.append((said, replace(notation, letters=(*notation.letters, (form.pattern, f"{ours}{place}")))))
    return replace(stretch, readings=tuple(readings))


def _shifted(equation: Formula) -> Iterator[tuple[str, int]]:
    """dz and how much larger its layer is than that of δ, for every δ that is said to be ∂L/∂z."""
    for side in equation.children:
        delta = side.base if isinstance(side, Index) else side
        if not isinstance(delta, Symbol) or delta.name != "delta":
            continue
        for other in equation.children:
            ours = _said(other)
            if ours and isinstance(other, Partial):
                below = other.denominator.base if isinstance(other.denominator, Index) else other.denominator
                by = apart(below.layer, delta.layer) if isinstance(below, Symbol) else None
                if by is not None:
                    yield ours, by


def _meaning(equations: list[tuple[Found, Equation]], form: _Form, stretch: Stretch, judge: Judge) -> str:
    about = [(f, e) for f, e in equations if _is_delta(e.sides[0])]
    said = {x for _, e in about for side in e.sides[1:] if (x := _said(side))}
    if said:
        return said.pop() if len(said) == 1 else ""
    using = [(f, e) for f, e in equations if not _is_delta(e.sides[0])]

    def holds(found: Found, meaning: str) -> bool:
        meant = _with_delta(stretch, form, meaning)
        declared = tuple(notation.declared(name) for name, notation in meant.readings)
        return judge(found, declared).verdict in ("right", "right if")

    for meaning in _TRIED:
        if any(holds(f, meaning) for f, _ in using[:_MOST]):
            return meaning
    if form is _LAYERED and about:
        return "dz"
    return "dz" if any(holds(f, "dz") for f, _ in about[:_MOST]) else ""


def _equations(found: Sequence[Found], notation: Notation, read: Read) -> Iterable[tuple[Found, Equation]]:
    for f in found:
        try:
            equation = read(f, notation)
        except ChainruleError:
            continue
        if len(equation.sides) > 1:
            yield f, equation


def _has_delta(formula: str) -> bool:
    return "delta" in formula or "δ" in formula


def _is_delta(part: Formula) -> bool:
    base = part.base if isinstance(part, Index) else part
    return isinstance(base, Symbol) and base.name == "delta"


def _said(part: Formula) -> str:
    """dz for ∂L/∂z_i, -dz for -∂L/∂z_i; empty for anything else."""
    if isinstance(part, Negate):
        inner = _said(part.operand)
        return f"-{inner}" if inner and inner[0] != "-" else ""
    if not isinstance(part, Partial):
        return ""
    below = part.denominator.base if isinstance(part.denominator, Index) else part.denominator
    above = part.numerator.function if isinstance(part.numerator, Call) else part.numerator
    cost = isinstance(above, Symbol) and above.name in COSTS
    return _STANDS_FOR.get(below.name, "") if cost and isinstance(below, Symbol) else ""


def _with_delta(stretch: Stretch, form: _Form, ours: str) -> Stretch:
    letter = (form.pattern, f"{ours}{form.behind}")
    return replace(
        stretch, readings=tuple((name, replace(n, letters=(*n.letters, letter))) for name, n in stretch.readings)
    )
