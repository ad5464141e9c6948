"""The declared notation of a document: a header in TOML, in the document or in a file of its own.

Without a header a document is read with the names of this library. With one, it says what it means::

    chainrule:
    network = "3-5:tanh-4:softmax"
    loss = "cross_entropy"
    place = "parameters"
    letters = {"delta[l]" = "dZ[l]"}

    [[section]]
    from = "Regression"
    network = "3-5:tanh-2"
    loss = "quadratic"

    [[reading]]
    name = "a[L] is the output"
    [[reading]]
    name = "a[L] are the logits"
    letters = {"a[L]" = "z[L]"}

network        a network string, or "any": judged on several networks, or "none": what is said is about no network, so
               that x, z, L are any numbers and functions
loss           a loss of this library (`cross_entropy`, `quadratic`, ...), or "any": judged with several
samples        "columns" or "rows" of X, or "one": all formulas are about one sample
place          of 1/m: "parameters" (dW, db have it, dZ is per sample) or "dZ"
layer          where the number of a layer stands: "brackets" W^{[l]}, "parentheses" W^{(l)}, "subscript" W_l,
               "superscript" W^l
layers         the letters that number layers, where others at the same place number components: W_l and z_k
component      where the component of a vector stands: "subscript" z_i, "superscript" z^i
functions      letters that are applied to an argument: g(z) is then no product
differentials  true where dx is a small change of x, not a derivative of the cost; a list of the letters that change
               independently, where the others stay as they are
letters        what the document writes -> what this library writes: {"z_i" = "a[i-1]"}
definitions    formulas that hold in the document, such as "a = sig(z)"
layout         of a derivative by a column vector: "denominator" (a column like it) or "numerator" (a row)
free           letters that are any numbers, bound to nothing
cost           what J is of the losses of all samples: their "mean", or their "sum", without any 1/m
penalty        what scales the squared norm of all weights in the cost, such as "lambda/(2*m)"; the derivatives of the
               cost by weights then have it too
minus          "dropped" where L, J and C stand for the cost without its leading minus; else "kept"
section        `from` = a text (the first line that contains it, after the section before) or the number of a line;
               its other keys hold from there on, and every other key stays as it was
reading        `name` and the keys that this meaning changes: a document that mixes several meanings declares them all,
               and the judge says under which of them a formula holds

Where samples, place or layout are not declared, the judge takes the usual ones (columns, parameters, denominator) and
says "right if" where another one is needed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Any

from ..errors import ConfigurationError
from ..judge.verdict import NO_NETWORK, Declared
from ..notation.formula import Binary, Number
from ..notation.letters import FUNCTIONS, Letters
from .header_keys import READERS, checked, letter_name, scale_of
from .patterns import functions_of, in_general, with_slopes


@dataclass(frozen=True)
class Notation:
    """What is declared at one place of a document; the keys are those of the header, see above."""

    network: str = "any"
    loss: str = "any"
    samples: str | None = None
    place: str | None = None
    layer: str = "brackets"
    component: str = "subscript"
    functions: tuple[str, ...] = ()
    differentials: bool | tuple[str, ...] = False
    letters: tuple[tuple[str, str], ...] = ()
    definitions: tuple[str, ...] = ()
    layout: str | None = None
    free: tuple[str, ...] = ()
    minus: str = "kept"
    cost: str = "mean"
    layers: tuple[str, ...] = ()
    penalty: str = ""
    any_widths: bool = False  # of a network that was concluded; no key of the header
    of_programs: tuple[tuple[str, str], ...] = ()  # letters that hold in programs alone; no key either
    output: str = ""  # the activation of all layers where the text says no more of its network; no key either
    general: tuple[str, ...] = ()  # letters of activations of which a definition is but an example; no key either

    def declared(self, name: str = "") -> Declared:
        """The same as the judge takes it, as the reading of that name."""
        conventions: dict[str, Any] = {"differentials": True} if self.differentials else {}
        if isinstance(self.differentials, tuple):
            conventions["varying"] = tuple(dict(self.letters).get(x, x) for x in self.differentials)
        if self.minus == "dropped":
            conventions["minus_dropped"] = True
        if self.cost == "sum":
            conventions["summed"] = True
        if self.penalty:  # of s ‖W‖² the derivative is 2 s W
            conventions["penalty"] = Binary("*", Number(Fraction(2)), scale_of(self.penalty))
        return Declared(
            name=name,
            network=None if self.network == "any" else self.network,
            loss=None if self.loss == "any" else self.loss,
            letters=self.as_letters(),
            samples=None if self.samples is None else "one" if self.samples == "one" else "batch",
            place=self.place,  # type: ignore[arg-type]
            rows=None if self.samples in (None, "one") else self.samples == "rows",
            layout=self.layout,  # type: ignore[arg-type]
            definitions=self._told_apart()[1],
            free=self.free,
            conventions=conventions,
            any_widths=self.any_widths,
            output=self.output,
        )

    def _told_apart(self) -> tuple[dict[str, str], tuple[str, ...]]:
        """Definitions of one letter that differ by its index, delta_j and delta_k, as letters; and the others."""
        sides = [re.fullmatch(r"\s*(\\?\w+?)_\{?(\w)\}?\s*=\s*(.*)", x) for x in self.definitions]
        stems = [x[1] for x in sides if x]
        apart = [x is not None and stems.count(x[1]) > 1 for x in sides]
        told = {f"{x[1]}_{x[2]}": x[3] for x, a in zip(sides, apart, strict=True) if x and a}
        return told, tuple(d for d, a in zip(self.definitions, apart, strict=True) if not a)

    def as_letters(self) -> Letters:
        """The part that the reader of formulas needs."""
        told, _ = self._told_apart()
        return Letters(
            layer=self.layer,  # type: ignore[arg-type]
            layers=frozenset(self.layers),
            component=self.component,  # type: ignore[arg-type]
            rename={**in_general(_above(self.letters), "[l]"), **with_slopes(dict(self.letters)), **told},
            functions=FUNCTIONS | {letter_name(x) for x in self.functions} | functions_of(self.letters),
            differentials=bool(self.differentials),
            network=self.network != NO_NETWORK,
        )


def _above(letters: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The letters with a layer above them, `n[1]`, unless what stands for all layers is declared too."""
    whole = {theirs.partition("[")[0] for theirs, _ in letters if not re.search(r"\[\d\]$", theirs)}
    return {a: b for a, b in letters if re.fullmatch(r"\w+\[\d\]", a) and a.partition("[")[0] not in whole}


@dataclass(frozen=True)
class Stretch:
    """A stretch of a document and its meanings: one without a name, or several that are all judged.

    start      the number of its first line
    readings   (name, notation), at least one
    continues  what was defined before it holds on
    """

    start: int
    readings: tuple[tuple[str, Notation], ...] = (("", Notation()),)
    continues: bool = False

    def overridden(self, keys: Mapping[str, Any]) -> Stretch:
        """The stretch with keys that hold whatever is declared."""
        return replace(self, readings=tuple((name, replace(each, **keys)) for name, each in self.readings))


@dataclass(frozen=True)
class Changes:
    """Keys that hold from a place on, and the readings declared there; None leaves those in force."""

    start: str | int = 1
    keys: Mapping[str, Any] = field(default_factory=dict)
    readings: tuple[tuple[str, Mapping[str, Any]], ...] | None = None


@dataclass(frozen=True)
class Header:
    """Declared notation: changes in the order of the document, the first from line 1 on."""

    changes: tuple[Changes, ...] = ()
    name: str = "the header"

    def stretches(self, text: str) -> tuple[Stretch, ...]:
        """The stretches of a document in order; a text that `from` names and no line contains is an error."""
        lines = [" ".join(x.split()) for x in text.split("\n")]
        now = Notation()
        readings: tuple[tuple[str, Mapping[str, Any]], ...] = (("", {}),)
        found: list[Stretch] = []
        at = 1
        for change in self.changes:
            at = _line_of(change.start, lines, at, self.name)
            now = replace(now, **change.keys)
            if change.readings is not None:
                readings = change.readings or (("", {}),)
            found.append(Stretch(at, tuple((name, replace(now, **keys)) for name, keys in readings)))
        return tuple(found) or (Stretch(1),)

    def top(self) -> Stretch:
        """What holds in the first line."""
        return Header(self.changes[:1], self.name).stretches("")[0]

    def followed_by(self, other: Header) -> Header:
        """Both headers, the later one's keys from its places on."""
        return Header((*self.changes, *other.changes), self.name if self.changes else other.name)


def read_header(toml: str, name: str = "the header", first: int = 1, *, start: int = 1) -> Header:
    """Read a header.

    toml   its text
    name   of its file, for messages
    first  the number of its first line in that file
    start  the line of the document from which its top keys hold

    Raises `ConfigurationError`: what stands in which line and what is allowed there.
    """
    try:
        table = tomllib.loads(toml)
    except RecursionError:
        raise ConfigurationError(f"{name}: brackets are nested too deeply for a header in TOML") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{name}: {_moved(str(error), first)}; a header is written in TOML") from None
    except ValueError:
        raise ConfigurationError(f"{name}: a number in the header has too many digits") from None
    lines = toml.split("\n")

    def where(key: str, number: int = 1) -> str:
        """The place of the number-th line that sets a key (or opens a table of that name)."""
        pattern = re.compile(rf"""\s*(\[\[?\s*(\w+\.)?)?["']?{re.escape(key)}["']?\s*(=|\]|\.)""")
        hits = [i for i, line in enumerate(lines) if pattern.match(line)]
        if not hits:
            inside = re.compile(rf"""["'{{,\s]{re.escape(key)}["']?\s*=""")
            hits = [i for i, line in enumerate(lines) if inside.search(line)]
        return f"{name}, line {first + hits[min(number, len(hits)) - 1]}" if hits else name

    sections = _tables(table.pop("section", []), "section", where)
    changes = [_changes(table, start, where)]
    for i, section in enumerate(sections, 1):
        if "from" not in section:
            raise ConfigurationError(
                f'{where("section", i)}: section {i} says not where it begins; give from = "…" or a line'
            )
        begin = section.pop("from")
        if isinstance(begin, bool) or not isinstance(begin, str | int) or not begin:
            raise ConfigurationError(
                f"{where('from', i)}: from = {begin!r} is no place; give a text of the line or its number"
            )
        changes.append(_changes(section, begin, where))
    return Header(tuple(changes), name)


def _changes(table: dict[str, Any], start: str | int, where: Callable[..., str]) -> Changes:
    """One table of keys, `reading` among them."""
    readings: list[tuple[str, Mapping[str, Any]]] | None = None
    if "reading" in table:
        readings = []
        for i, reading in enumerate(_tables(table.pop("reading"), "reading", where), 1):
            name = reading.pop("name", None)
            if not isinstance(name, str) or not name.strip():
                raise ConfigurationError(f'{where("reading", i)}: reading {i} has no name; give name = "…"')
            if name in (n for n, _ in readings):
                raise ConfigurationError(f"{where('reading', i)}: two readings are called {name!r}; give another name")
            readings.append((name, checked(reading, where)))
    return Changes(start, checked(table, where), None if readings is None else tuple(readings))


def _tables(value: Any, name: str, where: Callable[..., str]) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(x, dict) for x in value):
        raise ConfigurationError(f"{where(name)}: {name} is no list of tables; write [[{name}]] above its keys")
    return [dict(x) for x in value]


assert set(READERS) == {f.name for f in fields(Notation)} - {"any_widths", "output", "of_programs", "general"}


def _line_of(start: str | int, lines: Sequence[str], after: int, name: str) -> int:
    if isinstance(start, int):
        if not 1 <= start <= len(lines):
            raise ConfigurationError(f"{name}: from = {start} is no line of the document, which has {len(lines)}")
        if start < after:
            raise ConfigurationError(
                f"{name}: from = {start} lies before line {after}, where the section before begins"
            )
        return start
    wanted = " ".join(start.split())
    for number, line in enumerate(lines[after - 1 :], after):
        if wanted in line:
            return number
    raise ConfigurationError(f"{name}: from = {start!r} is found in no line of the document from line {after} on")


def _moved(message: str, first: int) -> str:
    """A message of tomllib with the line counted in the file."""
    message = re.sub(r"\(at line (\d+)", lambda m: f"(at line {int(m[1]) + first - 1}", message)
    return message[:1].lower() + message[1:]
