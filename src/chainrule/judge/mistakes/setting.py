"""What a rule for one part must know of the whole formula."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ...meaning.letters import LOSSES
from ...notation.formula import ONE, Binary, Equation, Formula, Index, Number, Symbol, symbols
from ..parts import Place, index_letters, layers_of, offset, places, shifted

# The mistake that a change mends, the new part, its size (1: a slip of the pen), and what is wrong, in words.
Change = tuple[str, Formula, float, str]


@dataclass(frozen=True)
class Setting:
    """The formula around a part.

    equation  the whole formula
    unknown   names that mean nothing: what replaces them mends an undefined symbol
    declared  what the letters of the document stand for, where each is one quantity: `delta_1` is dz[2]
    told      the network is declared, so that the activations of its layers are known
    definitions  of the document, by the letter at the left
    penalty   what multiplies W in the derivative of the declared penalty on the weights; None: there is none
    """

    equation: Equation
    unknown: frozenset[str] = field(default=frozenset())
    declared: tuple[Formula, ...] = ()
    told: bool = True
    definitions: Mapping[str, Formula] = field(default_factory=dict)
    penalty: Formula | None = None

    @cached_property
    def places(self) -> tuple[Place, ...]:
        return tuple(places(self.equation))

    @cached_property
    def letters(self) -> list[str]:
        """Index letters; m, N, L are numbers, and n is one unless it counts entries."""
        counts = {e for x in self.equation.parts if isinstance(x, Index) for e in x.entries}
        numbers = {"m", "N", "L"} | ({"n"} if Symbol("n") not in counts else set())
        return sorted(index_letters(self.equation) - numbers)

    @cached_property
    def numbers(self) -> list[Formula]:
        """The numbers of single entries: 1 and 2 of `w_1 x_1 + w_2 x_2`."""
        return list(dict.fromkeys(p.part for p in self.places if p.role == "index" and isinstance(p.part, Number)))

    @cached_property
    def near(self) -> list[Formula]:
        """The layers that occur, and their neighbors."""
        found: list[Formula] = []
        for layer in layers_of(self.equation):
            for by in (0, -1, 1):
                other = shifted(layer, by)
                if other is not None and other not in found:
                    found.append(other)
        if not found:  # its letters are the document's own
            found = [layer for part in self.declared for layer in layers_of(part)]
        return list(dict.fromkeys(found))

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of the quantities."""
        return frozenset(p.part.name for p in self.places if isinstance(p.part, Symbol) and p.role == "operand")

    @property
    def lower(self) -> bool:
        """It is about one sample."""
        return not (self.names & {"Z", "A", "dZ", "dA", "X", "Y", "Yhat"})

    @cached_property
    def powers(self) -> bool:
        """A square may be missing anywhere: there are powers, or it is a cost; gradients of a network have none."""
        return bool(self.names & {"L", "J", "C"}) or any(
            isinstance(p.part, Binary) and p.part.sign == "^" for p in self.places
        )

    @cached_property
    def complements(self) -> bool:
        """It has 1 - y or 1 - a."""
        return any(isinstance(x, Binary) and x.sign == "-" and x.left == ONE for x in self.equation.parts)

    @cached_property
    def costs(self) -> bool:
        """It states a loss or a cost."""
        left = self.equation.sides[0]
        return isinstance(left, Symbol) and left.name in LOSSES

    @cached_property
    def entries(self) -> list[Formula]:
        """The single indices of its components: i of `z[l][i]`."""
        found = [p.part.entries[0] for p in self.places if isinstance(p.part, Index) and len(p.part.entries) == 1]
        return list(dict.fromkeys(found))

    @cached_property
    def counters(self) -> list[Formula]:
        """The letters that count its components, those of its sums too."""
        return list(dict.fromkeys([*self.entries, *(Symbol(x) for x in self.letters)]))

    @cached_property
    def beside(self) -> dict[str, list[tuple[str, int]]]:
        """Letters of the document that count layers otherwise: `epsilon_i` is dz[i] where `delta_i` is da[i-1]."""
        general = [x for x in self.declared if isinstance(x, Symbol) and x.layer is not None]
        offsets = {x.name: offset(x.layer) for x in general if x.layer is not None and any(symbols(x.layer))}
        found: dict[str, list[tuple[str, int]]] = {}
        for a, by in offsets.items():
            found[a] = [(b, other - by) for b, other in offsets.items() if b != a and other != by]
        return found

    @property
    def samples(self) -> str:
        """The letter of the number of samples."""
        return next((x for x in ("m", "N") if x in self.names), "m")

    @cached_property
    def functions(self) -> frozenset[str]:
        """Functions without a layer."""
        found = (p.part for p in self.places if p.role == "function")
        return frozenset(f.name for f in found if isinstance(f, Symbol) and not f.layer)

    @cached_property
    def counts(self) -> Counter[Symbol]:
        """How often each quantity occurs at the right."""
        return Counter(
            p.part for p in self.places if p.role == "operand" and p.path[:1] != (0,) and isinstance(p.part, Symbol)
        )
