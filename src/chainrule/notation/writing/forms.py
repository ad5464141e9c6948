"""What a part of a formula is to a writer: a number, a product of matrices, something that ends in a sum."""

from __future__ import annotations

from ..formula import Binary, Bound, Call, Formula, Index, Negate, Number, Sum, Symbol, Transpose
from ..style import Style
from .signs import ENTRIES, PRODUCTS


def would_be_derivative(f: Binary) -> bool:
    """Whether a quotient such as dZ / dA would be read as a derivative."""
    below = f.right
    while isinstance(below, Index | Transpose | Binary):
        below = below.children[0]
    return is_differential(below) and any(is_differential(x) for _, x in f.left.walk())


def is_differential(f: Formula) -> bool:
    return isinstance(f, Symbol) and f.name.startswith("d") and len(f.name) > 1


def looks_indexed(power: Binary, style: Style) -> bool:
    """Whether what is raised would be read as the number of a component: z_2^k, and any letter as in x^n."""
    if style.letters.component != "superscript" or not isinstance(power.left, Symbol):
        return False
    return power.left.layer is not None or any(isinstance(x, Symbol) for x in power.right.parts)


def is_scalar(f: Formula) -> bool:
    """Whether a factor is a number or a size as it stands."""
    match f:
        case Number():
            return True
        case Symbol(name=name):
            return name in ("m", "n", "alpha", "lambda") and f.sample is None
        case Binary(sign=sign):
            return sign in ("/", "*", "·", "^", " ") and is_scalar(f.left) and is_scalar(f.right)
        case Negate():
            return is_scalar(f.operand)
    return False


def is_size(f: Formula) -> bool:
    """A product of numbers and sizes, as below 1/(2 m)."""
    return isinstance(f, Binary) and is_scalar(f)


def ends_in_number(f: Formula) -> bool:
    return isinstance(f, Number)


def running(f: Formula) -> Sum | None:
    """The body and bounds of a sum, or of what is written like one: a product, a maximum, a minimum over indices."""
    match f:
        case Sum():
            return f
        case Call(function=Index(base=Symbol(), entries=bounds), arguments=(body,), names=()):
            return Sum(body, bounds) if all(isinstance(b, Bound) for b in bounds) else None
    return None


def compared(f: Formula) -> tuple[Formula, str, Formula] | None:
    """The sides of a > b and a < b, which are calls of `greater` and `less`."""
    match f:
        case Call(function=Symbol(name="greater" | "less" as name), arguments=(a, b), names=()):
            return a, ">" if name == "greater" else "<", b
    return None


def conditional(f: Call) -> tuple[tuple[Formula, str, Formula], Formula, Formula] | None:
    """The comparison and the two branches of `where(a < b, x, y)`; None for another call."""
    if f.function != Symbol("where") or len(f.arguments) != 3 or (asked := compared(f.arguments[0])) is None:
        return None
    return asked, f.arguments[1], f.arguments[2]


def ends_in_sum(f: Formula) -> bool:
    """Whether what follows would be read into a Σ."""
    while True:
        match f:
            case _ if running(f) is not None:
                return True
            case Binary(right=right):
                f = right
            case Negate(operand=operand):
                f = operand
            case _:
                return False


def leads_with_matrices(f: Formula) -> bool:
    """Whether a product is one of matrices all the way to its beginning."""
    while isinstance(f, Binary) and f.sign in PRODUCTS:
        if f.sign not in "@ ":
            return False
        f = f.left
    return True


def leads_with_multiple(f: Formula, fractions: bool) -> bool:
    """Whether a product begins with a product without a star, 2 · B or A B."""
    while isinstance(f, Binary) and f.sign in PRODUCTS and not (fractions and f.sign == "/"):
        if f.sign in ("·", " ") or (f.sign in ENTRIES and is_scalar(f.left)):
            return True
        f = f.left
    return False


def leads_with_minus(f: Formula) -> bool:
    while isinstance(f, Binary) and f.sign != "^":
        f = f.left
    return isinstance(f, Negate) or (isinstance(f, Number) and f.value < 0)
