"""What stands above, below and among indices: numbers of layers and samples, ranges, the T of a transpose."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import replace

from ...errors import FormulaError
from ..formula import ONE, Binary, Formula, Number, Range, Symbol, symbols
from ..letters import Letters
from .grammar import Chain, Factor, List, Product
from .parts import DATA, WITH_LAYER, Item, Marks, single
from .tokens import where, words

_NUMBERING = words("i j k l s m n N L H K p q r t mu nu")


_ANOTHER_T = re.compile(r"(?<![A-Za-z\\^])(?<!\^\{)t(?![A-Za-z])|\^\s*\{?t\s*[-+]")
_VALUES = (WITH_LAYER | DATA) - {"g", "n"}


class Places(ABC):
    """Answers what single places of one statement hold; formulas in them are resolved by the heirs."""

    def __init__(self, text: str, letters: Letters, answers: tuple[int, ...] = ()) -> None:
        self.text = text
        self.letters = letters
        self.answers = answers
        self.asked: list[tuple[str, ...]] = []
        self.steps: frozenset[str] = frozenset()  # the letters in brackets that number what they stand behind
        self.e_is_a_letter = False  # because it stands without an exponent somewhere
        self.layered = letters.layered
        self.among_indices = False  # where d is a letter, as in h_{d-1}
        # Letters that are declared as values of layers, which no letter of a function is then: h where it stands for a.
        self.quantities = {p for p, stands_for in letters.rename.items() if re.split(r"\W", stands_for)[0] in _VALUES}

    def choose(self, *notes: str) -> int:
        """The answer at an ambiguous place; `notes` tells the answers, the plainest first."""
        n = len(self.asked)
        self.asked.append(notes)
        return self.answers[n] if n < len(self.answers) else 0

    def error(self, place: int, message: str) -> FormulaError:
        return FormulaError(f"{message} {where(self.text, place)}.")

    @abstractmethod
    def chain(self, chain: Chain) -> Formula:
        """An equation, or the one side of a chain without relations."""

    @abstractmethod
    def side(self, side: list[tuple[str, Product]]) -> Formula:
        """A sum of products."""

    @abstractmethod
    def product(self, items: list[Item]) -> Formula:
        """The value of a product."""

    @abstractmethod
    def value(self, factor: Factor) -> Formula:
        """A factor by itself."""

    def listed(self, content: List, factor: Factor) -> Formula:
        """The one formula of a bracket."""
        if len(content.items) != 1 or content.items[0].relations:
            raise self.error(factor.start, "one quantity must stand here, not a list or an equation")
        return self.chain(content.items[0])

    def counts(self, number: Formula) -> bool:
        """Whether a number may be that of a layer: not k where the letters that number layers are declared."""
        letters = {s.name for s in symbols(number)}
        return not self.letters.layers or letters <= self.letters.layers

    def is_of_sample(self, name: str, number: Formula) -> bool:
        """Whether a number in parentheses is that of a sample, as of data; not `x^{(l-1)}`, nor what is declared."""
        letters = {s.name for s in symbols(number)}
        layer = self.letters.layer == "parentheses" and letters and letters <= {"l", "L"}
        return name in DATA and not layer and not self.is_declared_layer(name, number)

    def is_declared_layer(self, name: str, number: Formula) -> bool:
        """Whether a letter is declared with layers, and a number may be that of one."""
        letters = {s.name for s in symbols(number)}
        return name in self.layered and (counts_layers(number) or letters <= self.layered[name])

    def is_component(self, name: str) -> bool:
        """Whether what stands below a letter is a component although layers stand there: of data, as y_k."""
        return name == "n" or (self.letters.component == "subscript" and name in DATA)

    def is_sample_and_layer(self, content: List, marks: Marks) -> bool:
        """`a^{x,l}`, `z^{(i),l-1}`: takes the sample x and the layer l, in either order, where both stand above."""
        if len(content.items) != 2 or marks.layer is not None or marks.sample is not None or content.semicolons:
            return False
        if any(c.relations or len(c.sides[0]) > 2 for c in content.items):
            return False
        found = [self.bare_number(self.side(c.sides[0])) for c in content.items]
        layered = [x is not None and counts_layers(x) for x in found]
        if None in found or sum(layered) != 1:
            return False
        marks.layer, marks.sample = (found[0], found[1]) if layered[0] else (found[1], found[0])
        return True

    def bare_number(self, part: Formula) -> Formula | None:
        """What may number a layer or a sample: a letter, a number, and one more or less."""
        letter = part.left if isinstance(part, Binary) and part.sign in "+-" and part.right == ONE else part
        return part if isinstance(letter, Symbol | Number) else None

    def is_positive(self, content: List) -> bool:
        """Whether a script is the + of a positive part, z_+."""
        run = single(content.items[0]) if len(content.items) == 1 else None
        return run is not None and len(run) == 1 and run[0].factor.value == "positive"

    def is_turning(self, content: List) -> bool:
        """Whether a script is the T of a transpose."""
        run = single(content.items[0]) if len(content.items) == 1 else None
        if run is None or len(run) != 1 or run[0].factor.marks:
            return False
        return bool(run[0].factor.value == "T")

    def is_small_turn(self, content: List) -> bool:
        """Whether a script is a small t that transposes, as in France: where no t stands but above, and no step is."""
        run = single(content.items[0]) if len(content.items) == 1 else None
        if run is None or len(run) != 1 or run[0].factor.value != "t" or run[0].factor.marks:
            return False
        return not _ANOTHER_T.search(self.text) and self.choose("t is an exponent", "a small t transposes") == 1

    def sample_index(self, group: Factor) -> Formula | None:
        """What stands in a parenthesis if it can number a sample or a layer: i, 3, L-1."""
        if len(group.value.items) != 1 or group.value.items[0].relations:
            return None
        side = group.value.items[0].sides[0]
        for sign, product in side:
            if (sign == "-" and len(side) == 1) or len(product) != 1 or len(product[0].factors) != 1:
                return None
            f = product[0].factors[0]
            primed = f.kind == "name" and all(kind == "prime" for kind, _ in f.marks)  # i', another sample
            if not (primed or not f.marks) or not (
                f.kind == "num" or (f.kind == "name" and (f.value in "ijklsmnNLHKpqrt" or f.value in ("mu", "nu")))
            ):
                return None
        if len(side) > 2:
            return None
        return self.side(side)

    def range_of(self, chain: Chain, factor: Factor, *, programmed: bool) -> Range | None:
        """`1:`, `:-1`, `2:end` of a program or of MATLAB; None for other indices and for a lone colon."""
        side = chain.sides[0]
        factors = [f for _, product in side for part in product for f in part.factors]
        colons = [k for k, f in enumerate(side[0][1][0].factors) if f.kind == "colon"]
        counted_from_one = any(f.kind in ("name", "word") and f.value == "end" for f in factors)
        if len(factors) < 2 or len(colons) != 1 or not (programmed or counted_from_one):
            return None
        if sum(f.kind == "colon" for f in factors) > 1 or len(side[0][1]) > 1:
            raise self.error(factor.start, "a range of indices with a step is not read: write every index")
        first, k = side[0][1][0], colons[0]
        before, behind = first.factors[:k], first.factors[k + 1 :]
        start = self.side([(side[0][0], [replace(first, factors=before)])]) if before else None
        rest = [("", [replace(first, factors=behind)]), *side[1:]] if behind else side[1:]
        end = self.side(rest) if rest else None
        if counted_from_one:
            start = _one_less(start) if start is not None else None
            end = None if end == Symbol("end") else end
        return Range(start, end)

    def is_place(self, content: List) -> bool:
        """Whether a superscript holds a layer, a prime or a sample rather than a power."""
        run = single(content.items[0]) if len(content.items) == 1 else None
        return bool(run) and run is not None and run[0].factor.kind in ("lbrack", "prime")

    def is_power(self, content: List) -> bool:
        run = single(content.items[0]) if len(content.items) == 1 else None
        if run is not None and run[0].factor.kind == "name" and run[0].factor.value == "T":
            return False
        return not self.is_place(content)


def _one_less(place: Formula) -> Formula | None:
    """A place counted from 0 that was counted from 1; None for the first."""
    if isinstance(place, Number):
        return Number(place.value - 1) if place != ONE else None
    return Binary("-", place, ONE)


def counts_layers(number: Formula) -> bool:
    """Whether l, L - 1 or 2 numbers a layer rather than a sample."""
    letters = {s.name for s in symbols(number)}
    return not letters or letters <= {"l", "L"}
