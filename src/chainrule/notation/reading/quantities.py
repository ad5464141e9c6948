"""Words and sizes that stand where quantities do."""

from __future__ import annotations

from .clauses import outside
from .tokens import Token, words

_NO_QUANTITIES = words(
    "the some sum all product each any same constant if else then where for of and or is are with new old"
)


def with_named_quantities(tokens: list[Token]) -> list[Token]:
    r"""Words that stand where quantities do, `\text{hidden}^T`, `= \text{hidden} W`, as letters of the statement."""
    named = set()
    for n, t in enumerate(tokens):
        if t.type != "WORD" or not t.value.isalpha() or t.value.lower() in _NO_QUANTITIES:
            continue
        before = tokens[n - 1].type if n else ""
        after = tokens[n + 1].type if n + 1 < len(tokens) else ""
        factor = after in ("NAME", "FRAC", "LBRACE") and before in ("REL", "OP", "LPAR", "LBRACE")
        if factor or after in ("SUP", "SUB", "ATTR") or (after != "WORD" and before == "PARTIAL"):
            named.add(t.value)
    return (
        [t._replace(type="NAME") if t.type == "WORD" and t.value in named else t for t in tokens] if named else tokens
    )


def of_sizes(tokens: list[Token]) -> list[Token]:
    """`W[l]: (n_l, m)`, `W[l]: n_l × m` as shape(W[l]) = …; other statements as they are."""
    places_outside = outside(tokens)
    places = [k for k in places_outside if tokens[k].type == "COLON"]
    if (
        len(places) != 1
        or not 0 < places[0] < len(tokens) - 1
        or any(tokens[k].type in ("REL", "AUG") for k in places_outside)
    ):
        return tokens
    k = places[0]
    sizes, start, end = tokens[k + 1 :], tokens[k].start, tokens[k].end
    if sizes[0][:2] == ("NAME", "shape") and len(sizes) > 1:
        sizes = sizes[1:]
    crosses = [n for n in outside(sizes)[1:-1] if sizes[n][:2] == ("NAME", "x") and sizes[n - 1].end < sizes[n].start]
    if len(crosses) == 1:  # n x m, as one types it
        n = crosses[0]
        sizes = [*sizes[:n], sizes[n]._replace(type="OP", value="·"), *sizes[n + 1 :]]
    times = [n for n in outside(sizes) if sizes[n].type == "OP"]
    listed = sizes[0].type in ("LPAR", "LBRACK") and any(t.type in ("COMMA", "OP") for t in sizes) and not times
    if not (listed or (len(times) == 1 and sizes[times[0]].value == "·")) or any(t.type == "WORD" for t in tokens):
        return tokens
    name = Token("NAME", "shape", start, start)
    return [name, Token("LPAR", "(", start, start), *tokens[:k], Token("RPAR", ")", start, start),
            Token("REL", "=", start, end), *sizes]  # fmt: skip
