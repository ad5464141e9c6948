"""Factors with what they are applied to: functions, methods, sample numbers in parentheses."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from ..formula import ONE, Array, Binary, Call, Formula, Index, Negate, Number, Partial, Symbol, Transpose, symbols
from .applied import Applications
from .averages import EXPECTATION, expectation
from .grammar import Factor
from .parts import (
    BRACKETED,
    COSTS,
    OPERATIONS,
    PARAMETERS,
    POWERED,
    Item,
    is_matrix,
    items_of,
    method_mark,
    single,
    stands_bare,
)
from .text_tokens import MATLAB
from .tokens import FUNCTIONS, GREEK, short, words

# Functions of programs that are words of prose too, so that their argument stands in brackets.
_VERBS = words(
    "square where power add subtract divide multiply dot outer shape size average identity step reshape transpose "
    "negative reciprocal array clip hadamard inv mean std var cosine"
)
DOWN_THE_COLUMNS = "runs down the columns, as MATLAB's does"
_BARE_DELTA = re.compile(r"\\?(?:Delta|Δ)(?!\s*\\?[A-Za-zα-ω])")  # of a letter Δ, not of the change ΔZ
_TWO = Number(Fraction(2))


class Calls(Applications):
    """Resolves a factor together with the factors that follow it in its run."""

    def primary(self, items: list[Item], i: int) -> tuple[Formula, int]:
        """The factor at item i with what it is applied to, and the number of the next item."""
        item = items[i]
        if (change := self.change_of(items, i)) is not None:
            return change
        factor = self.unwrapped(item.factor)
        follows = items[i + 1] if i + 1 < len(items) and items[i + 1].sign == " " else None
        beside = follows is not None or (item.sign == " " and i > 0)
        if factor.kind == "word" and follows is not None and follows.factor.kind == "lpar" and follows.glued:
            arguments, names = self.arguments(follows.factor)
            value = self.operation(Symbol("_".join(factor.value.split())), arguments, names, factor.start)
            return self.marked(value, follows.factor.marks, factor.start), i + 2
        if factor.kind == "word" and beside and not factor.marks:
            raise self.error(factor.start, f"{short(factor.value)} beside other signs is prose, not a formula,")
        if (composed := self.composed(factor, follows)) is not None:
            return composed, i + 2
        if (indicator := self.indicator(factor, follows)) is not None:
            return indicator[0], i + indicator[1]
        if factor.kind == "num" and follows is not None and follows.factor.kind == "num":
            raise self.error(factor.start, "two numbers stand side by side")
        bare_d = factor.kind == "name" and factor.value == "d" and not factor.marks
        if bare_d and self.steps and follows is not None and (step := self.numbered(factor, follows)) is not None:
            return step, i + 2  # d(n), what is wanted at step n
        if bare_d and follows is not None and follows.factor.kind == "lpar":
            arguments, names = self.arguments(follows.factor)
            return self.marked(Call(Symbol("d"), arguments, names), follows.factor.marks, factor.start), i + 2
        if bare_d and follows is not None and follows.factor.kind == "name" and follows.factor.value in FUNCTIONS:
            operand, j = self.primary(items, i + 1)  # d tr(X)
            return Call(Symbol("d"), (operand,)), j
        if bare_d and (follows is None or follows.factor.kind != "name"):
            return Symbol("d"), i + 1  # a letter as any other, before no letter that changes
        if factor.kind == "name" and follows is not None and self.is_part(factor, follows):
            inside = self.entries(follows.factor.value, "", factor, programmed=True)
            return self.marked(Index(self.value(factor), inside), follows.factor.marks, factor.start), i + 2
        if follows is not None and self.may_be_mean(factor, follows):
            notes = "E is a quantity or a function", "E is the mean over the samples"
            if self.choose(*notes) == 1:
                return self.mean_over_samples(factor, follows.factor), i + 2
        if follows is not None and self.is_activation_of(factor, follows):
            factor = replace(factor, value="g")
        if factor.kind == "name" and follows is not None:
            plain = method_mark(factor.marks) is None
            if (
                plain
                and (self.is_function(factor) or self.is_applied(factor, follows))
                and (called := self.called(factor, items, i + 1)) is not None
            ):
                return called
            if plain and (numbered := self.numbered(factor, follows)) is not None:
                return numbered, i + 2
        method = method_mark(factor.marks)
        if method is not None and factor.marks[method][1] == "shape":
            return self.shape_of(factor, method), i + 1
        if method is not None:
            if method != len(factor.marks) - 1 or follows is None or follows.factor.kind not in ("lpar", "empty"):
                raise self.error(factor.start, f".{factor.marks[method][1]} needs its arguments in parentheses")
            bare = Factor(factor.kind, factor.value, factor.start, factor.end, factor.marks[:method])
            value = self.index(bare)
            return self.methods(value, factor.marks[method][1], items, i + 1)
        return self.value(factor), i + 1

    def may_be_mean(self, factor: Factor, follows: Item) -> bool:
        """Whether the E of `E[…]` may be an expectation: of no parameter, where no E is declared."""
        if (factor.kind, factor.value, follows.factor.kind) != ("name", "E", "lbrack") or not self.letters.network:
            return False
        if any(kind != "sub" for kind, _ in factor.marks) or any(x.startswith("E") for x in self.letters.rename):
            return False
        inner = single(follows.factor.value.items[0])
        return inner is None or len(inner) > 1 or inner[0].factor.value not in PARAMETERS

    def mean_over_samples(self, factor: Factor, group: Factor) -> Formula:
        r"""`\mathbb E_i[…]`, the mean of what stands in the brackets."""
        below: Formula | None = None
        for kind, content in factor.marks:
            if kind != "sub":
                raise self.error(factor.start, "an expectation carries nothing but an index below it")
            below = self.listed(content, factor) if len(content.items) == 1 else None
        value = expectation(self.listed(group.value, group), below, self.letters)
        return self.marked(value, group.marks, factor.start)

    def composed(self, factor: Factor, follows: Item | None) -> Formula | None:
        r"""`(g \circ h)(x)` as g(h(x)); None for a product of quantities."""
        slope = [kind for kind, _ in factor.marks] == ["prime"]  # (f ∘ g)'(x)
        if factor.kind != "lpar" or (factor.marks and not slope) or len(factor.value.items) != 1:
            return None
        if follows is None or not follows.glued or follows.factor.kind != "lpar":
            return None
        chain = factor.value.items[0]
        inner = list(items_of(chain.sides[0][0][1]))
        if chain.relations or len(chain.sides[0]) > 1 or len(inner) < 2 or any(x.sign != "∘" for x in inner[1:]):
            return None
        if not all(x.factor.kind == "name" and self.is_function(x.factor) for x in inner):
            return None
        value, names = self.arguments(follows.factor)
        letter = value[0] if len(value) == 1 else None
        if slope and not isinstance(letter, Symbol):
            return None
        for x in reversed(inner):
            value = (self.operation(self.symbol(x.factor, function=True), value, names, x.factor.start),)
            names = ()
        whole = Partial(value[0], letter) if slope and letter is not None else value[0]
        return self.marked(whole, follows.factor.marks, factor.start)

    def shape_of(self, factor: Factor, method: int) -> Formula:
        """`X.shape` as shape(X), `X.shape[0]` as shape(X, 0)."""
        bare = Factor(factor.kind, factor.value, factor.start, factor.end, factor.marks[:method])
        arguments: tuple[Formula, ...] = (self.value(bare),)
        rest = factor.marks[method + 1 :]
        if rest and rest[0][0] == "idx":
            arguments += (self.listed(rest[0][1], factor),)
            rest = rest[1:]
        return self.marked(Call(Symbol("shape"), arguments), rest, factor.start)

    def change_of(self, items: list[Item], i: int) -> tuple[Formula, int] | None:
        """`ΔW`, the change of W, is one letter unless Δ is declared to be one."""
        factor = items[i].factor
        if factor.kind != "name" or factor.value != "Delta" or i + 1 == len(items):
            return None
        if factor.marks and [kind for kind, _ in factor.marks] != ["sub"]:
            return None
        of = items[i + 1]
        letter = of.factor.value
        if (
            of.sign != " "
            or of.factor.kind != "name"
            or not (len(letter) == 1 or (letter in GREEK and letter != "Delta"))
        ):
            return None
        if any(_BARE_DELTA.match(pattern) for pattern in self.letters.rename):
            return None
        name = f"Delta{of.factor.value}"
        change = self.symbol(Factor("name", name, factor.start, of.factor.end, of.factor.marks))
        number = self.listed(factor.marks[0][1], factor) if factor.marks else None  # Δ_p w, the change by sample p
        after = items[i + 2].factor if i + 2 < len(items) and items[i + 2].glued else None
        step = self.sample_index(after) if after is not None and after.kind == "lpar" and not after.marks else None
        if number is None and step is None:
            return change, i + 2
        letter = next(x for x in symbols(change) if x.name == name)
        numbered = replace(letter, sample=number or step)
        taken = 2 if number is not None else 3  # Δw(t), of step t
        return change.mapped(lambda x: numbered if x is letter else x), i + taken

    def methods(self, value: Formula, name: str, items: list[Item], i: int) -> tuple[Formula, int]:
        """`value.name(…)` whose parenthesis is item i, and every method called on its result."""
        group = items[i].factor
        arguments, names = self.arguments(group)
        value = self.operation(Symbol(name), (value, *arguments), names, group.start)
        method = method_mark(group.marks)
        if method is None:
            return self.marked(value, group.marks, group.start), i + 1
        value = self.marked(value, group.marks[:method], group.start)
        if i + 1 >= len(items) or items[i + 1].factor.kind not in ("lpar", "empty"):
            raise self.error(group.end, f".{group.marks[method][1]} needs its arguments in parentheses")
        return self.methods(value, group.marks[method][1], items, i + 1)

    def indicator(self, factor: Factor, follows: Item | None) -> tuple[Formula, int] | None:
        """`1_{i = j}`, `1[z > 0]`, `I(z > 0)`: 1 where a condition holds, else 0, and how many items were taken."""
        if factor.value not in ("1", "I") or factor.kind not in ("num", "name") or len(factor.marks) > 1:
            return None
        if factor.marks:
            content, taken = factor.marks[0][1], 1
            if factor.marks[0][0] not in ("sub", "idx"):
                return None
        elif follows is not None and follows.factor.kind in BRACKETED:
            content, taken = follows.factor.value, 2
        else:
            return None
        bare = single(content.items[0]) if len(content.items) == 1 else None
        if bare is not None and len(bare) == 1 and bare[0].factor.kind in ("lpar", "lbrack"):  # 1_{\{z > 0\}}
            content = bare[0].factor.value
        if len(content.items) != 1 or len(content.items[0].relations) != 1:
            return None
        value = self.condition(content.items[0], factor.start)
        return (self.marked(value, follows.factor.marks, factor.start) if taken == 2 and follows else value), taken

    def called(self, factor: Factor, items: list[Item], i: int) -> tuple[Formula, int] | None:
        """The function `factor` applied to item i, or None where it is no argument."""
        argument = items[i].factor
        if factor.value == "ones" and (factor.marks or self.is_expression(argument)):  # 1ᵀ(ŷ - y): a column of ones
            return None
        known = factor.value in FUNCTIONS
        indexed = not known or any(kind == "sub" for kind, _ in factor.marks)
        if indexed and argument.kind == "lpar" and stands_bare(factor.value, argument.value):
            return None  # h_i (1 - h_i)
        if not known and self.is_turned_factor(items[i]) and factor.value in ("f", "g", "h"):
            return None  # h (r - v)^T, h^{(k-1)} (∇J)^T
        if factor.value in COSTS and self.is_turned(argument):
            return None  # ∇_z L (a)^T
        power = None
        marks = factor.marks
        if known and marks and marks[-1][0] in ("sup", "power") and not self.is_place(marks[-1][1]):
            marks, power = marks[:-1], marks[-1]  # \log^2 x
        if any(kind == "attr" and v == "T" for kind, v in marks):
            return None
        if factor.value == "nabla":
            return self.gradient(factor, items, i)
        if factor.value == EXPECTATION and argument.kind in BRACKETED:
            return self.mean_over_samples(factor, argument), i + 1
        running = self.running(factor)
        if running is not None:
            marks, power = [], None
        bare = Factor("name", factor.value, factor.start, factor.end, marks)
        function = running if running is not None else self.symbol(bare, function=True)
        if isinstance(function, Transpose):  # h^T (p - y)
            return None
        if (
            argument.kind in ("lpar", "empty")
            or (factor.value in COSTS and self.is_applied(factor, items[i]))
            or (argument.kind in BRACKETED and factor.value not in COSTS and (known or argument.kind != "lbrace"))
            or (argument.kind == "matrix" and not known and self.is_taken_of(factor))
        ):
            if (numbered := self.numbered_cost(factor, items[i])) is not None:
                return numbered, i + 1
            matrix = argument.kind == "matrix"
            arguments, names = ((self.matrix(argument),), ()) if matrix else self.arguments(argument)
            marks = argument.marks
            if marks and marks[0][0] == "sup" and factor.value in POWERED and self.is_power(marks[0][1]):
                note = f"the power belongs to {factor.value}(…)", f"the power belongs to the argument of {factor.value}"
                if self.choose(*note):
                    arguments = (self.marked(arguments[0], marks[:1], argument.start), *arguments[1:])
                    marks = marks[1:]
            value = self.operation(function, arguments, names, factor.start)
            marks = marks[1:] if factor.value == "inner" and marks and marks[0][0] == "sub" else marks  # ⟨A, B⟩_F
            method = method_mark(marks)
            if method is not None:
                value = self.marked(value, marks[:method], argument.start)
                if i + 1 >= len(items) or items[i + 1].factor.kind not in ("lpar", "empty"):
                    raise self.error(argument.end, f".{marks[method][1]} needs its arguments in parentheses")
                return self.methods(value, marks[method][1], items, i + 1)
            value, j = self.marked(value, marks, argument.start), i + 1
        elif known and (argument.kind == "sumop" or factor.value == "prod"):  # ln Σ_j …; Π_k covers what follows
            value, j = self.operation(function, (self.product(items[i:]),), (), factor.start), len(items)
        elif factor.value in ("ones", "zeros"):  # 1 aᵀ: a column of ones, no function
            return None
        elif factor.value in _VERBS:
            raise self.error(factor.start, f"{short(factor.value)} beside other signs is prose, not a formula,")
        elif known and argument.kind not in ("partial", "sumop", "at", "colon", "prime", "dots"):
            operand, j = self.operand_of(factor, items, i)
            value = self.operation(function, (operand,), (), factor.start)
        else:
            return None
        if power is not None:
            value = self.marked(value, [power], factor.start)
        return value, j

    def operand_of(self, factor: Factor, items: list[Item], i: int) -> tuple[Formula, int]:
        r"""What a function without brackets is taken of: one factor, or all side by side: `\log \frac12 e^z`."""
        operand, j = self.primary(items, i)
        end = j
        while end < len(items) and items[end].sign == " " and self.is_plain_factor(items[end].factor):
            end += 1
        if factor.value not in ("ln", "log") or end == j:
            return operand, j
        first = items[i].factor
        notes = [f"{factor.value} is taken of the first factor", f"{factor.value} is taken of the whole product"]
        whole_first = first.kind in ("frac", "num", "sqrt")
        if (self.choose(*(reversed(notes) if whole_first else notes)) == 0) == whole_first:
            return self.product([replace(items[i], sign=""), *items[i + 1 : end]]), end
        return operand, j

    def dimension(self, name: str, arguments: tuple[Formula, ...]) -> int | None:
        """The axis of MATLAB's `sum(x, 1)`, `sum(x, 2)`, and of `sum(X)` where it may be meant; None for NumPy's."""
        if len(arguments) == 2 and arguments[1] == _TWO:
            return 1
        if not MATLAB.search(self.text):
            return None
        if len(arguments) == 2 and arguments[1] == ONE:
            return 0
        if len(arguments) != 1 or not is_matrix(arguments[0]):
            return None
        notes = f"{name}(…) is that of all entries", f"{name}(…) {DOWN_THE_COLUMNS}"
        return 0 if self.choose(*notes) else None

    def operation(
        self, function: Formula, arguments: tuple[Formula, ...], names: tuple[str, ...], place: int
    ) -> Formula:
        """A call, or the sign that the function stands for: np.dot(a, b) is a @ b."""
        name = function.name if isinstance(function, Symbol) and function.layer is None else ""
        if name in OPERATIONS:
            if len(arguments) != 2 or names:
                raise self.error(place, f"{name} takes two arguments")
            plain = all(isinstance(x, Symbol) and x.layer is None and x.name.islower() for x in arguments)
            sign = "·" if name == "dot" and plain else OPERATIONS[name]  # of two vectors np.dot is their product
            return Binary(sign, arguments[0], arguments[1])
        if name == "transpose":
            if len(arguments) != 1 or names:
                raise self.error(place, "transpose takes one argument")
            return Transpose(arguments[0])
        if (name == "copy" and len(arguments) == 1) or (name == "astype" and len(arguments) == 2):
            return arguments[0]
        if name in ("square", "reciprocal", "negative") and len(arguments) == 1 and not names:
            if name == "negative":
                return Negate(arguments[0])
            return Binary("^", arguments[0], _TWO) if name == "square" else Binary("/", ONE, arguments[0])
        if name.endswith("_backward") and name[:-9] in FUNCTIONS and len(arguments) == 2 and not names:
            slope = Call(Symbol(name[:-9], None, None, 1), arguments[1:])  # relu_backward(dA, Z)
            return Binary("*", arguments[0], slope)
        if name in ("heaviside", "step") and arguments and not names:
            return Call(Symbol("greater"), (arguments[0], Number(Fraction(0))))
        if name in ("sum", "mean") and not names and (axis := self.dimension(name, arguments)) is not None:
            return Call(function, (arguments[0], Number(Fraction(axis)), Symbol("True")), ("axis", "keepdims"))
        if name in ("inner", EXPECTATION) and len(arguments) == 1 and not names:
            return expectation(arguments[0], None, self.letters)
        if name == "inner" and len(arguments) == 2 and not names and not all(map(is_matrix, arguments)):
            return Binary("·", arguments[0], arguments[1])
        if name == "array" and len(arguments) == 1 and isinstance(arguments[0], Array):
            return arguments[0]
        return Call(function, arguments, names)
