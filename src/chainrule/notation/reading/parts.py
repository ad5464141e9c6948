"""What resolving needs of single factors: names with a meaning of their own, marks, and plain questions on trees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

from ..formula import (
    Binary,
    Bound,
    Call,
    Formula,
    Index,
    Negate,
    Number,
    Partial,
    Slice,
    Sum,
    Symbol,
    Transpose,
    symbols,
)
from .clauses import INDICES
from .grammar import Chain, Factor, List, Product
from .tokens import FUNCTIONS, KEYWORDS, is_differential, words

MAX_FACTORS = 120
MAX_DEPTH = 150
MAX_READINGS = 8

# What has no layer of its own, so that a bracket behind it is an index, and what has one value per sample.
WITHOUT_LAYER = words("x y yhat Y X Yhat theta i j k m N alpha p t")
DATA = words("x y yhat X Y Yhat")  # of no layer, so that a number in parentheses is that of a sample
PER_SAMPLE = words("x y yhat z a dz da dyhat delta ell")
WITH_LAYER = words("W w b B Z A z a g dZ dA dz da dW dw db delta Delta epsilon n")  # where a bare W^l is of layer l
PER_LAYER = words("W b dW db n g")
PARAMETERS = words("w b W theta Theta beta")
COSTS = frozenset({"L", "C", "J", "E", "l"})
SCALARS = words("alpha eta lambda m N n L C J beta gamma mu")
BRACKETED = frozenset({"lpar", "lbrack", "lbrace"})
POWERED = frozenset({"ln", "log", "exp", "log10", "log2"})
MATRIX_SIGNS = frozenset("@· ")
ENTRY_SIGNS = frozenset("*∘/")
OPERATIONS = {"dot": "@", "matmul": "@", "multiply": "∘", "hadamard": "∘", "add": "+", "subtract": "-", "divide": "/",
              "power": "^"}  # fmt: skip


@dataclass(frozen=True)
class Item:
    """A factor of a product with the sign before it, " " where there is none."""

    sign: str
    negative: bool
    factor: Factor
    glued: bool


Terms = list[tuple[str, list[Item]]]


@dataclass
class Marks:
    """What hangs on a letter, sorted."""

    layer: Formula | None = None
    sample: Formula | None = None
    prime: int = 0
    entries: tuple[Formula, ...] = ()
    turned: bool = False  # the T of a transpose stands nearer to the letter than its indices
    after: list[tuple[str, Formula | tuple[Formula, ...] | None]] = field(default_factory=list)


def items_of(product: Product) -> Iterator[Item]:
    for part in product:
        end = -1
        for k, factor in enumerate(part.factors):
            yield Item(" " if k else part.sign, part.negative and k == 0, factor, k > 0 and factor.start == end)
            end = factor.end


def single(chain: Chain) -> list[Item] | None:
    """The factors of a chain that is one product without signs, else None."""
    if chain.relations or len(chain.sides[0]) != 1 or chain.sides[0][0][0] or len(chain.sides[0][0][1]) != 1:
        return None
    return list(items_of(chain.sides[0][0][1]))


def first_item(chain: Chain) -> Item | None:
    if chain.relations or chain.sides[0][0][0]:
        return None
    return next(items_of(chain.sides[0][0][1]))


def defined_function(chain: Chain) -> str:
    """q of `q(z) = …`, `q(u, v) := …`: a letter applied to letters alone at the left; "" for a number of a sample."""
    if not chain.relations or chain.relations[0] not in ("=", ":="):
        return ""
    left = single(Chain(chain.sides[:1], []))
    if left is None or len(left) != 2 or not left[1].glued or left[1].factor.kind != "lpar" or left[1].factor.marks:
        return ""
    function, arguments = left[0].factor, [single(x) for x in left[1].factor.value.items]
    if function.kind != "name" or any(kind != "prime" for kind, _ in function.marks):
        return ""
    for x in arguments:
        if x is None or len(x) != 1 or x[0].factor.kind != "name" or x[0].factor.value in FUNCTIONS:
            return ""
    quantity = function.value in WITH_LAYER | WITHOUT_LAYER | PER_SAMPLE
    return "" if quantity or is_differential(function.value) else str(function.value)


def begins_change(factor: Factor) -> bool:
    return factor.kind == "partial" or (
        factor.kind == "name" and (factor.value == "d" or is_differential(factor.value))
    )


def operand_apart(items: list[Item], j: int) -> list[Item]:
    """`d/dx[x**2]`: the bracket behind the denominator of an operator is its operand, no index."""
    factor = items[j].factor
    if not factor.marks or factor.marks[-1][0] != "idx" or (j + 1 < len(items) and items[j + 1].sign == " "):
        return items
    bare = Factor(factor.kind, factor.value, factor.start, factor.end, factor.marks[:-1])
    operand = Factor("lbrack", factor.marks[-1][1], factor.end, factor.end)
    return [*items[:j], replace(items[j], factor=bare), Item(" ", False, operand, True), *items[j + 1 :]]


def _hanging(part: object) -> Iterator[Factor]:
    """The factors in a part and in all that hangs on them."""
    stack: list[object] = [part]
    while stack:
        x = stack.pop()
        if isinstance(x, Factor):
            yield x
            stack += [x.value, *(content for _, content in x.marks)]
        elif isinstance(x, Chain):
            stack += [f for side in x.sides for _, product in side for part in product for f in part.factors]
        elif isinstance(x, List):
            stack += x.items
        elif isinstance(x, list | tuple):
            stack += x


def mentioned(factor: Factor) -> set[str]:
    """The names and sum signs in a factor and in all that hangs on it."""
    return {x.value for x in _hanging(factor) if x.kind in ("name", "sumop")}


def has_bare(chain: Chain, name: str) -> bool:
    """Whether a letter or its change, e or de, stands somewhere as a factor without an exponent."""
    return any(
        x.kind == "name" and x.value in (name, f"d{name}") and not any(k in ("sup", "power") for k, _ in x.marks)
        for x in _hanging(chain)
    )


def stands_bare(name: str, content: List) -> bool:
    """Whether a letter stands among the operands of a bracket without an argument: h in `1 - h`, not in `h(x)`."""
    for chain in content.items:
        for part in (p for side in chain.sides for _, product in side for p in product):
            for k, factor in enumerate(part.factors):
                applied = k + 1 < len(part.factors) and part.factors[k + 1].kind == "lpar"
                if factor.kind == "name" and factor.value == name and not applied:
                    return True
    return False


def method_mark(marks: list[tuple[str, object]]) -> int | None:
    """Which mark is a method that takes arguments, or None."""
    return next((k for k, (kind, v) in enumerate(marks) if kind == "attr" and v not in ("T", "prime")), None)


def applies(factor: Factor) -> bool:
    """Whether a factor is the name of a known function."""
    return factor.kind == "name" and factor.value in FUNCTIONS


def keyword(chain: Chain) -> str:
    """The name in `axis = 1`, or "" where a chain is no argument by name."""
    if chain.relations != ["="] or len(chain.sides[0]) != 1 or len(chain.sides[0][0][1]) != 1:
        return ""
    factors = chain.sides[0][0][1][0].factors
    if len(factors) == 1 and factors[0].kind == "name" and factors[0].value in KEYWORDS and not factors[0].marks:
        return str(factors[0].value)
    return ""


def one_bracket(items: list[Item]) -> bool:
    """Whether a sum's body is one bracket, which says by itself where the sum ends."""
    return len(items) == 1 and items[0].factor.kind in ("lpar", "lbrack") and not items[0].negative


def added(total: Formula | None, sign: str, value: Formula) -> Formula:
    if total is None:
        return Negate(value) if sign == "-" else value
    return Binary(sign, total, value)


def left_to_right(found: list[tuple[str, Formula, bool]]) -> Formula:
    value = found[0][1]
    for sign, factor, _ in found[1:]:
        value = Binary(sign, value, factor)
    return value


def magnitude(exponent: Formula) -> float:
    """The magnitude of an exponent that is a number, also as a power of numbers; 0 for others."""
    if isinstance(exponent, Number):
        return float(min(abs(exponent.value), Fraction(10**9)))
    if isinstance(exponent, Negate):
        return magnitude(exponent.operand)
    if isinstance(exponent, Binary) and exponent.sign in "^*" and isinstance(exponent.left, Number):
        base, top = magnitude(exponent.left), magnitude(exponent.right)
        if exponent.sign == "*":
            return base * top
        return 0.0 if top == 0 else min(base, 1e3) ** min(top, 60) if base > 1 else 1.0
    return 0.0


def is_scalar(formula: Formula) -> bool:
    """Whether a factor is plainly a number: 1/m, alpha, an entry W_ij, a quotient of such."""
    if isinstance(formula, Number):
        return True
    if isinstance(formula, Symbol):
        return formula.name in SCALARS and formula.layer is None
    if isinstance(formula, Index):
        if any(isinstance(x, Slice) for x in formula.entries):
            return False
        base = formula.base.operand if isinstance(formula.base, Transpose) else formula.base
        name = base.name if isinstance(base, Symbol) else ""
        matrix = name.removeprefix("d")[:1].isupper() or not name
        return len(formula.entries) == 2 or (len(formula.entries) == 1 and not matrix)
    if isinstance(formula, Negate | Sum):
        return is_scalar(formula.operand if isinstance(formula, Negate) else formula.body)
    if isinstance(formula, Binary):
        return is_scalar(formula.left) and is_scalar(formula.right)
    if isinstance(formula, Partial):
        top = formula.numerator
        cost = (isinstance(top, Symbol) and top.name in COSTS) or (
            isinstance(top, Call) and isinstance(top.function, Symbol) and top.function.name in COSTS
        )
        return (cost or is_scalar(top)) and is_scalar(formula.denominator)
    if isinstance(formula, Call):
        name = formula.function.name if isinstance(formula.function, Symbol) else ""
        return name == "norm" or (len(formula.arguments) == 1 and is_scalar(formula.arguments[0]))
    return False


def depth(formula: Formula) -> int:
    """How deep a tree is, found without recursion."""
    deepest, level = 0, [formula]
    while level:
        deepest += 1
        level = [x for f in level for x in f.children]
    return deepest


def is_matrix(part: Formula) -> bool:
    """Whether a factor of an inner product is a matrix by its letters: A, dW, ∂J/∂W, A B."""
    return any(s.name.removeprefix("d")[:1].isupper() and s.name not in COSTS for s in symbols(part))


def free_indices(formula: Formula) -> tuple[Formula, ...]:
    """The letters that number entries, in the order of the alphabet, and then those that number samples; unbound."""
    bound = {b.index for x in formula.parts if isinstance(x, Sum) for b in x.bounds if isinstance(b, Bound)}
    below = {e for x in formula.parts if isinstance(x, Index) for e in x.entries} - bound
    above = {s.sample for s in symbols(formula) if s.sample is not None} - bound - below
    if not all(isinstance(x, Symbol) and x.name in INDICES for x in below | above):
        return ()
    return (*sorted(below, key=str), *sorted(above, key=str))


def is_two(content: object) -> bool:
    """Whether an exponent is 2."""
    run = single(content.items[0]) if isinstance(content, List) and len(content.items) == 1 else None
    return run is not None and len(run) == 1 and run[0].factor.value == "2"
