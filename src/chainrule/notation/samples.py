"""Numbers of samples that stand bare above or below letters: `h_j^μ`, `E^p`, `t_{pj}`."""

from __future__ import annotations

from dataclasses import replace

from .formula import Binary, Bound, Formula, Index, Symbol

_ALWAYS = frozenset({"mu", "nu"})  # above letters of physicists, no exponents
_USUAL = frozenset({"p", "n", "s", "q"})
_WEIGHTS = frozenset({"W", "w", "b", "theta", "Theta"})
_BATCHES = frozenset({"X", "Y", "Yhat", "Z", "A", "H", "P", "T", "O", "S", "U"})  # with one column or row per sample
_VALUES = frozenset({"x", "y", "z", "a", "t", "o", "h", "u", "s", "d", "net", "yhat", "delta", "out"})


def with_bare_samples(formula: Formula) -> Formula:
    """The formula with the sample μ of every `h_j^μ`, and p of `t_{pj}` and `o_{pj}`, in its place at the letter."""
    above = _above(formula)
    below = _below(formula)
    if not above and not below:
        return formula
    return formula.mapped(lambda part: _placed(part, above, below))


def with_numbered_columns(formula: Formula) -> Formula:
    """`Σ_i (A_i - Y_i)` with the sample i of each matrix of samples, where i may be that of a row."""
    bound = {x.index for x in formula.parts if isinstance(x, Bound) and isinstance(x.index, Symbol)}
    bound -= {x for part in formula.parts if isinstance(part, Index) and len(part.entries) > 1 for x in part.entries}

    def change(part: Formula) -> Formula:
        if not (isinstance(part, Index) and len(part.entries) == 1 and part.entries[0] in bound):
            return part
        base = part.base
        own = isinstance(base, Symbol) and base.sample is None and base.name.removeprefix("d") in _BATCHES
        return replace(base, sample=part.entries[0]) if own and isinstance(base, Symbol) else part

    return formula.mapped(change) if bound else formula


def _owner(base: Formula) -> Symbol | None:
    """The letter that carries a script; None for one with a sample or for anything but a letter."""
    letter = base.base if isinstance(base, Index) else base
    return letter if isinstance(letter, Symbol) and letter.sample is None and not letter.name.isdigit() else None


def _above(formula: Formula) -> frozenset[str]:
    """The letters above others that number samples: μ, and p, n, … over which a sum runs or that several carry."""
    bound = {x.index.name for x in formula.parts if isinstance(x, Bound) and isinstance(x.index, Symbol)}
    carriers: dict[str, set[str]] = {}
    indexed: set[str] = set()
    for part in formula.parts:
        if not isinstance(part, Binary) or part.sign != "^" or not isinstance(part.right, Symbol):
            continue
        letter = _owner(part.left)
        if letter is None or letter.name in _WEIGHTS or part.right != Symbol(part.right.name):
            continue
        carriers.setdefault(part.right.name, set()).add(letter.name)
        indexed |= {part.right.name} if isinstance(part.left, Index) else set()
    return frozenset(
        name
        for name, letters in carriers.items()
        if name in _ALWAYS or (name in _USUAL and (name in bound or (len(letters) > 1 and name in indexed)))
    )


def _below(formula: Formula) -> frozenset[str]:
    """p of `t_{pj}`, `net_{pj}`, where every such letter with two indices has it first and two letters or more do."""
    pairs = [
        (p.base.name, p.entries)
        for p in formula.parts
        if isinstance(p, Index) and isinstance(p.base, Symbol) and p.base.name in _VALUES and len(p.entries) == 2
        if p.base.layer is None and p.base.sample is None
    ]
    firsts = {entries[0] for _, entries in pairs}
    costs = {
        x.entries[0]
        for x in formula.parts
        if isinstance(x, Index) and x.base in (Symbol("E"), Symbol("C"), Symbol("L")) and len(x.entries) == 1
    }
    if len(firsts) != 1 or (len({name for name, _ in pairs}) < 2 and not firsts & costs):
        return frozenset()
    first = firsts.pop()
    return (
        frozenset({first.name}) if first in (Symbol("p"), Symbol("mu")) and isinstance(first, Symbol) else frozenset()
    )


def _placed(part: Formula, above: frozenset[str], below: frozenset[str]) -> Formula:
    if isinstance(part, Binary) and part.sign == "^" and isinstance(part.right, Symbol) and part.right.name in above:
        letter = _owner(part.left)
        if letter is not None and letter.name not in _WEIGHTS:
            return _numbered(part.left, letter, part.right)
    if isinstance(part, Index) and len(part.entries) == 2 and part.entries[0] in {Symbol(x) for x in below}:
        letter = _owner(part.base)
        if letter is not None and letter.name in _VALUES:
            return Index(_numbered(part.base, letter, part.entries[0]), part.entries[1:])
    return part


def _numbered(base: Formula, letter: Symbol, sample: Formula) -> Formula:
    return base.mapped(lambda x: replace(letter, sample=sample) if x is letter else x)
