"""Statements of what a parameter becomes, put into one form: W <- …"""

from __future__ import annotations

from dataclasses import replace

from .formula import ONE, Binary, Equation, Formula, Index, Negate, Partial, Slice, Symbol, Transpose, symbols

PARAMETERS = frozenset({"W", "w", "b", "theta", "Theta", "beta"})
_STEPS = [Symbol(name) for name in ("t", "k", "n", "s", "tau", "new")]
CHANGES = {f"Delta{x}": x for x in ("W", "w", "b", "theta", "Theta")}  # the change of a parameter in a step


def as_update(formula: Formula) -> Formula:
    """`ΔW = …`, the change of a parameter in a step, as W <- W + …"""
    if not isinstance(formula, Equation) or len(formula.sides) < 2 or formula.relations[0] not in ("=", ":="):
        return formula
    left = formula.sides[0]
    change = left.base if isinstance(left, Index) else left
    if not isinstance(change, Symbol) or change.name not in CHANGES:
        return formula
    if any(isinstance(x, Symbol) and x.name == change.name for side in formula.sides[1:] for x in side.parts):
        return formula
    after = left.mapped(lambda x: replace(change, name=CHANGES[change.name]) if x is change else x)
    return Equation((after, *(Binary("+", after, side) for side in formula.sides[1:])), ("<-", *formula.relations[1:]))


def as_accumulated(formula: Formula) -> Formula:
    """`dw <- dw + x(i) dz(i)`, what sample i adds to a gradient or a cost, as ∂L(i)/∂w = x(i) dz(i)."""
    if not isinstance(formula, Equation) or len(formula.sides) != 2 or formula.relations[0] not in ("<-", ":=", "="):
        return formula
    left, right = formula.sides
    if not isinstance(right, Binary) or right.sign not in "+-" or right.left != left or left in right.right.parts:
        return formula
    letter = left.base if isinstance(left, Index) else left
    samples = {s.sample for s in symbols(right.right) if s.sample is not None}
    if not isinstance(letter, Symbol) or letter.sample is not None or len(samples) != 1:
        return formula
    sample = samples.pop()
    if not isinstance(sample, Symbol):
        return formula
    of_one = Symbol("L", None, sample)
    added = Negate(right.right) if right.sign == "-" else right.right
    if letter.name in ("J", "C", "cost"):
        return Equation((of_one, added), ("=",))
    if letter.name.removeprefix("d") not in PARAMETERS or not letter.name.startswith("d"):
        return formula
    by = left.mapped(lambda x: replace(letter, name=letter.name[1:]) if x is letter else x)
    return Equation((Partial(of_one, by), added), ("=",))


def as_step(formula: Formula) -> Formula:
    """`w_{t+1} = w_t - …`, `w^{(t+1)} = w^{(t)} - …`, `w_new = w_old - …`, `w' = w - …` as w <- w - …"""
    if not isinstance(formula, Equation) or len(formula.sides) != 2 or formula.relations[0] not in ("=", ":=", "<-"):
        return formula
    left, right = formula.sides
    found = _unnumbered(left)
    if found is None:
        return formula
    bare, step = found
    now = _before(step)
    if now is None:  # w_t = w_{t-1} - …
        now = Binary("-", step, ONE)
        if now not in right.parts:
            return formula
    after = right.mapped(lambda x: _without(_without(x, now), step))
    first = after
    while isinstance(first, Binary) and first.sign in "+-":
        first = first.left
    own = bare.base if isinstance(bare, Index) else bare
    if first != bare or not isinstance(own, Symbol) or own.name not in PARAMETERS:
        return formula
    return Equation((bare, after), ("<-",))


def _before(step: Formula) -> Formula | None:
    """t of t + 1, "old" of "new"; None for t, whose step before is written with it."""
    if step == Symbol("new"):
        return Symbol("old")
    return step.left if isinstance(step, Binary) and step.sign == "+" and step.right == ONE else None


def _unnumbered(left: Formula) -> tuple[Formula, Formula] | None:
    """A parameter without the number of its step, and that number: t + 1, "new", t."""
    if isinstance(left, Binary) and left.sign == "^" and _is_step(left.right):
        return left.left, left.right
    if isinstance(left, Index):
        if _is_step(left.entries[-1]) and (
            len(left.entries) != 2 or left.entries[-1] not in (Symbol("k"), Symbol("n"))
        ):
            rest = left.entries[:-1]
            return (replace(left, entries=rest) if rest else left.base), left.entries[-1]
        inner = _unnumbered(left.base)
        return None if inner is None else (replace(left, base=inner[0]), inner[1])
    if not isinstance(left, Symbol):
        return None
    if left.prime == 1:
        return replace(left, prime=0), Symbol("new")
    if left.name.endswith("_new"):
        return replace(left, name=left.name.removesuffix("_new")), Symbol("new")
    if left.sample is not None and _is_step(left.sample):
        return replace(left, sample=None), left.sample
    if left.layer is not None and isinstance(left.layer, Binary) and _is_step(left.layer):
        return replace(left, layer=None), left.layer
    return None


def _is_step(number: Formula) -> bool:
    """`t + 1`, `t`, `new`."""
    if isinstance(number, Binary):
        return number.sign == "+" and number.right == ONE and isinstance(number.left, Symbol)
    return number in _STEPS


def _without(part: Formula, step: Formula) -> Formula:
    """A quantity without the number of its step, where it has that."""
    if isinstance(part, Symbol):
        name = part.name.removesuffix("_old").removesuffix("_prev") if step == Symbol("old") else part.name
        sample = None if part.sample == step else part.sample
        layer = None if part.layer == step else part.layer
        return part if (name, sample, layer) == (part.name, part.sample, part.layer) else Symbol(name, layer, sample)
    if isinstance(part, Index) and step in part.entries[-1:]:
        rest = part.entries[:-1]
        return replace(part, entries=rest) if rest else part.base
    return part.left if isinstance(part, Binary) and part.sign == "^" and part.right == step else part


def upright(formula: Formula) -> Formula:
    """`W.T <- W.T - …`, where another letter stands for W.T, as W <- W - (…).T"""
    if isinstance(formula, Equation) and isinstance(formula.sides[0], Index):
        return formula.mapped(_entry_of_transpose)
    if not isinstance(formula, Equation) or not isinstance(formula.sides[0], Transpose):
        return formula
    left = formula.sides[0].operand
    own = any(part == formula.sides[0] for side in formula.sides[1:] for part in side.parts)
    if not isinstance(left, Symbol) or not own:
        return formula
    return Equation(tuple(_turned(side) for side in formula.sides), formula.relations)


def _entry_of_transpose(part: Formula) -> Formula:
    """W.T[i, j] as W[j, i]."""
    if not isinstance(part, Index) or any(isinstance(x, Slice) for x in part.entries):
        return part
    if isinstance(part.base, Transpose) and len(part.entries) == 2:
        return Index(part.base.operand, part.entries[::-1]) if isinstance(part.base.operand, Symbol) else part
    return part


def _turned(part: Formula) -> Formula:
    """The transpose of a sum, term by term."""
    if isinstance(part, Transpose):
        return part.operand
    if isinstance(part, Negate):
        return Negate(_turned(part.operand))
    if isinstance(part, Binary) and part.sign in "+-":
        return Binary(part.sign, _turned(part.left), _turned(part.right))
    return Transpose(part)
