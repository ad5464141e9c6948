"""The formulas of one stretch of a document, judged one after the other: what is defined is taken up on the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ..errors import ChainruleError
from ..judge.verdict import NO_NETWORK, Declared, Judgement
from ..notation.canonical import canonical
from ..notation.formula import Call, Equation, Formula, Index, Symbol, Transpose
from ..notation.letters import Letters
from ..notation.updates import CHANGES
from ..notation.write import exact
from . import measures
from .anew import ANEW, argument_of, inside, is_another, is_claim, is_general, is_next
from .found import Found
from .functions import Functions, function_alone
from .header import Notation, Stretch
from .own import in_own_letters, typeset
from .pieces import first_relation, has_relation, only_sides
from .report import Entry
from .stated import ACTIVATIONS, LETTERS, RANGE, TYPE, defined_letter, is_known, nothing_stated, of_itself
from .strength import under_penalty
from .worked import worked

# What reads a formula, and what judges it under declared meanings.
Reader = Callable[[Found, Notation], Equation]
Judge = Callable[[Found, Sequence[Declared]], Judgement]
Known = dict[tuple[str, str, tuple[Declared, ...]], Judgement]
Told = dict[tuple[int, str], tuple[Declared, ...]]  # under what the formula of a line was judged


_STANDS_FOR = re.compile(r"\b(d?[AZaz]) stands for (d?[AZaz]\[\w+\])")
_IN_GENERAL = re.compile(r"\[(?:l|i|k)\b|\{(?:l|i|k)\b")
COSTS = frozenset({"loss", "cost", "Loss", "Cost"})
_LAYER = re.compile(r"\s*\\?[A-Za-z]+\s*(?:\^\s*(?:\{[^{}]*\}|\w)|\[[^\[\]]*\])\s*:?=")
_AT_PARAMETERS = tuple(Symbol(x) for x in ("w", "b", "W", "theta", "Theta", "beta"))


@dataclass
class Section:
    """A stretch of a document with what was defined in it so far.

    known  what was judged before, in other stretches too
    taken  the definitions that hold from here on, by their letter
    told   under what the formula of a line was judged
    shown  the entries are shown to people, in the letters of the document
    """

    stretch: Stretch
    read: Reader
    judge: Judge
    known: Known
    taken: dict[str, str] = field(default_factory=dict)
    told: Told = field(default_factory=dict)
    shown: bool = True
    _turned: dict[str, str] = field(default_factory=dict)  # names of a program -> the derivative that they became
    _stands: dict[str, str] = field(default_factory=dict)  # names without a layer -> the one whose value they have now
    _functions: Functions = field(default_factory=Functions)
    _assigned: set[str] = field(default_factory=set)  # names that a program has given values
    _changes: dict[Found, list[Entry]] = field(default_factory=dict)  # entries of changes, found with what they change

    def __post_init__(self) -> None:
        self.stretch = _without_known(self.stretch, self.judge)

    @property
    def letters(self) -> Letters:
        """The letters of the first reading."""
        return self.stretch.readings[0][1].as_letters()

    def entries(self, each: Found) -> list[Entry]:
        """The entry of one formula; none for a line that only looked like one."""
        if each.after:
            return self._changes.pop(each, None) or [Entry(each, "no statement", why=f"judged with line {each.after}")]
        if each.name:
            return self._as_one(each)
        if each.syntax != "code":
            return self._entries(each)
        name = each.formula.partition(" = ")[0]
        self._turned.pop(name, None)
        entries = self._entries(each)
        self._stands.pop(name, None)
        self._assigned.add(name)
        if len(entries) == 1 and entries[0].verdict == "right if" and entries[0].judgement is not None:
            for bare, layered in _STANDS_FOR.findall(entries[0].judgement.condition):
                if bare == name:
                    self._stands[bare] = layered
        return entries

    def _as_one(self, each: Found) -> list[Entry]:
        """A value with what a program makes of it in place: `d = P`, `d -= Y`, `d /= m`.

        d, the derivative by a layer's output, is that by its pre-activation once it is multiplied by the activation's.
        """
        parts = (each, *each.then)
        chain = [replace(x, then=(), after=0, name="") for x in parts]
        if each.then:
            self._turned.pop(each.name, None)
        kept = replace(chain[-1], line=each.line, text=each.text)
        whole = self._entries(kept)
        if not whole or whole[0].status != "judged" or _holds(whole):
            return [replace(e, found=each) for e in whole]
        if behind := self._through_activation(each.name):
            before = self._turned.get(each.name)
            self._turned[each.name] = behind
            if _holds(turned := self._entries(kept)):
                return [replace(e, found=each) for e in turned]
            if _is_named(turned) or not _is_named(whole):
                whole = turned
            elif before is None:
                del self._turned[each.name]
            else:
                self._turned[each.name] = before
        alone = self._entries(chain[0])
        gradient = self._is_slope(each.name)
        if whole[0].verdict != "wrong" or not gradient:
            return alone if _holds(alone) or not gradient else [replace(e, found=each) for e in whole]
        at = self._goes_wrong(whole[0], chain, 1 if _holds(alone) else 0)
        if at == 0:
            return [replace(e, found=each) for e in whole]
        self._changes[parts[at]] = [replace(e, found=parts[at]) for e in whole]
        return alone if _holds(alone) else [Entry(each, "no statement", why=f"judged with line {parts[at].line}")]

    def _through_activation(self, name: str) -> str:
        """dZ[1] for a name that stands for dA[1]; empty for any other."""
        ours = self._ours(name)
        if ours is None or ours.name not in ("dA", "da") or ours.layer is None:
            return ""
        return exact(replace(ours, name="dZ" if ours.name == "dA" else "dz"))

    def _is_slope(self, name: str) -> bool:
        ours = self._ours(name)
        return ours is not None and ours.name.startswith("d")

    def _ours(self, name: str) -> Symbol | None:
        try:
            left = self.read(Found(0, name, f"{name} = 0", "code"), self.stretch.readings[0][1]).sides[0]
            ours = canonical(left, self.letters)
        except ChainruleError:
            return None
        ours = ours.operand if isinstance(ours, Transpose) else ours
        return ours if isinstance(ours, Symbol) else None

    def _goes_wrong(self, entry: Entry, chain: Sequence[Found], first: int) -> int:
        """Which of the statements of a value has the part that is wrong; the last one where none has."""
        place = entry.judgement.causes[0].place if entry.judgement and entry.judgement.causes else ""
        for i, each in enumerate(chain[first:-1], first):
            try:
                sides = canonical(self.read(each, self.stretch.readings[0][1]), self.letters).children[1:]
            except ChainruleError:
                continue
            if any(exact(p) == place for side in sides for p in side.parts):
                return i
        return len(chain) - 1

    def _entries(self, each: Found) -> list[Entry]:
        if not has_relation(each.formula):
            return [Entry(each, "no statement", why="no relation")]
        if RANGE.fullmatch(each.formula.strip()):
            return [Entry(each, "no statement", why="a range")]
        if TYPE.search(each.formula):
            return [Entry(each, "no statement", why="what a function maps to what")]
        try:
            equation = self.read(each, self.stretch.readings[0][1])
        except ChainruleError as error:
            if not each.certain:
                return []
            if each.syntax == "code":
                return [Entry(each, "no statement", why="code that is no formula")]
            self._functions.unread(each.formula)
            return [Entry(each, "judged", Judgement(each.text, "cannot tell", note=f"it cannot be read: {error}"))]
        why = nothing_stated(equation)
        if not why and each.syntax == "code" and of_itself(equation, self.letters):
            why = "a new value of itself"
        if why:
            return [Entry(each, "no statement", why=why)]
        if len(equation.sides) > 2 and (numbers := worked(equation)):
            return self._of_an_example(each, equation, numbers)
        entries = self._stated(each, equation)
        return entries if each.syntax == "code" or len(entries) != 1 else [self._listed(entries[0], equation)]

    def _listed(self, entry: Entry, equation: Equation) -> Entry:
        """The entry, unless it is about one of the functions that the text lists, alone."""
        notation, found = self.stretch.readings[0][1], entry.found
        name = function_alone(equation)
        if not name or self._declares(name):
            return entry
        new = self._functions.told(equation, entry, lambda d: self.judge(found, (d,)), notation.declared())
        if new.status == "definition" and self._is_own():
            self.taken.pop(name, None)
            if self._functions.known.get(name):
                self._take(name, found, equation)
        return new

    def _is_own(self) -> bool:
        """Whether every letter is the text's own, as it is about no network."""
        return all(n.network == NO_NETWORK for _, n in self.stretch.readings)

    def _stated(self, each: Found, equation: Equation) -> list[Entry]:
        """What a statement about letters is: a definition, or a claim that is judged."""
        declared = tuple(
            replace(d, definitions=(*d.definitions, *self.taken.values()))
            for d in (
                under_penalty(self._now(notation, each), equation).declared(name)
                for name, notation in self.stretch.readings
            )
        )
        if measures.known(equation) and not self.taken.keys() & measures.DEFINITIONS.keys():
            judgement = self.judge(each, tuple(measures.declared_with(d) for d in declared[:1]))
            return [Entry(each, "judged", judgement)]
        left = equation.sides[0].base if isinstance(equation.sides[0], Index) else equation.sides[0]
        change = f"Delta{left.name}" if isinstance(left, Symbol) else ""
        if change in CHANGES and any(isinstance(p, Symbol) and p.name == change for p in equation.parts):
            return [Entry(each, "no statement", why=f"it says what the change of {change[5:]} is")]
        own = self._is_own()
        letter = defined_letter(_equation(canonical(equation, declared[0].letters)), anything=own)
        if letter and letter in self.stretch.readings[0][1].general and isinstance(equation.sides[0], Call):
            return [Entry(each, "definition", why=f"{letter} is defined here, which may be any activation elsewhere")]
        if letter and letter not in self.taken and not self._declares(letter):
            if each.syntax == "code" and not is_known(canonical(equation, declared[0].letters), self.taken):
                return [Entry(each, "no statement", why="code about names of its own")]
            dummy = isinstance(equation.sides[0], Call) and not _is_applied(equation.sides[0])
            if (
                letter in ACTIVATIONS
                and not dummy
                and all(n.network not in ("any", NO_NETWORK) for _, n in self.stretch.readings)
            ):
                judgement = self.judge(each, declared)
                if judgement.verdict in ("right", "right if"):  # it is the network's own, and says so
                    return [Entry(each, "judged", judgement, readings=_names(declared))]
            if letter in COSTS and all(n.loss != "any" for _, n in self.stretch.readings):
                judgement = self.judge(each, declared)
                if judgement.verdict in ("right", "right if") or _is_named_one(judgement):
                    return [Entry(each, "judged", judgement, readings=_names(declared))]
            if own or letter not in LETTERS:  # else it would hide ours, which other letters may stand for
                self._take(letter, each, equation)
            why = f"{exact(_letter_of(equation))} is taken up as defined here"
            return self._of_the_rest(each, equation, why) or [Entry(each, "definition", why=why)]
        self.told[each.line, each.formula] = declared
        key = (each.formula, each.syntax, declared)
        if key not in self.known:
            self.known[key] = self.judge(each, declared)
        judgement = replace(self.known[key], text=each.text)
        undefined = judgement.causes[0].found if judgement.cause == "undefined-symbol" else ""
        if each.syntax == "code" and judgement.verdict == "wrong" and undefined in self._assigned:
            note = f"of which layer {undefined} is here is not known: declare what it stands for"
            judgement = replace(judgement, verdict="cannot tell", causes=(), others=(), note=note)
        special = letter in self.taken and judgement.verdict == "wrong" and is_general(self.taken[letter], self.letters)
        another = special or is_another(judgement) or is_next(judgement, equation)
        if another and letter in self.taken and is_claim(self.taken[letter], equation, self.letters):
            note = f"{exact(_letter_of(equation))} is defined as a derivative here, and this does not hold with that"
            judgement, another = replace(judgement, verdict="cannot tell", causes=(), others=(), note=note), False
        if letter in self.taken and another and not _is_applied(equation.sides[0]):
            self._take(letter, each, equation)
            return [Entry(each, "definition", why=f"{letter} {ANEW}")]
        if judgement.verdict in ("wrong", "cannot tell") and (inner := inside(equation, self.taken)):
            self._take(inner[0], each, inner[1], exact(inner[1]))
            return [Entry(each, "definition", why=f"{inner[0]} {ANEW}")]
        if own and is_another(judgement) and (argument := self._argument(equation)):
            note = f"{argument}: so far the arguments of functions alone; say what they are here"
            judgement = replace(judgement, verdict="cannot tell", causes=(), others=(), note=note)
        if each.syntax == "code" and judgement.verdict == "cannot tell" and not self._is_ours(equation, declared[0]):
            return [Entry(each, "no statement", why=f"code: {judgement.note}")]
        if not self.shown:
            return [Entry(each, "judged", judgement)]
        letters, latex = _meant(judgement, declared).letters, each.syntax == "latex"
        mended = in_own_letters(judgement, letters, latex=latex)
        shown = typeset(judgement, letters) if latex else {}
        return [Entry(each, "judged", judgement, mended=mended, readings=_names(declared), typeset=shown)]

    def _now(self, notation: Notation, each: Found) -> Notation:
        """A notation with what names of the program stand for by now."""
        if each.syntax != "code" or not (self._turned or self._stands or notation.of_programs):
            return notation
        general = _IN_GENERAL.search(each.formula) is not None
        stands = {a: b for a, b in self._stands.items() if (_IN_GENERAL.search(b) is not None) == general}
        letters = {**dict(notation.of_programs), **dict(notation.letters), **stands, **self._turned}
        return replace(notation, letters=tuple(letters.items()))

    def _argument(self, equation: Equation) -> str:
        """The letters that are nothing but arguments of functions here."""
        declared = any(n.definitions for _, n in self.stretch.readings)
        return "" if declared else argument_of(equation, self.taken)

    def _take(self, letter: str, each: Found, equation: Equation, text: str = "") -> None:
        """Take up a definition; q, defined by q(z) = …, is a function from here on."""
        self.taken[letter] = text or (exact(equation) if each.syntax == "code" else each.formula)
        left = equation.sides[0]
        varies = isinstance(left, Call) and not all(x in _AT_PARAMETERS for x in left.arguments)
        if varies and letter not in self.letters.functions:
            readings = ((name, replace(n, functions=(*n.functions, letter))) for name, n in self.stretch.readings)
            self.stretch = replace(self.stretch, readings=tuple(readings))

    def _of_the_rest(self, each: Found, equation: Equation, why: str) -> list[Entry]:
        """What `h = a = f(z)` says besides what h is: a = f(z), judged; nothing where there is no such rest."""
        relation = first_relation(each.formula)
        if len(equation.sides) < 3 or relation is None:
            return []
        rest = replace(each, formula=each.formula[relation[1] :].strip())
        entries = self.entries(rest)
        if len(entries) != 1 or (judgement := entries[0].judgement) is None:
            return []
        note = f"{why}; {judgement.note}" if judgement.note else why
        return [replace(entries[0], judgement=replace(judgement, note=note))]

    def _of_an_example(self, each: Found, equation: Equation, numbers: tuple[int, ...]) -> list[Entry]:
        """`z = w x + b = 0.5 * 2 - 0.2 = 0.8`: what it says of all numbers, and whether the example's are right."""
        count = len(equation.sides)
        letters = tuple(i for i in range(count) if i not in numbers)
        found: list[Entry] = []
        for kept in (numbers, letters):
            text = only_sides(each.formula, kept, count) if len(kept) > 1 else ""
            if text:
                found += self.entries(replace(each, formula=text))
        told = [e for e in found if e.judgement is not None]
        worst = [e for e in told if e.verdict == "wrong"] or [e for e in told if e.verdict == "cannot tell"]
        return (worst or found[-1:] or [Entry(each, "no statement", why="a number is set")])[:1]

    def _is_ours(self, equation: Equation, declared: Declared) -> bool:
        """Whether a statement of a program is about a layer's quantity and nothing that nobody knows."""
        ours = canonical(equation, declared.letters)
        left = ours.children[0]
        return isinstance(left, Symbol) and left.layer is not None and is_known(ours, self.taken)

    def _declares(self, letter: str) -> bool:
        """Whether the header says what a letter stands for."""
        for _, notation in self.stretch.readings:
            if letter in notation.free:
                return True
            if any(d.strip().startswith(letter) for d in notation.definitions):
                return True
        return False


def _without_known(stretch: Stretch, judge: Judge) -> Stretch:
    """The stretch without declared definitions of this library's letters that its network has by itself.

    `z = w.T @ x + b` in a network of one unit says nothing new; taken up, it would hide that w and b are its own.
    """

    def needed(definition: str, notation: Notation, name: str) -> bool:
        if _LAYER.match(definition):  # Z^l = …, as the network has it, maybe with weights stored in another way
            bare = replace(notation, definitions=())
            found = judge(Found(0, definition, definition, "text"), (bare.declared(name),))
            return found.verdict != "right" and "W is stored transposed" not in found.condition
        left = re.match(r"\s*(\w+)(?:_\{?[\w,]+\}?\(\w\))?\s*:?=", definition)  # h_{w,b}(x) is the network's output
        hypothesis = left is not None and "(" in left[0]
        if left is None or notation.network in ("any", NO_NETWORK) or (left[1] not in LETTERS and not hypothesis):
            return True
        bare = replace(notation, definitions=())
        return judge(Found(0, definition, definition, "text"), (bare.declared(name),)).verdict != "right"

    return replace(
        stretch,
        readings=tuple(
            (name, replace(x, definitions=tuple(d for d in x.definitions if needed(d, x, name))))
            for name, x in stretch.readings
        ),
    )


def _holds(entries: Sequence[Entry]) -> bool:
    return bool(entries) and entries[0].verdict in ("right", "right if")


def _is_named(entries: Sequence[Entry]) -> bool:
    """Whether a mistake is known."""
    judgement = entries[0].judgement if entries else None
    return judgement is not None and judgement.cause not in ("", "not named", "shape")


def _is_named_one(judgement: Judgement) -> bool:
    return judgement.verdict == "wrong" and judgement.cause not in ("", "not named", "shape", "undefined-symbol")


def _is_applied(left: Formula) -> bool:
    """q(a[1]): a function of a quantity of some layer, no dummy."""
    return isinstance(left, Call) and any(isinstance(x, Symbol) and x.layer is not None for x in left.arguments)


def _equation(formula: Formula) -> Equation:
    return formula if isinstance(formula, Equation) else Equation((formula,))


def _letter_of(equation: Equation) -> Formula:
    left = equation.sides[0]
    return left.function if isinstance(left, Call) else left


def _names(declared: Sequence[Declared]) -> tuple[str, ...]:
    """The names of the readings that were judged, where there are several."""
    return tuple(d.name for d in declared if len(declared) > 1)


def _meant(judgement: Judgement, declared: Sequence[Declared]) -> Declared:
    """The reading under which a formula was mended."""
    return next((d for d in declared if f"mended for the reading {d.name!r}" in judgement.note), declared[0])
