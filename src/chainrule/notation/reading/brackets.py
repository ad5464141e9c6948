"""Brackets of every kind, with what they hold: groups, lists, matrices, cases, bars, limits of sums, arguments."""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from ..formula import (
    ONE,
    Array,
    Binary,
    Bound,
    Call,
    Cases,
    Dots,
    Equation,
    Formula,
    Negate,
    Number,
    Sum,
    Symbol,
)
from .clauses import INDICES
from .grammar import Chain, Factor, List
from .parts import BRACKETED, Item, is_two, keyword, single
from .scripts import Scripts
from .tokens import COMPARISONS, NUMPY_NAMES, number

_OPPOSITE = {"greater": "less", "less": "greater", "greater_equal": "less_equal", "less_equal": "greater_equal"}


def _chosen(branches: list[Formula], conditions: list[Formula | None]) -> Formula | None:
    """Branches under inequalities as where(c, a, where(d, b, e)); None where they leave out or doubt a number."""
    *firsts, last = conditions
    if not firsts or any(c is None for c in firsts):
        return None
    if last is not None and not (len(firsts) == 1 and firsts[0] is not None and _complementary(firsts[0], last)):
        return None
    value = branches[-1]
    for condition, branch in zip(reversed(firsts), reversed(branches[:-1]), strict=True):
        assert condition is not None
        value = Call(Symbol("where"), (condition, branch, value))
    return value


def _complementary(a: Formula, b: Formula) -> bool:
    """z > 0 and z <= 0, also where both or neither hold the number between; i = j and i != j."""
    if not (isinstance(a, Call) and isinstance(b, Call)):
        return a == Binary("-", ONE, b) or b == Binary("-", ONE, a)
    names = [c.function.name if isinstance(c.function, Symbol) else "" for c in (a, b)]
    turned = b.arguments == a.arguments[::-1]
    same = names[1].split("_")[0] == names[0].split("_")[0]
    opposite = names[1].split("_")[0] == _OPPOSITE.get(names[0], "").split("_")[0]
    return (turned and same) or (b.arguments == a.arguments and opposite)


def _is_filled(entry: Formula) -> bool:
    """`ones(m, 1)`, `zeros(1, n)`: a column or row of one number."""
    return isinstance(entry, Call) and entry.function in (Symbol("ones"), Symbol("zeros")) and len(entry.arguments) == 2


def _filling(entry: Formula) -> Formula:
    """1 for ones, 0 for zeros, as long as what stands beside them; other parts as they are."""
    if not _is_filled(entry) or not isinstance(entry, Call):
        return entry
    return Number(Fraction(entry.function == Symbol("ones")))


class Brackets(Scripts):
    """Resolves single factors."""

    def value(self, factor: Factor) -> Formula:
        """A factor by itself, with everything that hangs on it."""
        kind, start = factor.kind, factor.start
        if kind == "num" and factor.value == "1" and factor.marks and factor.marks[0][0] == "sub":  # 1_m
            return self.marked(Symbol("ones"), factor.marks[1:], start)
        if kind == "num":
            return self.marked(Number(number(factor.value)), factor.marks, start)
        if kind == "name":
            if factor.value == "e" and factor.marks and self.is_exponential(factor):
                exponent = self.listed(factor.marks[0][1], factor)
                return self.marked(Call(Symbol("exp"), (exponent,)), factor.marks[1:], start)
            if factor.value == "d" and not factor.marks and not self.among_indices:
                raise self.error(start, "a lone d stands before no letter")
            return self.symbol(factor)
        if kind == "word":
            return self.marked(Symbol("_".join(factor.value.split())), factor.marks, start)
        if kind in BRACKETED:
            return self.bracket(factor)
        if kind in ("normo", "abso"):
            return self.bars(factor)
        if kind == "frac":
            top, bottom = (self.listed(x, factor) for x in factor.value)
            return self.marked(Binary("/", top, bottom), factor.marks, start)
        if kind == "sqrt":
            return self.marked(Call(Symbol("sqrt"), (self.listed(factor.value, factor),)), factor.marks, start)
        if kind == "dots":
            if factor.marks:
                raise self.error(start, "dots carry no index or power")
            return Dots()
        if kind == "matrix":
            return self.marked(self.matrix(factor), factor.marks, start)
        if kind == "cases":
            return self.cases(factor)
        signs = {"colon": "a colon", "partial": "∂", "sumop": "a sum sign", "at": "a bar", "prime": "a prime",
                 "empty": "an empty bracket"}  # fmt: skip
        raise self.error(start, f"{signs.get(kind, kind)} stands where a quantity must stand")

    def is_exponential(self, factor: Factor) -> bool:
        """Whether e carries an exponent; not the e^{(l)} of layer l, nor e^T, nor the e that a text declares."""
        kind, content = factor.marks[0]
        declared = any(re.match(r"e(?![A-Za-z])", p) for p in self.letters.rename)
        if kind not in ("sup", "power") or declared or self.is_turning(content):
            return False
        inner = single(content.items[0]) if len(content.items) == 1 else None
        if inner is not None and len(inner) == 1 and inner[0].factor.kind == "num":  # e^2
            notes = "e is Euler's number", "e is a letter"
            return self.choose(*(reversed(notes) if self.e_is_a_letter else notes)) == self.e_is_a_letter
        if inner is None or len(inner) != 1 or inner[0].factor.kind not in ("lpar", "lbrack") or inner[0].factor.marks:
            return True
        number = self.text[inner[0].factor.start : inner[0].factor.end].replace(" ", "")[1:-1]
        above = self.text[: inner[0].factor.start].rstrip().endswith("{")
        return not re.fullmatch(r"(?:l|L|\\ell|ℓ)(?:[-+]1)?" + (r"|\d|[ijkns]" if above else ""), number)

    def bracket(self, factor: Factor) -> Formula:
        content: List = factor.value
        if len(content.items) == 1:
            inner = single(content.items[0])
            if factor.kind == "lbrace" and inner is not None and len(inner) == 1 and inner[0].factor.kind != "frac":
                f = inner[0].factor
                return self.value(Factor(f.kind, f.value, f.start, f.end, [*f.marks, *factor.marks]))
            if factor.kind == "lbrack" and inner is not None:
                beside = self.beside_ones(inner) or self.beside_dots(inner)
                if beside is not None:
                    return self.marked(beside, factor.marks, factor.start)
            relations = content.items[0].relations
            if relations in (["=="], ["!="]) or self.compares_indices(content.items[0]):  # (i == j) is 1 or 0
                return self.marked(self.condition(content.items[0], factor.start), factor.marks, factor.start)
            if relations and relations[0] not in COMPARISONS:
                raise self.error(factor.start, "an equation stands in brackets where a quantity must stand")
            return self.marked(self.chain(content.items[0]), factor.marks, factor.start)
        entries = tuple(self.chain(c) for c in content.items)
        if any(isinstance(x, Equation) for x in entries):
            raise self.error(factor.start, "an equation stands in a list")
        if factor.kind == "lbrack" and any(map(_is_filled, entries)) and content.semicolons in (0, len(entries) - 1):
            stack = Call(Symbol("vstack" if content.semicolons else "hstack"), tuple(map(_filling, entries)))
            return self.marked(stack, factor.marks, factor.start)
        rows = [x for x in entries if isinstance(x, Array)]
        inner_lists = [inner for c in content.items if (inner := single(c)) is not None and len(inner) == 1]
        bare = [x[0].factor for x in inner_lists if x[0].factor.kind == "lbrack" and not x[0].factor.marks]
        if factor.kind == "lbrack" and not rows and len(bare) == len(entries):  # [[x], [y]] is a column
            return self.marked(Array(entries, 1), factor.marks, factor.start)
        if content.semicolons:
            ends = [*content.breaks, len(entries)]
            columns = ends[0]
            if any(b - a != columns for a, b in pairwise([0, *ends])):
                raise self.error(factor.start, "the rows of a matrix have different lengths")
            value: Formula = Array(entries, columns)
        elif rows and len(rows) == len(entries) and factor.kind == "lbrack":
            if len({r.columns for r in rows}) != 1 or any(len(r.entries) != r.columns for r in rows):
                raise self.error(factor.start, "the rows of a matrix have different lengths")
            value = Array(tuple(x for r in rows for x in r.entries), rows[0].columns)
        else:
            value = Array(entries, len(entries))
        return self.marked(value, factor.marks, factor.start)

    def compares_indices(self, chain: Chain) -> bool:
        """`[i = j]`, 1 where two indices are the same, else 0."""
        if chain.relations != ["="]:
            return False
        sides = [single(Chain([side], [])) for side in chain.sides]
        return all(
            run is not None and len(run) == 1 and run[0].factor.value in INDICES and not run[0].factor.marks
            for run in sides
        )

    def beside_ones(self, items: list[Item]) -> Formula | None:
        """`[ones(m, 1) X]` of MATLAB as hstack(1, X); None where no ones or zeros with their sizes stand."""
        k = next(
            (
                k
                for k, (a, b) in enumerate(pairwise(items))
                if a.factor.kind == "name" and a.factor.value in ("ones", "zeros") and not a.factor.marks
                if b.glued and b.factor.kind == "lpar" and len(b.factor.value.items) == 2
            ),
            None,
        )
        if k is None or any(x.sign.strip() for x in items[1:]):
            return None
        ends = [items[:k], items[k + 2 :]]
        parts = [self.product([replace(x[0], sign=""), *x[1:]]) if x else None for x in ends]
        filling = Number(Fraction(items[k].factor.value == "ones"))
        found = [x for x in (parts[0], filling, parts[1]) if x is not None]
        return Call(Symbol("hstack"), tuple(found)) if len(found) > 1 else None

    def beside_dots(self, items: list[Item]) -> Formula | None:
        """`[a(1) … a(m)]`: a row of entries without commas; None where no dots stand between."""
        if not any(x.factor.kind == "dots" for x in items[1:-1]) or any(x.sign.strip() for x in items[1:]):
            return None
        entries: list[Formula] = []
        i = 0
        while i < len(items):
            value, i = self.primary(items, i)
            entries.append(value)
        return Array(tuple(entries), len(entries))

    def condition(self, chain: Chain, place: int) -> Formula:
        """1 where a comparison holds, else 0."""
        relation = chain.relations[0]
        if relation in COMPARISONS:
            return self.chain(chain)
        if relation not in ("=", "==", "!="):
            raise self.error(place, f"{relation} is no condition")
        left, right = (self.side(s) for s in chain.sides)
        same = Call(Symbol("kronecker"), (left, right))
        return Binary("-", ONE, same) if relation == "!=" else same

    def bars(self, factor: Factor) -> Formula:
        inside = self.listed(factor.value, factor)
        squared = len(factor.marks) == 1 and factor.marks[0][0] in ("sup", "power") and is_two(factor.marks[0][1])
        notes = "|…| is the absolute value of every entry", "|…| is the length of a vector"
        if factor.kind == "abso" and not (squared and self.choose(*notes)):
            return self.marked(Call(Symbol("abs"), (inside,)), factor.marks, factor.start)
        marks = list(factor.marks)
        order: Formula | None = None
        for k, (kind, content) in enumerate(marks):
            if kind == "sub":
                order = self.listed(content, factor)
                del marks[k]
                break
        euclidean = order in (None, Number(Fraction(2)), Symbol("F"), Symbol("fro"))
        norm = Call(Symbol("norm"), (inside,)) if euclidean else Call(Symbol("norm"), (inside, order or ONE), ("ord",))
        return self.marked(norm, marks, factor.start)

    def matrix(self, factor: Factor) -> Formula:
        rows: list[list[Formula]] = []
        for row in factor.value:
            if len(row) == 1 and row[0] is None:
                continue  # the row behind a last \\
            rows.append([Dots() if c is None else self.listed(c, factor) for c in row])
        if not rows:
            raise self.error(factor.start, "a matrix has no entries")
        wide = max(len(r) for r in rows) > 1
        # Dots above and below a row say that its entries are columns.
        while wide and len(rows) > 1 and all(isinstance(x, Dots) for x in rows[0]):
            rows.pop(0)
            if all(isinstance(x, Dots) for x in rows[-1]):
                rows.pop()
        columns = max(len(r) for r in rows)
        for r in rows:
            if len(r) < columns and all(isinstance(x, Dots) for x in r):
                r.extend(Dots() for _ in range(columns - len(r)))
            if len(r) != columns:
                raise self.error(factor.start, "the rows of a matrix have different lengths")
        if sum(map(len, rows)) > 400:
            raise self.error(factor.start, "a matrix has more than 400 entries")
        return Array(tuple(x for r in rows for x in r), columns)

    def cases(self, factor: Factor) -> Formula:
        branches: list[Formula] = []
        beside: list[str] = []
        conditions: list[Formula | None] = []
        for row in factor.value:
            if row[0] is None:
                continue
            branches.append(self.listed(row[0], factor))
            said = row[1].items[0] if len(row) > 1 and row[1] is not None else None
            word = single(said) if said is not None else None
            beside.append(word[0].factor.value if word and word[0].factor.kind == "word" else "")
            if said is not None and not word and len(said.relations) == 1:
                conditions.append(self.condition(said, factor.start))
            elif said is not None and word and not said.relations and word[0].factor.kind == "lpar":
                conditions.append(self.chain(said))  # (k = i)(u = j)
            else:
                conditions.append(self.inequality(word[0].factor) if word else None)
        if not branches or factor.marks:
            raise self.error(factor.start, "a definition by cases has no branches or carries a power")
        return _chosen(branches, conditions) or Cases(tuple(branches), tuple(beside))

    @abstractmethod
    def primary(self, items: list[Item], i: int) -> tuple[Formula, int]:
        """The factor at item i with what it is applied to, and the number of the next item."""

    @abstractmethod
    def inequality(self, beside: Factor) -> Formula | None:
        """The words `if z > 0` as a comparison of two quantities, or None where they say something else."""

    def arguments(self, group: Factor) -> tuple[tuple[Formula, ...], tuple[str, ...]]:
        """The arguments in a bracket, and the names of those given by name, which come last."""
        if group.kind == "empty":
            return (), ()
        content: List = group.value
        inner = single(content.items[0]) if len(content.items) == 1 else None
        if inner is not None and len(inner) == 1 and inner[0].factor.kind == "lpar" and not inner[0].factor.marks:
            nested: List = inner[0].factor.value
            if any(keyword(c) for c in nested.items):  # sum(((x), axis = 1)) with a parenthesis too many
                content = nested
        values: list[Formula] = []
        names: list[str] = []
        for chain in content.items:
            key = keyword(chain)
            if key:
                key = NUMPY_NAMES.get(key, key)
                names.append(key)
                value = self.side(chain.sides[1])
                if key == "axis" and isinstance(value, Negate) and isinstance(value.operand, Number):
                    value = Number(2 - value.operand.value)  # -1 is the last of two directions
                values.append(value)
            elif names:
                raise self.error(group.start, "an argument without a name follows one with a name")
            elif chain.relations in (["=="], ["!="]):
                values.append(self.condition(chain, group.start))
            else:
                values.append(self.chain(chain))
        return tuple(values), tuple(names)

    def bounds(self, factor: Factor) -> tuple[Bound, ...]:
        """The indices of a sum sign; several that share a lower limit get it each."""
        upper: Formula | None = None
        found: list[tuple[Formula, Formula | None]] = []
        for kind, content in factor.marks:
            if kind == "sup":
                upper = self.listed(content, factor)
            elif kind == "sub":
                for chain in content.items:
                    if chain.relations == ["∈"]:  # over all of the index's values
                        found.append((self.side(chain.sides[0]), None))
                        continue
                    if chain.relations == ["!="]:
                        found.extend((x, None) for x in self.excluded(chain)[:1] if all(x != y for y, _ in found))
                        continue
                    if len(chain.sides) > 2 or any(r not in ("=", ":=") for r in chain.relations):
                        raise self.error(factor.start, "the limits of a sum are not understood")
                    lower = self.side(chain.sides[1]) if chain.relations else None
                    run = single(Chain(chain.sides[:1], []))
                    if run is None:
                        raise self.error(factor.start, "the index of a sum must be a letter")
                    found.extend((x, lower) for x in self.run_entries(run, ""))
            else:
                raise self.error(factor.start, "a sum sign carries a mark that has no meaning there")
        if found:
            last = found[-1][1]
            return tuple(Bound(x, lower if lower is not None else last, upper) for x, lower in found)
        return (Bound(None, None, upper),) if upper is not None else ()

    def excluded(self, chain: Chain) -> tuple[Formula, Formula]:
        """k and i of `k ≠ i` below a sum sign."""
        left, right = (self.side(s) for s in chain.sides)
        return left, right

    def summed(self, body: Formula, factor: Factor) -> Formula:
        """The sum whose sign is `factor`; below `k ≠ i` the term k = i counts nothing."""
        for kind, content in factor.marks:
            for chain in content.items if kind == "sub" else ():
                if chain.relations == ["!="]:
                    other = Binary("-", ONE, Call(Symbol("kronecker"), self.excluded(chain)))
                    body = Binary("*", other, body)
        return Sum(body, self.bounds(factor))

    def place(self, factor: Factor) -> Formula:
        """The place z = h(x) behind the bar of an evaluation."""
        if len(factor.marks) != 1 or factor.marks[0][0] != "sub" or len(factor.marks[0][1].items) != 1:
            raise self.error(factor.start, "the bar of an evaluation needs one place below it")
        if any(r in COMPARISONS for r in factor.marks[0][1].items[0].relations):
            raise self.error(factor.start, "an inequality is no place of evaluation")
        return self.chain(factor.marks[0][1].items[0])
