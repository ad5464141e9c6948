"""What a formula of a document is: a claim, a definition, or words in signs that state nothing."""

from __future__ import annotations

import re
from fractions import Fraction

from ..notation.canonical import COSTS, canonical, is_hypothesis
from ..notation.formula import (
    Array,
    Binary,
    Call,
    Dots,
    Equation,
    Formula,
    Index,
    Negate,
    Number,
    Partial,
    Symbol,
    Transpose,
    symbols,
)
from ..notation.letters import Letters
from ..notation.reading.tokens import COMPARISONS, FUNCTIONS, GREEK, LOSS_NAMES
from ..notation.updates import CHANGES
from .tex import words
from .worked import is_arithmetic, worked

RANGE = re.compile(  # l = 1, ..., L
    r"(?:\\ell|[a-zA-Z])(?:_\{?\w\}?)?\s*=(?:\s|[-+,.…]|\b\w\b|\\(?:l?dots|cdots|ell|,|;|!|quad))*(?:,|…|\.\.\.|dots)"
    r"(?:\s|[-+,.…:]|\b\w\b|\\(?:l?dots|cdots|ell|,|;|!|quad))*"
)
TYPE = re.compile(r":\s*(?:\\mathbb|\\R(?![a-z])|ℝ)")  # f: R^n -> R^m
LETTERS = words(
    "X Y Yhat W b Z A dZ dA dW db x y yhat w z a dz da dw L J C alpha g sigma sig softmax exp ln log sqrt tanh",
    "sigmoid relu i j k l m n ell N M ReLU Softmax Sigmoid Tanh softplus swish silu softsign",
)
ACTIVATIONS = words("f h phi psi varphi")  # besides g, letters for the activations of a network
_CALLED = words("kronecker True False")
_INDICES = words("i j k l m n p q r s t u v N M K D ell")  # letters of indices and sizes
_PARAMETERS = words("W b w theta gamma beta")
_OF_A_LOSS = tuple(Symbol(x) for x in ("y", "yhat", "Y", "Yhat"))  # what a loss of a network is taken of
_OURS = words("W b w Z A z a dZ dA dz da dW db dw Yhat yhat J L")  # quantities of a network
_NOT_OWN = words("sigma sig sigmoid relu softplus swish silu softsign ReLU Softmax Sigmoid Tanh m n N M i j k dx")
# Functions that texts define in several ways, so that what is said of them may be a definition.
_VARIED = words("leaky_relu elu selu gelu mish identity step heaviside norm where clip cosine square")


def nothing_stated(equation: Equation) -> str:
    """Why an equation states nothing about a network: it has one side, or says which numbers an index runs over."""
    if len(equation.sides) < 2:
        return "no relation"
    if any(isinstance(side, Dots) for side in equation.sides):
        return "left out"
    if "->" in equation.relations:
        return "an arrow states no equality"
    updated = equation.sides[0].base if isinstance(equation.sides[0], Index) else equation.sides[0]
    if "<-" in equation.relations and not isinstance(updated, Symbol):
        return "an arrow states no equality"
    if len(set(equation.sides)) == 1:
        return "the same on both sides"
    if equation.sides[1:] == (Number(Fraction(0)),) and _is_slope_of_cost(equation.sides[0]):
        return "what is asked of an optimum"
    if _is_set(equation) or (len(equation.sides) == 2 and worked(equation)):
        return "a number is set"
    if all(_counts(side) for side in equation.sides) and not is_arithmetic(equation):
        return "a range or a size"
    if any(_numbers(side) for side in equation.sides) and (len(equation.sides) == 2 or not worked(equation)):
        return "the numbers of an example"
    match equation.sides:
        case (Symbol(name=name), Array(entries=(Index(base=Symbol(name=inner)),))) if name == inner:
            return "names of entries"  # Z = [Z_ij]
        case (Symbol(name=name, layer=layer), Index(base=Symbol(name=inner, layer=same), entries=places)) if (
            name.lower() == inner.lower() and layer == same and len(places) == 1 + name.isupper()
        ):
            return "names of entries"  # W = (w_ij)
    return ""


def _is_slope_of_cost(left: Formula) -> bool:
    """∂J/∂W, all of it."""
    return isinstance(left, Partial) and isinstance(left.numerator, Symbol) and left.numerator.name in COSTS


def _is_set(equation: Equation) -> bool:
    """`alpha = 0.01`, `b = -1`, `x_1 = 1`: what an example takes."""
    left, *others = equation.sides
    value = others[0].operand if isinstance(others[0], Negate) else others[0]
    if len(others) != 1 or not isinstance(value, Number):
        return False
    if isinstance(left, Index):
        return isinstance(left.base, Symbol) and all(isinstance(e, Number) for e in left.entries)
    numbered = isinstance(left, Symbol) and isinstance(left.layer, Number) and left.name[0] != "d"
    return isinstance(left, Symbol) and (left.layer is None or (numbered and value.value.denominator > 1))


def of_itself(equation: Equation, letters: Letters) -> bool:
    """`scores = scores - max(scores)`: a program's quantity gets another value; parameters are updated so.

    A quantity of the network is moved or scaled as a whole; inside of anything else, A = g(A), it is a claim.
    """
    left = equation.sides[0]
    ours = canonical(left, letters)
    ours = ours.operand if isinstance(ours, Transpose) else ours
    if not isinstance(left, Symbol | Index) or (isinstance(ours, Symbol) and ours.name in _PARAMETERS):
        return False
    if not isinstance(ours, Symbol) or ours.name not in _OURS:
        return any(part == left for side in equation.sides[1:] for part in side.parts)
    return any(isinstance(side, Binary) and side.sign in "+-*/∘" and side.left == left for side in equation.sides[1:])


def _counts(side: Formula) -> bool:
    """Whether a side is made of indices, sizes and whole numbers only."""
    match side:
        case Number() | Dots():
            return True
        case Symbol(name=name):
            return name in _INDICES or name == "L"
        case Index(base=Symbol(name="n")):
            return True  # n_x
        case Binary() | Array():
            return all(_counts(x) for x in side.children)
    return False


def _numbers(side: Formula) -> bool:
    """A matrix of numbers, as in a worked example."""
    side = side.operand if isinstance(side, Transpose) else side
    if not isinstance(side, Array):
        return False
    inner = (x.operand if isinstance(x, Negate) else x for x in side.entries)
    return all(isinstance(x, Number | Dots | Array) and (not isinstance(x, Array) or _numbers(x)) for x in inner)


def defined_letter(equation: Equation, *, anything: bool = False) -> str:
    """The letter outside of this library's names that an equation may define: alone left, not on the right.

    anything  where a text is about no network, every letter is the text's own
    """
    left: Formula = equation.sides[0]
    if equation.relations[0] not in ("=", ":="):
        return ""
    arguments: tuple[Formula, ...] = ()
    alone = isinstance(left, Symbol)
    if isinstance(left, Call):
        arguments = left.arguments
        if not all(isinstance(x, Symbol) for x in arguments) or left.names or is_hypothesis(left.function):
            return ""
        left = left.function
        of_a_loss = any(x in _OF_A_LOSS for x in arguments)
        if (
            of_a_loss
            and not anything
            and isinstance(left, Symbol)
            and left.name in LOSS_NAMES | {"H", "Loss", "loss", "cost", "Cost"}
        ):
            return ""
    if isinstance(left, Index):
        left = left.base
    if not isinstance(left, Symbol) or left.prime:
        return ""
    # g[l](z) is the activation; g(x, W, b) is a function of the document, as no activation has parameters.
    # w alone is the weight of one unit; w_i is whatever the document says.
    defining = equation.relations[0] == ":=" and len(arguments) > 0  # g(x) := …, whatever g is elsewhere
    loss = left.name in ("l", "ell") and len(arguments) > 0 and not any(x in _OF_A_LOSS for x in arguments)
    own = left.layer is None and (
        (anything and left.name not in FUNCTIONS | _NOT_OWN)
        or (left.name == "g" and len(arguments) > 1)
        or (left.name == "w" and not alone)
        or defining
        or loss
    )
    if left.name in LETTERS | CHANGES.keys() | (FUNCTIONS - _VARIED) and not own:
        return ""
    name = left.name
    inside = (p for side in equation.sides[1:] for _, p in side.walk())
    return "" if any(isinstance(p, Symbol) and p.name == name for p in inside) else name


def is_known(equation: Formula, taken: dict[str, str]) -> bool:
    """Whether the sides behind the first are written in names that mean something."""
    names = {s.name for side in equation.children[1:] for s in symbols(side)}
    if isinstance(left := equation.children[0], Call):  # the letters of which a function is defined
        names -= {s.name for x in left.arguments for s in symbols(x)}
    known = LETTERS | FUNCTIONS | set(COMPARISONS.values()) | GREEK.keys() | _CALLED | taken.keys()
    return all(n in known or n.removeprefix("d") in known for n in names)
