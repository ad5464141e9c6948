"""Letters and brackets with what hangs on them: layer, sample, index, transpose, power, prime."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from ..formula import Binary, Call, Formula, Index, Number, Partial, Range, Slice, Symbol, Transpose, symbols
from .above import without_turn
from .clauses import INDICES
from .grammar import Factor, List
from .parts import (
    COSTS,
    PER_LAYER,
    PER_SAMPLE,
    SCALARS,
    WITH_LAYER,
    WITHOUT_LAYER,
    Item,
    Marks,
    is_two,
    magnitude,
    single,
)
from .places import Places, counts_layers
from .tokens import FUNCTIONS, KEYWORDS, MAX_EXPONENT, is_differential

_DIFFERENTIATED = re.compile(r"[)\]]\s*(?:['’′]|\^\s*\{?\s*\\prime\s*\}?)\s*=")  # (x^2 + a)' = 2 x


_OF_TRANSPOSE = "the row or column is one of the transpose", "the row or column itself is transposed"


class Scripts(Places):
    """Resolves the marks of one statement; what the marks contain is resolved by the heirs."""

    def symbol(self, factor: Factor, *, function: bool = False) -> Formula:
        name = factor.value
        if self.letters.differentials and not function and is_differential(name):
            inner = Factor("name", name[1:], factor.start + 1, factor.end, factor.marks)
            return Call(Symbol("d"), (self.symbol(inner),))
        return self.assembled(factor, self.sorted_marks(factor))

    def assembled(self, factor: Factor, marks: Marks) -> Formula:
        value: Formula = Symbol(factor.value, marks.layer, marks.sample, marks.prime)
        after = list(marks.after)
        if marks.entries:
            full = len(marks.entries) == 2 and not any(isinstance(x, Slice) for x in marks.entries)
            turned = bool(after) and after[0][0] == "T"
            if turned and (full or (marks.turned and self.is_part_of_transpose(factor, marks.entries))):
                value = Transpose(value)  # W_{ij}^T is an entry of the transpose
                after.pop(0)
            value = Index(value, marks.entries)
        notes = (f"{factor.value} with one index is a {x} of weights" for x in ("column", "row"))
        if self.is_row_as_column(factor, marks) and self.choose(*notes) == 0:
            after.pop(0)
        for kind, content in after:
            if kind == "T":
                value = Transpose(value)
            elif kind == "relu":
                value = Call(Symbol("relu"), (value,))
            elif kind == "index" and isinstance(content, tuple):
                value = Index(value, content)
            elif isinstance(content, Formula):
                if sum(k == "^" for k, _ in after) > 1:
                    raise self.error(factor.start, "two powers stand above one letter: use brackets")
                value = self.power(value, content, factor.start)
        return value

    def is_part_of_transpose(self, factor: Factor, entries: tuple[Formula, ...]) -> bool:
        """Whether `W^T_{k,:}` is row k of the transpose, not the transpose of row k; what is a row comes first."""
        if len(entries) > 2 or factor.value == "w" or not factor.value.removeprefix("d")[:1].isupper():
            return False
        row = len(entries) == 2 and isinstance(entries[1], Slice)
        taken = self.choose(*(_OF_TRANSPOSE if row else reversed(_OF_TRANSPOSE)))
        return (taken == 0) == row

    def is_row_as_column(self, factor: Factor, marks: Marks) -> bool:
        """`w_j^T a`: whether the weights of one unit are written as a column that is transposed."""
        turned = bool(marks.after) and marks.after[0][0] == "T"
        one = len(marks.entries) == 1 and not isinstance(marks.entries[0], Slice | Range)
        return factor.value == "w" and turned and one and self.letters.network

    def sorted_marks(self, factor: Factor) -> Marks:
        name, marks = factor.value, Marks()
        if len(factor.marks) > 12:
            raise self.error(factor.start, "more than twelve scripts hang on one letter")
        for kind, content in factor.marks:
            if kind == "prime" or (kind == "attr" and content == "prime"):
                marks.prime += 1
            elif kind == "attr" and content == "T":
                marks.after.append(("T", None))
            elif kind == "attr":
                raise self.error(factor.start, f".{content} needs its arguments in parentheses")
            elif kind == "idx":
                self.add_index(factor, marks, self.entries(content, "", factor, programmed=True))
            elif kind in ("sub", "sup") and self.is_positive(content):
                marks.after.append(("relu", None))
            elif kind == "sub":
                found = self.entries(content, name, factor)
                subscripted = self.letters.layer == "subscript" and marks.layer is None and not self.is_component(name)
                if subscripted and len(found) == 1 and not isinstance(found[0], Slice) and self.counts(found[0]):
                    marks.layer = found[0]
                else:
                    marks.turned |= not marks.entries and ("T", None) in marks.after
                    marks.entries += found
            elif kind == "power":
                marks.after.append(("^", self.listed(content, factor)))
            else:
                self.add_superscript(factor, marks, content)
        if name in ("w", "dw") and marks.layer is None and len(marks.entries) == 2 and isinstance(marks.sample, Number):
            marks.layer, marks.sample = marks.sample, None  # w_{kj}^{(2)}, the weights of layer 2
        return marks

    def add_index(self, factor: Factor, marks: Marks, found: tuple[Formula, ...]) -> None:
        layer = (
            marks.layer is None
            and not marks.entries
            and not marks.after
            and len(found) == 1
            and (factor.value not in WITHOUT_LAYER or self.is_declared_layer(factor.value, found[0]))
            and not isinstance(found[0], Slice | Range)
        )
        if (
            marks.layer is None
            and not marks.after
            and factor.value in WITH_LAYER
            and len(found) == 1
            and 0 < len(marks.entries) < 3
            and counts_layers(found[0])
            and all(isinstance(x, Symbol) and x.name in INDICES for x in marks.entries)
        ):
            layer = True  # w_i[L], W_ij[l]
        part_of = any(isinstance(x, Range) for x in found) and bool(marks.entries)  # Theta2[:, 1:]
        if layer:
            marks.layer = found[0]
        elif marks.after or part_of:
            marks.after.append(("index", found))
        else:
            marks.entries += found

    def add_superscript(self, factor: Factor, marks: Marks, content: List) -> None:
        """Layer, sample, transpose, prime, component or power, whatever stands above a letter."""
        layered, components = self.letters.layer == "superscript", self.letters.component == "superscript"
        if factor.value.removeprefix("d")[:1].isupper() and self.is_small_turn(content):
            marks.after.append(("T", None))
            return
        bare, turned, primes = without_turn(content, any_letter=layered, components=components)
        if (turned or primes) and factor.value not in SCALARS:  # W^{lT}, g^{L\prime}
            self.add_superscript(factor, marks, bare)
            marks.prime += primes
            marks.after += [("T", None)] if turned else []
            return
        if self.is_sample_and_layer(content, marks):
            return
        if len(content.items) != 1 or content.items[0].relations:
            if self.letters.component == "superscript" and not any(c.relations for c in content.items):
                marks.entries += self.entries(content, factor.value, factor)
                return
            raise self.error(factor.start, "a list or an equation stands above a letter")
        run = single(content.items[0])
        if self.letters.layer == "superscript" and marks.layer is None and not marks.after:
            number = self.bare_layer(factor, content)
            if number is not None:
                marks.layer = number
                return
        if run is None:
            exponent = self.chain(content.items[0])
            negative = content.items[0].sides[0][0][0] == "-"
            if self.letters.component == "superscript" and marks.layer is not None and not negative:
                marks.entries += (exponent,)
            else:
                marks.after.append(("^", exponent))
            return
        if len(run) == 2 and marks.layer is None and marks.sample is None and factor.value in PER_SAMPLE & WITH_LAYER:
            above, group = self.bare_number_of(run[0]), run[1].factor  # z^{2(i)}
            index = self.sample_index(group) if group.kind == "lpar" and not group.marks else None
            if above is not None and counts_layers(above) and index is not None:
                marks.layer, marks.sample = above, index
                return
        k = 0
        while k < len(run):
            f = run[k].factor
            if f.kind == "lbrack" and len(f.value.items) == 1 and marks.layer is None:
                marks.layer = self.listed(f.value, f)
                turned = [kind for kind, _ in f.marks] == ["sup"] and self.is_turning(f.marks[0][1])
                self.add_primes(replace(f, marks=[]) if turned else f, marks)
                marks.after += [("T", None)] if turned else []  # W^{[2]^T}
            elif f.kind == "lpar" and (index := self.sample_index(f)) is not None:
                declared = factor.value in self.layered
                as_layer = self.letters.layer == "parentheses" or factor.value in PER_LAYER or declared
                if as_layer and marks.layer is None and not self.is_of_sample(factor.value, index):
                    marks.layer = index
                elif marks.sample is None:
                    marks.sample = index
                elif marks.layer is None and not self.is_of_sample(factor.value, index):  # a^{(l)(i)}
                    marks.layer, marks.sample = marks.sample, index
                else:
                    raise self.error(factor.start, "two sample numbers stand above one letter")
                self.add_primes(f, marks)
            elif f.kind == "prime":
                marks.prime += 1
            elif f.kind == "name" and f.value == "T" and all(m[0] == "prime" for m in f.marks):
                rest = tuple(self.value(x.factor) for x in run[k + 1 :])
                marks.after.append(("T", None))
                if rest:
                    marks.after.append(("index", rest))
                marks.prime += len(f.marks)
                return
            else:
                break
            k += 1
        rest_items = run[k:]
        if not rest_items:
            return
        plain_power = marks.layer is None and len(rest_items) == 1 and rest_items[0].factor.kind == "num"
        if self.letters.component == "superscript" and not plain_power:
            marks.entries += self.run_entries(rest_items, factor.value)
        else:
            marks.after.append(("^", self.product([replace(rest_items[0], sign=""), *rest_items[1:]])))

    def bare_number_of(self, item: Item) -> Formula | None:
        """The number or letter of a factor on which nothing hangs."""
        plain = item.factor.kind in ("num", "name") and not item.factor.marks and item.factor.value != "T"
        return self.bare_number(self.value(item.factor)) if plain else None

    def bare_layer(self, factor: Factor, content: List) -> Formula | None:
        """`l-1`, `L`, `2` above a letter that has a layer; None for a transpose, a prime or another letter."""
        meant = {letter for letter, stands_for in self.letters.rename.items() if stands_for in WITH_LAYER}
        known = WITH_LAYER | meant | self.layered.keys() | (self.letters.functions - COSTS - FUNCTIONS)
        if factor.value not in known or self.is_square_in_a_sum(factor, content):
            return None
        side = content.items[0].sides[0]
        factors = [f for _, product in side for part in product for f in part.factors]
        simple = all(f.kind in ("num", "name") and not f.marks and f.value != "T" for f in factors)
        return self.side(side) if simple and len(factors) <= 3 and side[0][0] != "-" else None

    def is_square_in_a_sum(self, factor: Factor, content: List) -> bool:
        r"""`\sum_w w^2`: a square, where the sum is over the letter itself."""
        over = rf"(?:\\sum(?:\\limits)?|[∑Σ]|sum)\s?_\s?\{{?\s?{re.escape(factor.value)}(?![A-Za-z])"
        return is_two(content) and re.search(over, self.text) is not None

    def add_primes(self, factor: Factor, marks: Marks) -> None:
        if any(kind != "prime" for kind, _ in factor.marks):
            raise self.error(factor.start, "a script hangs on a script")
        marks.prime += len(factor.marks)

    def entries(self, content: List, name: str, factor: Factor, *, programmed: bool = False) -> tuple[Formula, ...]:
        """The indices of a subscript or a bracket: `ij`, `i,j`, `i:`, `l-1`.

        programmed  they stand in the brackets of a program, where `1:` is a range and not the row 1
        """
        found: list[Formula] = []
        outside, self.among_indices = self.among_indices, True
        for chain in content.items:
            if chain.relations:
                raise self.error(factor.start, "an equation stands among indices")
            run = single(chain)
            if (part := self.range_of(chain, factor, programmed=programmed)) is not None:
                found.append(part)
            elif run is None:
                found.append(self.chain(chain))
            else:
                found.extend(self.run_entries(run, name))
        self.among_indices = outside
        return tuple(found)

    def run_entries(self, run: list[Item], name: str) -> tuple[Formula, ...]:
        if len(run) == 1 and run[0].factor.kind == "num" and not run[0].factor.marks:
            digits = run[0].factor.value
            if len(digits) == 2 and digits.isdigit() and name.removeprefix("d") in ("W", "w", "Z", "A", "X", "Y"):
                return tuple(Number(Fraction(int(c))) for c in digits)
        if any(x.factor.kind not in ("num", "name", "colon", "word", "dots") for x in run):
            return (self.product([replace(run[0], sign=""), *run[1:]]),)
        if sum(x.factor.kind == "colon" for x in run) > 1 or (len(run) > 2 and run[1].factor.kind == "colon"):
            raise self.error(run[0].factor.start, "a range of indices is not read: write : for all of them")
        return tuple(Slice() if x.factor.kind == "colon" else self.index(x.factor) for x in run)

    def index(self, factor: Factor) -> Formula:
        """One index; d is a letter there, as in E_d."""
        bare_d = factor.kind == "name" and factor.value == "d" and not factor.marks
        return Symbol("d") if bare_d else self.value(factor)

    def marked(self, base: Formula, marks: list[tuple[str, object]], place: int) -> Formula:
        """A bracket, call or number with what hangs on it: indices, transposes, powers, primes."""
        if len(marks) > 12:
            raise self.error(place, "more than twelve scripts hang on one factor")
        if isinstance(base, Number) and len(marks) > 1:
            raise self.error(place, "a number carries one power at most: use brackets")
        for kind, content in marks:
            if kind == "prime" and self.holds_values(base):
                base = Transpose(base)  # (y - t)'(y - t)
            elif kind == "prime" or (kind == "attr" and content == "prime"):
                base = Partial(base, self.variable(base, place))
            elif kind == "attr" and content == "T":
                base = Transpose(base)
            elif kind == "attr":
                raise self.error(place, f".{content} needs its arguments in parentheses")
            elif kind in ("sub", "sup") and isinstance(content, List) and self.is_positive(content):
                base = Call(Symbol("relu"), (base,))
            elif kind in ("idx", "sub"):
                assert isinstance(content, List)
                if isinstance(base, Number):
                    raise self.error(place, "a number carries no index")
                entries = self.entries(content, "", Factor("", "", place, place), programmed=kind == "idx")
                base = Index(base, entries)
            else:
                assert isinstance(content, List)
                base = self.raised(base, content, place)
        return base

    def holds_values(self, base: Formula) -> bool:
        """Whether a bracket holds a quantity of a layer, or a sum or difference of several, none of them a function."""
        if isinstance(base, Symbol) and base.layer is not None and base.name not in self.letters.functions:
            return True  # (dz^{[l]})'
        names = {s.name for s in symbols(base)}
        applied = self.letters.functions | {"u", "v", "F", "G"}
        if _DIFFERENTIATED.search(self.text):
            return False
        return isinstance(base, Binary) and base.sign in "+-" and len(names) > 1 and not names & applied

    def raised(self, base: Formula, content: List, place: int) -> Formula:
        run = single(content.items[0]) if len(content.items) == 1 else None
        if run is not None and run[0].factor.kind == "name" and run[0].factor.value == "T" and not run[0].factor.marks:
            base = Transpose(base)
            rest = tuple(self.value(x.factor) for x in run[1:])
            return Index(base, rest) if rest else base
        if not isinstance(base, Number) and self.is_small_turn(content):
            return Transpose(base)
        if run is not None and all(x.factor.kind == "prime" for x in run):
            return Partial(base, self.variable(base, place))
        if self.letters.component == "superscript" and run is not None and all(map(_is_index, run)):
            return Index(base, self.run_entries(run, ""))
        if run is not None and run[0].factor.kind == "lbrack":
            raise self.error(place, "a layer stands above a bracket: write it above the letter")
        return self.power(base, self.listed(content, Factor("", "", place, place)), place)

    def variable(self, base: Formula, place: int) -> Formula:
        """The only variable of a bracket whose derivative is written with a prime."""
        functions = {id(part.function) for _, part in base.walk() if isinstance(part, Call)}
        found = {s for s in symbols(base) if id(s) not in functions and s.name not in KEYWORDS}
        if len(found) > 1 and isinstance(base, Binary) and base.sign == "^":
            found = {s for s in found if s in (Symbol("x"), Symbol("t"), Symbol("z"))}  # (x^n)'
        if len(found) != 1:
            raise self.error(
                place, "a prime behind a bracket with several letters does not say by which to differentiate"
            )
        return found.pop()

    def power(self, base: Formula, exponent: Formula, place: int) -> Formula:
        if magnitude(exponent) > MAX_EXPONENT:
            raise self.error(place, f"an exponent is larger than {MAX_EXPONENT}")
        return Binary("^", base, exponent)


def _is_index(item: Item) -> bool:
    """Whether a factor above a bracket is the letter of a component."""
    return item.factor.kind == "name" and item.factor.value in INDICES and not item.factor.marks
