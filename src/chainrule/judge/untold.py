"""What is said of a formula that holds nowhere: it defines a letter, a letter means nothing, or the bare facts."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from ..meaning.calls import ACTIVATIONS
from ..meaning.letters import LOSSES, RATES
from ..meaning.seen import updated
from ..notation.formula import Binary, Call, Equation, Formula, Index, Number, Partial, Symbol, symbols
from ..notation.write import exact
from .parts import LAYERED, layers_of
from .sizes import misfit
from .verdict import Finding, Judgement
from .worlds import Survey, highest_layer


def letter_of(side: Formula) -> Formula:
    """y of `y`, `y_k` and `y^2`."""
    while isinstance(side, Index) or (isinstance(side, Binary) and side.sign == "^" and isinstance(side.right, Number)):
        side = side.base if isinstance(side, Index) else side.left
    return side


def defined(tree: Equation, survey: Survey, undeclared: bool) -> str | None:
    """The unknown letter that stands alone at the left, while all else can be evaluated; f of `f(x) = …`."""
    left = tree.sides[0]
    if (
        isinstance(left, Call)
        and isinstance(left.function, Symbol)
        and left.function.name in ACTIVATIONS
        and undeclared
    ):
        inner = [x for side in tree.sides[1:] for x in side.parts if isinstance(x, Symbol)]
        bare = left.function.layer is None and not left.function.prime and left.function not in inner
        return exact(left.function) if bare and all(isinstance(x, Symbol) for x in left.arguments) else None
    letter = letter_of(left)
    if undeclared and isinstance(letter, Symbol) and letter.layer is None and survey.first is not None:
        inside = any(x == letter for side in tree.sides[1:] for x in side.parts)
        if not inside and (letter.name in _GIVEN or (letter != left and not _is_ours(letter))):
            return exact(letter)  # nobody computes a target or an input
    if not isinstance(left, Symbol) or survey.first is None or survey.first.status not in ("undefined", "unreadable"):
        return None
    if tree.relations[:1] not in ((":=",), ("=",)) or (survey.first.path or ())[:1] != (0,):
        return None
    return exact(left)


_GIVEN = ("x", "X", "y", "Y")


def defines_a_number(tree: Equation, known: Collection[str]) -> str | None:
    """Where there is no network: the letter at the left of `e = y - p` that nobody declared and the right has not."""
    letter = letter_of(tree.sides[0])
    if not isinstance(letter, Symbol) or letter.layer is not None or letter.name in known or len(tree.sides) != 2:
        return None
    inside = any(x.name == letter.name for side in tree.sides[1:] for x in symbols(side))
    return None if inside or not any(symbols(tree.sides[1])) else exact(letter)


def _is_ours(letter: Symbol) -> bool:
    return letter.name in LAYERED | {"X", "Y", "Yhat", "x", "y", "yhat", "w", "dw", "L", "J", "C", "ell"}


def renames(judged: Judgement, tree: Equation) -> bool:
    """All that it says is that the letter at the left, which names no layer, should be another: `a = W x + b` for z."""
    left = tree.sides[0]
    letter = letter_of(left)
    one = len(judged.causes) == 1 and judged.cause in ("wrong-operand", "undefined-symbol")
    bare = isinstance(letter, Symbol) and letter.layer is None and not exact(left).startswith("d")
    return one and bare and judged.causes[0].place in (exact(left), exact(letter))


def states_a_loss(tree: Equation) -> bool:
    """`L = …`, `C = …`: the loss or cost itself."""
    left = tree.sides[0]
    return isinstance(left, Symbol) and left.name in ("L", "J", "C", "ell") and left.layer is None


def states_another_loss(tree: Equation) -> bool:
    """`L = |y - ŷ|`, `L = max(0, 1 - y z)`, `L = (y - ŷ)^4`: it has functions or powers that no loss known here has."""
    inner = [x for side in tree.sides[1:] for x in side.parts]
    called = {x.function for x in inner if isinstance(x, Call)}
    return states_a_loss(tree) and (bool(called & _OF_OTHER_LOSSES) or any(map(_is_high_power, inner)))


def _is_high_power(part: Formula) -> bool:
    """x^3 and above, which is no slip in a square."""
    return (
        isinstance(part, Binary) and part.sign == "^" and isinstance(part.right, Number) and part.right.value > _SQUARE
    )


_SQUARE = 2
_OF_OTHER_LOSSES = frozenset(map(Symbol, ("abs", "max", "min", "relu", "maximum", "minimum", "where", "sgn")))
_GUARDS = frozenset(map(Symbol, ("less", "greater", "less_equal", "greater_equal", "step")))


def derives_in_parts(tree: Equation) -> bool:
    """`∂L/∂w = -y x if y wᵀx < 1`: a gradient of which the targets say where it is said, as none known here."""
    guard = _guard(tree)
    return guard is not None and any(isinstance(x, Symbol) and x.name in ("y", "Y") for x in guard.parts)


def _guard(tree: Equation) -> Formula | None:
    """The condition that all sides are multiplied with: `… if z < 1`; None where there is none."""
    guards = {x.left if isinstance(x, Binary) and x.sign == "*" else None for x in tree.sides}
    (guard,) = guards if len(guards) == 1 else (None,)
    return guard if isinstance(guard, Call) and guard.function in _GUARDS else None


def of_lone_letters(tree: Equation) -> bool:
    """`a = b`, `Σ_i x_i = 1`: one letter at most on each side, no derivative and no function."""
    if any(isinstance(x, Call | Partial | Binary) or (isinstance(x, Symbol) and x.name in LOSSES) for x in tree.parts):
        return False
    named = [[x for x in side.parts if isinstance(x, Symbol) and x.name in _QUANTITIES] for side in tree.sides]
    return all(len({x.name for x in side}) <= 1 for side in named) and not any(
        x.name[:1] == "d" or x.name in ("Yhat", "yhat") for side in named for x in side
    )


_QUANTITIES = LAYERED | {"X", "Y", "Yhat", "x", "y", "yhat", "w", "dw"}


def steps_by_its_own_loss(tree: Equation) -> bool:
    """`w <- w + eta y sigma(-y w^T x) x`: a step whose gradient is written out, so that a loss is meant."""
    names = {x.name for x in tree.parts if isinstance(x, Symbol)}
    gradients = any(x[:1] == "d" and x in LAYERED for x in names) or any(isinstance(x, Partial) for x in tree.parts)
    return updated(tree) is not None and not gradients and bool(names & {"y", "Y"})


def derives_its_own_loss(tree: Equation) -> bool:
    """`∂L/∂w = -y x`, `dz = …`: a gradient written out down to the targets, so that a loss is meant."""
    left, *right = tree.sides
    inner = [x for side in right for x in side.parts]
    names = {x.name for x in inner if isinstance(x, Symbol)}
    above = left.numerator if isinstance(left, Partial) else None
    of_loss = isinstance(above, Symbol) and above.name in LOSSES
    if isinstance(left, Call):
        of_loss = left.function == Symbol("nabla")
    base = letter_of(left)
    if isinstance(base, Symbol):
        of_loss = base.name[:1] == "d" and base.name in LAYERED | {"dw", "dyhat", "dYhat"}
    written = not any(isinstance(x, Partial) for x in inner) and not any(x[:1] == "d" and x in LAYERED for x in names)
    return of_loss and written and bool(names & {"y", "Y"})


def sets_a_parameter(tree: Equation) -> bool:
    """`w = (XᵀX)⁻¹ Xᵀ y`, `b = 0`: a parameter at the left alone."""
    left = tree.sides[0]
    base = left.base if isinstance(left, Index) else left
    if not isinstance(base, Symbol) or base.name not in ("W", "w", "b") or len(tree.sides) != 2:
        return False
    names = {x.name for x in tree.sides[1].parts if isinstance(x, Symbol)}
    step = names & RATES or any(x[:1] == "d" and x in LAYERED for x in names)  # of descent, or a gradient
    return not step and base.name not in names


def refused_for(tree: Equation, unknown: frozenset[str]) -> str:
    """Why no mistake is looked for: a letter that is no slip of a known one."""
    for name in sorted(unknown):
        if not difflib.get_close_matches(name, sorted(LAYERED | {"X", "Y", "Yhat", "alpha"}), n=1, cutoff=0.6):
            return f"{name} is not defined: declare what it stands for"
    return ""


def without_layer(tree: Equation, unknown: frozenset[str], declared: bool) -> str:
    """Letters of a network of several layers, of which none is said."""
    bare = sorted(unknown & LAYERED)
    if not declared or not bare or layers_of(tree):
        return ""
    return f"{bare[0]} has no layer: write which one is meant, such as {bare[0]}[1]"


def unmended(
    text: str, plain: Equation, survey: Survey, unknown: frozenset[str], *, layers: int = 0, own: bool = False
) -> Judgement:
    """Nothing known mends it: what is certain is said, and no more.

    layers  of the network that the document declares, `own`: its widths are those that were tried
    """
    reading = exact(plain)
    first = survey.first
    if first is None:
        highest = highest_layer(plain)
        note = "no layer of the networks tried fits its indices"
        if layers and highest > layers:
            note = f"it names layer {highest}, and the network has {layers} layer{'s' * (layers > 1)}"
        return Judgement(text, "cannot tell", note=note, reading=reading)
    where = ""
    if first.path is not None:
        try:
            where = exact(plain.at(first.path))
        except IndexError:
            where = reading
    if unknown:
        names = ", ".join(sorted(unknown))
        words = first.message or f"{names} has no meaning here"
        return Judgement(text, "cannot tell", note=words, reading=reading)
    if first.status == "shape":
        words = first.message if survey.world is None else misfit(plain, first, survey.world, own=own)
        return Judgement(text, "wrong", causes=(Finding("shape", where, words=words),), reading=reading)
    if first.status in ("undefined", "unreadable"):
        return Judgement(text, "cannot tell", note=first.message, reading=reading)
    words = "no single or double edit among the known mistakes mends it"
    if first.message and "!=" in plain.relations:
        words = first.message
    elif first.message:
        words = f"{first.message}; {words}"
    return Judgement(text, "wrong", causes=(Finding("not named", where, words=words),), reading=reading)
