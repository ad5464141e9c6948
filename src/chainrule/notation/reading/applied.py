"""Whether a letter before a bracket is applied to what stands in it, or is a factor."""

from __future__ import annotations

import re
from dataclasses import replace

from ..formula import Formula, Index, Number, Symbol, symbols
from .clauses import INDICES
from .gradients import Gradients
from .grammar import Factor
from .parts import BRACKETED, COSTS, PARAMETERS, PER_SAMPLE, WITH_LAYER, WITHOUT_LAYER, Item, single
from .tokens import FUNCTIONS, is_differential, words

# Letters that stand before a bracket as factors: parameters, numbers, signs; and those that number what they stand at.
_NEVER_APPLIED = words(
    "W w b B x X d i j k l m n M N D K e T I alpha beta gamma delta Delta epsilon eta lambda mu nu xi zeta tau theta "
    "kappa omega pi nabla ones partial"
)
_NUMBERS = INDICES | words("i j k l m n s t N M K L T tau mu")
_SIZED = re.compile(r"\s*(?:\\!\s*)?\\(?:left|[bB]igg?l?)\s*")
_ABOUT_A_LETTER = frozenset({"sub", "sup", "idx", "prime"})


class Applications(Gradients):
    """Answers whether a factor is a function of the one that follows it."""

    def unwrapped(self, factor: Factor) -> Factor:
        """`{g^{[l]}}'`, `(g^{[l]})'`, `{g'}(z)`: the letter of a function in brackets, with all that hangs on it."""
        if factor.kind not in ("lbrace", "lpar") or len(factor.value.items) != 1:
            return factor
        inner = single(factor.value.items[0])
        if inner is None or len(inner) != 1 or inner[0].factor.kind != "name" or not self.is_function(inner[0].factor):
            return factor
        letter = inner[0].factor
        marks = [*letter.marks, *factor.marks]
        if factor.kind == "lpar" and not any(kind == "prime" for kind, _ in marks):
            return factor
        return Factor("name", letter.value, factor.start, factor.end, marks)

    def is_bare_function(self, factor: Factor) -> bool:
        """A function's name that waits for its argument: ln, exp, not g."""
        return factor.kind == "name" and factor.value in FUNCTIONS

    def is_function(self, factor: Factor) -> bool:
        if factor.value in FUNCTIONS or self.has_parameters(factor):
            return True
        return factor.value in self.letters.functions and factor.value not in self.quantities

    def has_parameters(self, factor: Factor) -> bool:
        """`h_\theta`, `h_{w,b}`: a letter of functions that is made with parameters, also where it is declared ŷ."""
        if factor.value not in self.letters.functions or [kind for kind, _ in factor.marks] != ["sub"]:
            return False
        runs = [single(x) for x in factor.marks[0][1].items]
        return all(r is not None and len(r) == 1 and r[0].factor.value in PARAMETERS for r in runs)

    def is_part(self, factor: Factor, follows: Item) -> bool:
        """`Theta2(:, 2:end)`, `A(:, i)`: rows or columns, as MATLAB writes them."""
        group = follows.factor
        if group.kind != "lpar" or not follows.glued or factor.value in FUNCTIONS:
            return False
        inside = [f for c in group.value.items for side in c.sides[:1] for f in side[0][1][0].factors]
        return any(f.kind == "colon" for f in inside)

    def is_applied(self, factor: Factor, follows: Item) -> bool:
        """`H(y, yhat)`, `E(w)`, `u(z)`, `a(z)`: a letter right before letters that it depends on, no factor."""
        group = follows.factor
        of_parameters = group.kind == "lbrack" and factor.value in COSTS and len(group.value.items) == 1  # E[w]
        if (
            not (group.kind == "lpar" or of_parameters)
            or not follows.glued
            or any(kind not in _ABOUT_A_LETTER for kind, _ in factor.marks)
        ):
            return False
        several = len(group.value.items) > 1
        if several and group.value.semicolons and factor.value in _NEVER_APPLIED:
            return False
        if several and factor.value not in WITH_LAYER | WITHOUT_LAYER | PER_SAMPLE:
            return not is_differential(factor.value)
        if self.has_the_index_of(group, factor):
            return True
        if factor.value in _NEVER_APPLIED or is_differential(factor.value):
            return False
        if not several and any(kind == "power" for kind, _ in group.marks):
            return False
        return all(self.is_variable(single(x), factor.value) for x in group.value.items)

    def is_activation_of(self, factor: Factor, follows: Item) -> bool:
        """`a[f_{k-1}]`, `a'[z]`: a right before a letter in square brackets, as Prince writes activations."""
        group = follows.factor
        beside = follows.glued or _SIZED.fullmatch(self.text[factor.end : group.start])
        if (factor.kind, factor.value, group.kind) != ("name", "a", "lbrack") or not beside:
            return False
        plain = all(kind == "prime" for kind, _ in factor.marks) and len(group.value.items) == 1
        return plain and self.is_variable(single(group.value.items[0]), "a")

    def has_the_index_of(self, group: Factor, factor: Factor) -> bool:
        r"""`\theta_h(a_h)`, `f_j(net_j)`: a letter with the index of the letter in its brackets is its activation."""
        inner = single(group.value.items[0]) if len(group.value.items) == 1 and not group.marks else None
        if factor.value in WITH_LAYER | WITHOUT_LAYER - {"theta"} or is_differential(factor.value):
            return False
        if inner is None or len(inner) != 1 or inner[0].factor.kind != "name" or inner[0].negative:
            return False
        below = [
            [self.entries(x, f.value, f) for kind, x in f.marks if kind == "sub"] for f in (factor, inner[0].factor)
        ]
        return bool(below[0]) and below[0] == below[1]

    def is_taken_of(self, factor: Factor) -> bool:
        r"""Whether a function's letter is applied to the matrix behind it, `\sigma\begin{pmatrix}`, or is a factor."""
        if factor.value in COSTS:
            return False
        notes = (
            f"{factor.value} is applied to the matrix behind it",
            f"{factor.value} is a factor of the matrix behind it",
        )
        if factor.value in ("g", "f", "h"):  # that are quantities too
            return self.choose(*notes) == 0
        return True

    def is_variable(self, items: list[Item] | None, function: str) -> bool:
        """Whether an argument is one letter of a quantity: not the index or the number of a sample, nor `1 - a`."""
        if items is None or items[0].negative:
            return False
        if len(items) == 2 and function in COSTS and items[1].glued and items[1].factor.kind == "lpar":
            items = items[:1] if self.numbered(items[0].factor, items[1]) is not None else items  # E(w(t))
        if len(items) != 1:
            return False
        letter = items[0].factor
        plain = letter.kind == "name" and all(kind in _ABOUT_A_LETTER for kind, _ in letter.marks)
        return plain and letter.value not in _NUMBERS and letter.value != function

    def is_turned_factor(self, item: Item) -> bool:
        """Whether a bracket that stands apart is transposed and no single letter: a factor, no argument."""
        factor = item.factor
        if item.glued or not self.is_turned(factor) or len(factor.value.items) != 1:
            return False
        inner = single(factor.value.items[0])
        return inner is None or len(inner) > 1 or inner[0].factor.marks != []

    def is_turned(self, factor: Factor) -> bool:
        """Whether a bracket is transposed and nothing else."""
        if factor.kind != "lpar" or len(factor.marks) != 1:
            return False
        kind, content = factor.marks[0]
        return (kind == "attr" and content == "T") or (kind == "sup" and self.is_turning(content))

    def is_plain_factor(self, factor: Factor) -> bool:
        """Whether a factor behind that of a function may belong to its argument: a letter, a power, a fraction."""
        return factor.kind in ("frac", "sqrt", "num") or (factor.kind == "name" and not self.is_function(factor))

    def is_expression(self, group: Factor) -> bool:
        """Whether a bracket holds a sum or a product, no size."""
        if group.kind not in BRACKETED or len(group.value.items) != 1 or group.value.items[0].relations:
            return False
        inner = single(group.value.items[0])
        return inner is None or len(inner) > 1

    def running(self, factor: Factor) -> Formula | None:
        """`\\prod_{c=1}^{K}`, max_{k=1}^{n}: a function over indices with limits; None where it has none."""
        limited = any(kind == "sub" and any(c.relations for c in content.items) for kind, content in factor.marks)
        if factor.value not in ("prod", "max", "min") or not limited:
            return None
        return Index(Symbol(factor.value), self.bounds(factor))

    def numbered_cost(self, factor: Factor, follows: Item) -> Formula | None:
        """L(k), the loss of sample k."""
        if factor.value not in COSTS or not follows.glued or follows.factor.kind != "lpar":
            return None
        index = self.sample_index(follows.factor)
        if isinstance(index, Symbol) and index.name in ("i", "j", "k"):
            symbol = self.symbol(factor)
            if isinstance(symbol, Symbol):
                return self.marked(replace(symbol, sample=index), follows.factor.marks, factor.start)
        return None

    def numbered(self, factor: Factor, follows: Item) -> Formula | None:
        """`a[l](i)` and `x(i)`, the sample i of a quantity; a layer where layers stand in parentheses."""
        group = follows.factor
        if group.kind != "lpar" or not follows.glued or factor.value in FUNCTIONS:
            return None
        index = self.sample_index(group)
        if index is None:
            return None
        marks = self.sorted_marks(factor)
        single = isinstance(index, Number) or (isinstance(index, Symbol) and index.name in "ijksnmN")
        layered = self.letters.layer == "parentheses" and marks.layer is None
        layered = layered and not self.is_of_sample(factor.value, index)
        if factor.value in self.letters.functions and not (layered and factor.value == "g"):
            return None
        first = factor.marks[0][0] if factor.marks and self.letters.layer == "parentheses" else ""
        if first == "sup" and isinstance(marks.layer, Number) and not marks.entries and marks.sample is None:
            marks.entries, marks.layer, layered = (marks.layer,), None, True  # a0(L)
        if layered and not marks.after and not marks.prime and factor.value not in COSTS:
            marks.layer = index
        elif (marks.layer is not None or (factor.value in PER_SAMPLE and single)) and not marks.after:
            marks.sample = index
        elif factor.value in PARAMETERS and any(s.name in ("t", "n", "k") for s in symbols(index)) and not marks.after:
            marks.sample = index  # w(t), of step t
        elif {s.name for s in symbols(index)} & self.steps and marks.sample is None and not marks.prime:
            marks.sample = index  # e_j(n), d_j(n), y_j(n)
        else:
            return None
        return self.marked(self.assembled(factor, marks), group.marks, factor.start)
