"""From the loose groups of the grammar to a `Formula`: what stands side by side is a call, a product or a derivative.

Where the writing has several meanings, `Reader.choose` is asked; `readings` runs the whole for every other answer.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

from ...errors import FormulaError
from ..formula import ONE, Array, At, Binary, Call, Equation, Formula, Index, Limit, Negate, Number, Partial, Symbol
from ..letters import Letters
from .derivatives import Derivatives
from .grammar import Chain, Factor, List, Product, parse
from .latex_tokens import latex_tokens
from .parts import (
    COSTS,
    DATA,
    ENTRY_SIGNS,
    MATRIX_SIGNS,
    MAX_DEPTH,
    MAX_FACTORS,
    MAX_READINGS,
    PER_SAMPLE,
    SCALARS,
    Item,
    Terms,
    added,
    depth,
    free_indices,
    has_bare,
    is_matrix,
    is_scalar,
    items_of,
    left_to_right,
    mentioned,
    one_bracket,
    single,
)
from .statements import wrap_arguments
from .steps import steps_of
from .tokens import COMPARISONS, balanced, wrap_scripts

_IN_WORDS = re.compile(r"\\(?:text|mathrm|textrm|mbox)\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_AROUND = re.compile(r"^\s*(?:if|for|when|where|wenn|falls|für|si|pour)\b|[\s.,;]+$", re.IGNORECASE)
_COMPARED = re.compile(r"[<>≤≥]|\\(?:le|ge|lt|gt|leq|geq|leqslant|geqslant)(?![A-Za-z])")


class Reader(Derivatives):
    """Resolves one statement, with one answer for every ambiguous place."""

    def chain(self, chain: Chain) -> Formula:
        if "∈" in chain.relations:
            return self.sizes(chain)
        first = [f for _, product in chain.sides[0] for part in product for f in part.factors]
        if "->" in chain.relations and any(f.kind == "colon" for f in first):
            raise FormulaError("a function from one set to another states no equality: give an equation.")
        sides = tuple(self.side(s) for s in chain.sides)
        if any(r in COMPARISONS for r in chain.relations):
            if len(sides) != 2:
                raise FormulaError("a chain of inequalities is not read: compare two quantities at a time.")
            return Call(Symbol(COMPARISONS[chain.relations[0]]), sides)
        relations = tuple("=" if r == "==" else r for r in chain.relations)
        if relations == ("->",) and _is_changed(*sides):
            relations = ("<-",)  # w -> w - eta dw
        if relations in (("=",), (":=",)) and (entries := self.by_entries(chain, sides[0])) is not None:
            return Equation(entries, relations)
        return Equation(_of_sizes(sides), relations) if relations else sides[0]

    def by_entries(self, chain: Chain, whole: Formula) -> tuple[Formula, Formula] | None:
        """`dW = [dz_i a_j]`, `dW = (∂C/∂W_ij)_ij`, a matrix by its entry, as dW_ij = dz_i a_j; None for others."""
        run = single(Chain(chain.sides[1:], []))
        group = run[0].factor if run is not None and len(run) == 1 else None
        if group is None or group.kind not in ("lbrack", "lpar") or len(group.value.items) != 1:
            return None
        if [kind for kind, _ in group.marks] not in ([], ["sub"]):
            return None
        entry = self.chain(group.value.items[0])
        letter = whole.denominator if isinstance(whole, Partial) else whole
        if isinstance(entry, Array | Equation) or not isinstance(letter, Symbol) or letter.sample is not None:
            return None
        if letter.name in SCALARS | COSTS or _is_entry_of(entry, letter):
            return None
        counted = free_indices(entry)
        if group.marks:
            named = self.entries(group.marks[0][1], "", group)
            counted = named if {*named} == {*counted} else ()
        matrix = letter.name.removeprefix("d")[:1].isupper()
        if len(counted) != 1 + matrix:
            return None
        one = Index(letter, tuple(counted))
        return (replace(whole, denominator=one) if isinstance(whole, Partial) else one), entry

    def sizes(self, chain: Chain) -> Formula:
        """`W ∈ ℝ^{n × m}` as shape(W) = (n, m); `x ∈ ℝ^n` as shape(x) = (n, 1)."""
        space = single(Chain(chain.sides[1:], [])) if chain.relations == ["∈"] else None
        letter = space[0].factor if space is not None and len(space) == 1 else None
        if letter is None or letter.value != "R" or [kind for kind, _ in letter.marks] not in (["sup"], ["power"]):
            raise FormulaError("membership of a set states no equality: give an equation.")
        content: List = letter.marks[0][1]
        inner = single(content.items[0]) if len(content.items) == 1 else None
        if inner is not None and len(inner) == 1 and inner[0].factor.kind == "lpar":  # R^(n x m)
            content = inner[0].factor.value
        found: list[Formula] = []
        for one in content.items:
            if one.relations or len(one.sides[0]) != 1:
                found.append(self.chain(one))
                continue
            for part in one.sides[0][0][1]:
                run = [Item("", False, f, False) for f in part.factors if (f.kind, f.value) != ("name", "x")]
                found += (
                    [self.product([item]) for item in run]
                    if len(run) < len(part.factors)
                    else [self.product(list(items_of([replace(part, sign="")])))]
                )
        sizes = Array((*found, *[ONE] * (2 - len(found))), 2)
        if len(found) > 2:
            raise FormulaError("more than two sizes are those of no matrix: write ℝ^{n × m}.")
        return Equation(_of_sizes((Call(Symbol("shape"), (self.side(chain.sides[0]),)), sizes)), ("=",))

    def side(self, side: list[tuple[str, Product]]) -> Formula:
        terms: Terms = []
        for sign, product in side:
            items = list(items_of(product))
            if terms and terms[-1][1][-1].factor.kind == "sumop":  # `\sum - y`: the sign belongs to the body
                terms[-1][1].append(replace(items[0], negative=sign == "-"))
                terms[-1][1].extend(items[1:])
            else:
                terms.append((sign, items))
        if len(terms) > MAX_FACTORS or any(len(t[1]) > MAX_FACTORS for t in terms):
            raise FormulaError(f"a sum or a product has more than {MAX_FACTORS} members: split the formula.")
        return self.terms(terms)

    def terms(self, terms: Terms) -> Formula:
        total: Formula | None = None
        for n, (sign, items) in enumerate(terms):
            sums = [k for k, x in enumerate(items) if x.factor.kind == "sumop"]
            last = n == len(terms) - 1
            if (
                sums
                and not last
                and not (sums[0] and self.is_bare_function(items[sums[0] - 1].factor))
                and not one_bracket(items[sums[-1] + 1 :])
            ):
                before, after = items[: sums[0]], items[sums[0] + 1 :]
                covers = after and self.goes_on(items[sums[0]].factor, [x for _, t in terms[n + 1 :] for x in t])
                if covers or (
                    after and self.choose("the sum ends before the next + or -", "the sum covers all terms behind it")
                ):
                    rest: Terms = [("-" if after[0].negative else "", [replace(after[0], negative=False), *after[1:]])]
                    body = self.terms([*rest, *terms[n + 1 :]])
                    value = self.summed(body, items[sums[0]].factor)
                    if before:
                        head = self.product(before)
                        value = Binary(items[sums[0]].sign or " ", head, value)
                    return added(total, sign, value)
            if (
                items[-1].factor.kind == "at"
                and n > 0
                and self.choose(
                    "the place of evaluation belongs to the last term",
                    "the place of evaluation belongs to the whole sum",
                )
            ):
                total = added(total, sign, self.product(items[:-1]))
                total = At(total, self.place(items[-1].factor))
                continue
            total = added(total, sign, self.product(items))
        assert total is not None
        return total

    def goes_on(self, sign: Factor, behind: list[Item]) -> bool:
        """Whether the index of a sum stands in the terms behind it too, where nothing else says what it is."""
        bounds = self.bounds(sign)
        names = {b.index.name for b in bounds if isinstance(b.index, Symbol)}
        said = set[str]().union(*(mentioned(x.factor) for x in behind))
        return "∑" not in said and bool(names & said)

    def product(self, items: list[Item]) -> Formula:
        """The value of a product: calls, derivatives and sums are found first, then the signs are applied."""
        colons = [k for k, x in enumerate(items) if x.factor.kind == "colon"]
        if len(colons) == 1 and 0 < colons[0] < len(items) - 1 and not self.among_indices:
            k = colons[0]
            factors = self.product(items[:k]), self.product([replace(items[k + 1], sign=""), *items[k + 2 :]])
            if any(map(is_matrix, factors)):
                return Call(Symbol("inner"), factors)  # A : B, the sum of the products of entries
            raise self.error(items[k].factor.start, "a colon stands between quantities that are no matrices")
        found: list[tuple[str, Formula, bool]] = []
        i = 0
        while i < len(items):
            item = items[i]
            sign = item.sign if found else ""
            factor = item.factor
            if factor.kind == "sumop":
                if i + 1 == len(items):
                    raise self.error(factor.end, "nothing follows the sum sign")
                if (
                    sign == " "
                    and item.glued
                    and not factor.marks
                    and self.text[factor.start : factor.start + 1] in "∑Σ"
                ):
                    raise self.error(
                        factor.start, "the index of a sum stands before its sign, as copying a page leaves it"
                    )
                value: Formula = self.summed(self.product(items[i + 1 :]), factor)
                i = len(items)
            elif factor.kind == "lim":
                value, i = self.limit(items, i), len(items)
            elif factor.kind == "at":
                if not found:
                    raise self.error(factor.start, "the bar of an evaluation has nothing before it")
                if (slope := self.slope(found[-1][1], self.place(factor))) is not None:
                    found[-1] = (found[-1][0], slope, found[-1][2])
                elif item.glued and items[i - 1].factor.kind in ("lpar", "at"):  # (∂h/∂x)|_{x}
                    found[-1] = (found[-1][0], At(found[-1][1], self.place(factor)), found[-1][2])
                else:
                    found = [("", At(self.combined(found), self.place(factor)), False)]
                i += 1
                continue
            else:
                derivative = self.derivative(items, i)
                value, i = derivative if derivative else self.primary(items, i)
                if derivative and not found and (whole := self.as_operator(value, items, i)) is not None:
                    value, i = whole, len(items)
            if item.negative:
                value = Negate(value)
            if sign == " " and factor.kind == "num" and value == ONE and i == len(items) and not item.glued:
                value = Symbol("ones")  # dZ 1: nobody writes the number behind a factor
            found.append((sign, value, item.glued))
        return self.combined(found)

    def limit(self, items: list[Item], i: int) -> Formula:
        """The limit whose sign is item i, of everything behind it."""
        factor = items[i].factor
        content = factor.marks[0][1] if [kind for kind, _ in factor.marks] == ["sub"] else None
        if content is None or len(content.items) != 1 or content.items[0].relations != ["->"]:
            raise self.error(factor.start, "a limit needs a letter and its place below it, as lim_{h -> 0}")
        if i + 1 == len(items):
            raise self.error(factor.end, "nothing follows the limit")
        letter, place = (self.side(s) for s in content.items[0].sides)
        body = self.product([replace(items[i + 1], sign=""), *items[i + 2 :]])
        if not isinstance(letter, Symbol):
            raise self.error(factor.start, "only a letter goes to the place of a limit")
        return Limit(body, letter, place)

    def all_of(self, parts: list[str]) -> Formula | None:
        """1 where all comparisons hold, else 0: their product; None where one is no comparison."""
        product: Formula | None = None
        for part in parts:
            try:
                tokens = wrap_scripts(balanced(wrap_arguments(latex_tokens(part, self.letters.functions)), part), part)
                one = self.condition(parse(tokens, part), 0)
            except (FormulaError, IndexError):
                return None
            product = one if product is None else Binary("*", product, one)
        return product

    def inequality(self, beside: Factor) -> Formula | None:
        said = _IN_WORDS.sub(lambda m: f" {m[1]} ", self.text[beside.start : beside.end])
        said = _AROUND.sub("", re.sub(r"\\q?quad|\\[,;: ]|\$", " ", said).strip()).strip()
        parts = [x for x in re.split(r"\band\b|∧|\\land(?![A-Za-z])", said) if x.strip()]
        if len(parts) > 1:
            return self.all_of(parts)
        if not _COMPARED.search(said):
            return None
        try:
            tokens = wrap_scripts(balanced(wrap_arguments(latex_tokens(said, self.letters.functions)), said), said)
            value = self.chain(parse(tokens, said))
        except FormulaError:
            return None
        return value if isinstance(value, Call) else None

    def combined(self, found: list[tuple[str, Formula, bool]]) -> Formula:
        """The factors joined by their signs, from left to right unless another grouping is asked for."""
        found = self.glued_denominators(found)
        if len(found) == 1:
            return found[0][1]
        signs = [(k, s) for k, (s, _, _) in enumerate(found) if k and not self.neutral(found, k)]
        matrix = [k for k, s in signs if s in MATRIX_SIGNS]
        entry = [k for k, s in signs if s in ENTRY_SIGNS]
        plain = left_to_right(found)
        if not matrix or not any(found[k][0] in "*∘" for k in entry):
            return plain
        options, notes = [plain], ["from left to right"]
        for loose, note in (
            (matrix, "the entry-by-entry product before the matrix product"),
            (entry, "the matrix product before the entry-by-entry product"),
        ):
            cuts = [0, *loose, len(found)]
            parts = [
                (found[a][0], left_to_right([("", found[a][1], False), *found[a + 1 : b]]), False)
                for a, b in pairwise(cuts)
            ]
            other = left_to_right(parts)
            if other not in options:
                options.append(other)
                notes.append(note)
        return options[self.choose(*notes)]

    def neutral(self, found: list[tuple[str, Formula, bool]], k: int) -> bool:
        """Whether the sign before factor k joins a number's multiple, so that grouping does not matter."""
        return is_scalar(found[k][1]) or all(is_scalar(f) for _, f, _ in found[:k])

    def glued_denominators(self, found: list[tuple[str, Formula, bool]]) -> list[tuple[str, Formula, bool]]:
        """`1/2x`: everything that is glued to the denominator may stand below the bar."""
        k = 0
        while k < len(found):
            end = k + 1
            if found[k][0] == "/":
                while end < len(found) and found[end][0] == " " and found[end][2]:
                    end += 1
            if end > k + 1 and self.choose(
                "the quotient from left to right", "everything up to the next sign stands below the bar"
            ):
                below = left_to_right([("", found[k][1], False), *found[k + 1 : end]])
                found = [*found[:k], ("/", below, False), *found[end:]]
                end = k + 1
            k = end
        return found


def _of_sizes(sides: tuple[Formula, ...]) -> tuple[Formula, ...]:
    """Sides that are sizes, `dim(W) = n × m`, as `shape(W) = (n, m)`; FormulaError for those of an example."""
    calls = [x for x in sides if _is_shape(x)]
    if not calls:
        return sides
    found: list[Formula] = []
    for side in sides:
        if isinstance(side, Binary) and side.sign == "·":
            side = Array((side.left, side.right), 2)
        if isinstance(side, Array) and all(isinstance(x, Number) for x in side.entries):
            raise FormulaError("sizes in numbers are those of an example: write them with letters, as (n[l], m).")
        found.append(replace(side, function=Symbol("shape")) if isinstance(side, Call) and side in calls else side)
    return tuple(found)


def _is_entry_of(entry: Formula, whole: Symbol) -> bool:
    """Whether `W = (w_jk)` only says what the entries of a matrix are called, of which `Z = [Z_ij]` says that it is."""
    base = entry.base if isinstance(entry, Index) else None
    if not isinstance(base, Symbol) or base.name.lower() != whole.name.lower() or base.sample is not None:
        return False
    return base.name != whole.name or whole.name in ("W", "w", "b")


def _is_changed(before: Formula, after: Formula) -> bool:
    """Whether an arrow leads from a parameter to what it becomes: itself and a change."""
    while isinstance(after, Binary) and after.sign in "+-":
        after = after.left
    if isinstance(after, Binary) and after.sign in "* ·" and after.right == before and before not in after.left.parts:
        after = after.right  # (1 - eta lambda) w - …
    letter = before.base if isinstance(before, Index) else before
    return after == before and isinstance(letter, Symbol) and letter.name not in DATA | PER_SAMPLE


def _is_shape(side: Formula) -> bool:
    names = ("shape", "dim", "size")
    return isinstance(side, Call) and len(side.arguments) == 1 and side.function in [Symbol(n) for n in names]


def readings(chain: Chain, text: str, letters: Letters) -> list[tuple[Formula, str]]:
    """Every reading of a statement, the plainest first, each with a note on how it departs from the plainest."""
    if any(r in COMPARISONS for r in chain.relations):
        raise FormulaError("an inequality is not read as a statement: only =, :=, <-, ->, ≈ and != are.")
    found: list[tuple[Formula, str]] = []
    pending: list[tuple[int, ...]] = [()]
    seen: set[tuple[int, ...]] = set()
    steps, bare = steps_of(chain, letters), has_bare(chain, "e")
    while pending and len(found) < MAX_READINGS:
        answers = pending.pop(0)
        reader = Reader(text, letters, answers)
        reader.steps, reader.e_is_a_letter = steps, bare
        try:
            formula = reader.chain(chain)
        except RecursionError:
            raise FormulaError("the formula is nested too deeply: split it.") from None
        except FormulaError:
            if not found:
                raise
            continue
        if depth(formula) > MAX_DEPTH:
            raise FormulaError(f"the formula is more than {MAX_DEPTH} operations deep: split it.")
        if all(formula != f for f, _ in found):
            note = "; ".join(asked[a] for a, asked in zip(answers, reader.asked, strict=False) if a)
            found.append((formula, note))
        for n in range(len(answers), len(reader.asked)):
            for a in range(1, len(reader.asked[n])):
                other = (*answers, *[0] * (n - len(answers)), a)
                if other not in seen:
                    seen.add(other)
                    pending.append(other)
        pending.sort(key=lambda p: sum(map(bool, p)))
    return found
