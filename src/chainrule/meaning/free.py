"""What can be inferred about letters nobody defined: which are vectors and matrices, which depend on which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..notation.formula import ONE, Binary, Bound, Call, Equation, Formula, Index, Number, Partial, Symbol, Transpose
from .functions import is_known

_SMALLEST = 3  # every index that is not tied to another gets its own length from here on


@dataclass(frozen=True)
class Inferred:
    """Shapes of letters, lengths of what sums run up to, arguments of function letters, and which act by entries.

    distributions  letters whose entries sum to one, as the targets of a cross-entropy do
    """

    shapes: Mapping[str, tuple[int, int]]
    counts: Mapping[str, int]
    depends: Mapping[str, tuple[Formula, ...]]
    by_entries: frozenset[str] = frozenset()
    distributions: frozenset[str] = frozenset()


class _Classes:
    """Axes and index letters that must have one length."""

    def __init__(self) -> None:
        self._parent: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.highest: dict[tuple[str, ...], int] = {}
        self.ends: dict[tuple[str, ...], int] = {}  # of index letters: where a sum that says it ends

    def find(self, x: tuple[str, ...]) -> tuple[str, ...]:
        self._parent.setdefault(x, x)
        while self._parent[x] != x:
            x = self._parent[x]
        return x

    def join(self, x: tuple[str, ...], y: tuple[str, ...]) -> None:
        self._parent[self.find(x)] = self.find(y)

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return iter(list(self._parent))


def inferred(
    formulas: tuple[Formula, ...], defined: Mapping[str, Formula], given: Mapping[str, tuple[int, int]]
) -> Inferred:
    """Read shapes and dependences off the formulas in which the letters occur.

    The last formula is the one that is judged, the others are definitions. An indexed letter is a vector or a matrix,
    and an index has one length wherever it stands. `f(x)` says that f depends on x, and so does ∂f/∂x where no longer
    way leads from f to x.
    """
    classes = _Classes()
    calls: dict[str, tuple[Formula, ...]] = {}
    pairs: list[tuple[str, Formula]] = []
    for formula in formulas:
        for part in formula.parts:
            match part:
                case Index():
                    _index(classes, part)
                case Symbol(sample=Symbol() as letter):
                    classes.join(("axis", part.name, "1"), ("letter", letter.name))
                case Bound(index=Symbol() as letter, upper=Symbol(layer=None) as upper):
                    classes.join(("letter", letter.name), ("count", upper.name))
                case Bound(index=Symbol() as letter, upper=Number(value)) if value.denominator == 1 and value > 1:
                    from_zero = isinstance(part.lower, Number) and part.lower.value == 0
                    classes.ends[("letter", letter.name)] = int(value) + from_zero
                case Call(function=Symbol(layer=None, prime=0) as f, names=()) if not _called(f.name, defined):
                    _called_with(calls, f.name, part.arguments)
                case Call(function=Index(base=Symbol() as f), names=()) if not _called(f.name, defined):
                    _called_with(calls, f.name, part.arguments)
                case Partial():
                    top, below = _stem(part.numerator), _stem(part.denominator)
                    if top and below and top != below and not _called(top, defined):
                        pairs.append((top, Symbol(below)))
    own = {p.name for p in formulas[-1].parts if isinstance(p, Symbol)} if formulas else set()
    by_slope = _shortest(
        pairs, {f: x for f, x in calls.items() if _plain(x)}, {f: _inside(x) for f, x in defined.items()}
    )
    by_call = {f: x for f, x in calls.items() if _plain(x) or f not in by_slope}
    acting, sums = _by_entries(formulas, defined), _distributions(formulas).difference(defined)
    return Inferred(*_lengths(classes, given, own), {**by_slope, **by_call}, acting, sums)


def _distributions(formulas: tuple[Formula, ...]) -> frozenset[str]:
    """y of `-Σ_k y_k ln p_k` beside a soft-max; not of `y ln p + (1 - y) ln(1 - p)`."""
    parts = [x for formula in formulas for x in formula.parts]
    if not any(isinstance(x, Call) and x.function in _OF_CLASSES for x in parts):
        return frozenset()
    products = [x for x in parts if isinstance(x, Binary) and x.sign in "* @∘·"]
    found = {_stem(x.left) for x in products if isinstance(x.right, Call) and x.right.function in _LOGARITHMS}
    found -= {_stem(x.right) for x in parts if isinstance(x, Binary) and x.sign == "-" and x.left == ONE}
    return frozenset(x for x in found if x is not None)


_OF_CLASSES = frozenset(map(Symbol, ("softmax", "exp", "lse", "LSE", "logsumexp")))
_LOGARITHMS = (Symbol("log"), Symbol("ln"))


def _by_entries(formulas: tuple[Formula, ...], defined: Mapping[str, Formula]) -> frozenset[str]:
    """The functions that act entry by entry: φ of `diag(φ'(c))`, and of `q = φ(c)` where q is a vector, as in `V q`."""
    calls = [x for formula in formulas for x in formula.parts if isinstance(x, Call) and len(x.arguments) == 1]
    calls = [x for x in calls if not x.names and isinstance(x.function, Symbol) and x.function.layer is None]
    names = {x.function.name for x in calls if isinstance(x.function, Symbol) and not _called(x.function.name, defined)}
    if not names:
        return frozenset()
    parts = [x for formula in formulas for x in formula.parts]
    found = {x.function.name for x in calls if isinstance(x.function, Symbol) and x.function.prime}
    vectors = {x.operand for x in parts if isinstance(x, Transpose)}
    vectors |= {x.right for x in parts if isinstance(x, Binary) and x.sign in "@ " and _is_matrix(x.left)}
    for formula in formulas:
        match formula:
            case Equation((Symbol() as value, Call(Symbol(name), (_,)))) if value in vectors:
                found.add(name)
    return frozenset(found & names)


def _is_matrix(part: Formula) -> bool:
    inner = part.operand if isinstance(part, Transpose) else part
    return isinstance(inner, Symbol) and len(inner.name) == 1 and inner.name.isupper()


def _called_with(calls: dict[str, tuple[Formula, ...]], name: str, arguments: tuple[Formula, ...]) -> None:
    """`f(x)` says on what f depends; `f(x + h)` does only where nothing else says it."""
    if name not in calls or (_plain(arguments) and not _plain(calls[name])):
        calls[name] = arguments


def _plain(arguments: tuple[Formula, ...]) -> bool:
    return all(isinstance(x, Symbol | Index) for x in arguments)


def _called(name: str, defined: Mapping[str, Formula]) -> bool:
    return (name in defined and not _itself(name, defined[name])) or is_known(name) or name in ("d", "kronecker")


def _itself(name: str, definition: Formula) -> bool:
    """`f(x)` as a definition of f only says what f depends on."""
    return isinstance(definition, Call) and _stem(definition.function) == name


def _stem(part: Formula) -> str | None:
    if isinstance(part, Index):
        return _stem(part.base)
    if isinstance(part, Call):
        return _stem(part.function)
    return part.name if isinstance(part, Symbol) and part.layer is None and not part.prime else None


def _index(classes: _Classes, part: Index) -> None:
    base, turned = part.base, False
    if isinstance(base, Transpose):
        base, turned = base.operand, True
    name = _stem(base)
    if name is None or name == "delta" or len(part.entries) > 2:
        return
    axes = ("1", "0") if turned else ("0", "1")
    for axis, entry in zip(axes, part.entries, strict=False):
        place = ("axis", name, axis)
        classes.find(place)
        if isinstance(entry, Symbol) and entry.layer is None:
            classes.join(place, ("letter", entry.name))
        elif isinstance(entry, Number) and entry.value.denominator == 1:
            classes.highest[place] = max(classes.highest.get(place, 0), int(entry.value))


def _lengths(
    classes: _Classes, given: Mapping[str, tuple[int, int]], own: set[str]
) -> tuple[dict[str, tuple[int, int]], dict[str, int]]:
    sizes: dict[tuple[str, ...], int] = {}
    for name, shape in given.items():
        for axis, n in enumerate(shape):
            sizes[classes.find(("axis", name, str(axis)))] = n
    for letter, n in classes.ends.items():
        sizes.setdefault(classes.find(letter), n)
    following = max([_SMALLEST - 1, *sizes.values()]) + 1
    tied = {classes.find(x) for x in classes if x[0] != "axis" and x[1] in own}  # not by a definition alone
    for place, number in classes.highest.items():  # x_1 and x_2 alone: two entries
        root = classes.find(place)
        if root not in tied and number > 1:
            sizes[root] = max(sizes.get(root, 0), number)
    shapes: dict[str, list[int]] = {}
    counts: dict[str, int] = {}
    for x in classes:
        root = classes.find(x)
        if root not in sizes:
            sizes[root] = following
            following += 1
        if x[0] == "axis":
            shapes.setdefault(x[1], [1, 1])[int(x[2])] = sizes[root]
        elif x[0] == "count":
            counts[x[1]] = sizes[root]
    return {name: (r, k) for name, (r, k) in shapes.items()} | dict(given), counts


def _inside(definition: Formula) -> list[str]:
    """The letters by which something is defined."""
    sides = definition.sides[1:] if isinstance(definition, Equation) else ()
    return [x.name for side in sides for x in side.parts if isinstance(x, Symbol)]


def _shortest(
    pairs: list[tuple[str, Formula]], calls: Mapping[str, tuple[Formula, ...]], defined: Mapping[str, list[str]]
) -> dict[str, tuple[Formula, ...]]:
    """The pairs f, x of ∂f/∂x without those that a longer way explains; y leads to what it is defined by."""
    edges: dict[str, list[str]] = {}
    for f, x in pairs:
        if f not in calls and isinstance(x, Symbol) and x.name not in edges.setdefault(f, []):
            edges[f].append(x.name)

    def reaches(a: str, b: str, seen: frozenset[str]) -> bool:
        return a == b or any(reaches(n, b, seen | {n}) for n in _next(a) if n not in seen)

    def _next(a: str) -> list[str]:
        if a in calls:
            return [s for s in (_stem(x) for x in calls[a]) if s]
        return [*edges.get(a, []), *defined.get(a, [])]

    found: dict[str, tuple[Formula, ...]] = {}
    for f, targets in edges.items():
        direct = [
            x
            for x in targets
            if not any(n != x and reaches(n, x, frozenset({f, n})) for n in targets)
            and not reaches(x, f, frozenset({x}))
        ]
        if direct:
            found[f] = tuple(Symbol(x) for x in direct)
    return found
