"""Formulas shown in the letters of their document: as they were read, and mendings put back from our names."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from ..errors import ChainruleError
from ..judge.verdict import Finding, Judgement
from ..notation.canonical import canonical, filled, matches, rules, simplified
from ..notation.formula import Binary, Call, Equation, Formula, Index, Number, Symbol
from ..notation.letters import Letters
from ..notation.read import names_of, read
from ..notation.style import Style
from ..notation.write import for_people, latex_for_people, tidied
from ..notation.write import text as write

OURS = "the correction is written in the names of this library"  # what the judge says where letters are declared

# Signs of the library's own way of writing inside a sentence.
_OF_OURS = re.compile(r"\.T\b|\w\[| \* |\b(?:alpha|eta|lambda|sigma|delta|epsilon|[yY]hat|ones)\b")


class _AsItStands(Style):
    """Signs and places of a style, with the letters that stand there."""

    def shown(self, formula: Formula) -> Formula:
        return formula


def unicode(formula: Formula, letters: Letters) -> str:
    """One line of Unicode with the letters of the formula; layers as subscripts where the document has them so."""
    line = for_people(formula.mapped(_outer), letters.layer)
    return re.sub(r"(?<=[\^_])\{(\w)\}", r"\1", line)


def _outer(part: Formula) -> Formula:
    """outer(u, v) as u ⊗ v."""
    if isinstance(part, Call) and part.function == Symbol("outer") and len(part.arguments) == 2 and not part.names:
        return Binary("⊗", *part.arguments)
    return part


def as_read(text: str, letters: Letters) -> str:
    """LaTeX as it was read, in one line of Unicode and the document's letters; empty where it cannot be read."""
    try:
        plain = replace(letters, rename={}, functions=names_of(letters))
        return unicode(read(text, syntax="latex", letters=plain)[0].equation, letters)
    except ChainruleError:
        return ""


def in_own_letters(judgement: Judgement, letters: Letters, *, latex: bool) -> Judgement:
    """A judgement with its parts and mendings in the letters of the document, where every one can be put back.

    latex  the document is written in LaTeX, so that they are shown in Unicode; else as NumPy has them
    """
    if not letters.rename and not latex:
        return judgement
    found = {text: _shown(text, letters, latex, mended) for text, mended in _texts(judgement).items()}
    corrections = [c.correction for c in judgement.causes[:1] if c.correction]
    if not all(found[c] for c in corrections):
        return judgement
    known = {k: v for k, v in found.items() if v}

    def of(cause: Finding) -> Finding:
        words = cause.words
        for text in sorted({cause.place, cause.found, cause.wanted} & known.keys(), key=len, reverse=True):
            words = words.replace(text, known[text])
        ours = latex and _OF_OURS.search(words) is not None
        if (ours or (letters.rename and words != cause.words)) and cause.found and cause.wanted:
            # The judge's words may name a layer as we count it, or quote a part as NumPy has it.
            words = f"{known.get(cause.found, cause.found)} should be {known.get(cause.wanted, cause.wanted)}"
        return replace(
            cause,
            place=known.get(cause.place, cause.place),
            found=known.get(cause.found, cause.found),
            wanted=known.get(cause.wanted, cause.wanted),
            correction=known.get(cause.correction, cause.correction),
            words=words,
        )

    return replace(
        judgement,
        causes=tuple(of(c) for c in judgement.causes),
        others=tuple(tuple(of(c) for c in other) for other in judgement.others),
        note="; ".join(x for x in judgement.note.split("; ") if x != OURS),
    )


def typeset(judgement: Judgement, letters: Letters) -> dict[str, str]:
    """What `in_own_letters` shows of a judgement, in LaTeX: the line of Unicode -> LaTeX."""
    found: dict[str, str] = {}
    for text, mended in _texts(judgement).items():
        tree = _put_back(text, letters, mended)
        if tree is not None:
            found[unicode(tree, letters)] = latex_for_people(tree.mapped(_outer), letters.layer)
    return found


def _texts(judgement: Judgement) -> dict[str, bool]:
    """The parts and mendings of a judgement, and of each whether it is what should stand there."""
    found: dict[str, bool] = {}
    for cause in (*judgement.causes, *(c for other in judgement.others for c in other)):
        found |= {cause.correction: True, cause.wanted: True, cause.found: False, cause.place: False}
    return {text: mended for text, mended in found.items() if text}


def _shown(text: str, letters: Letters, latex: bool, mended: bool) -> str:
    """A text in the letters of a document, or empty where that cannot be done."""
    tree = _put_back(text, letters, mended and latex)
    if tree is None:
        return ""
    style = _AsItStands("delta" if letters.layer == "subscript" else "ng", plain=True)
    return unicode(tree, letters) if latex else write(tree, style)


def _put_back(text: str, letters: Letters, mended: bool) -> Formula | None:
    """A text in this library's names in the letters of a document; what is mended without needless brackets."""
    ours = Letters(functions=letters.functions, differentials=letters.differentials, network=letters.network)
    try:
        tree = read(text, syntax="text", letters=ours)[0].equation
        back = _all_back(tree, letters)
        if canonical(back, letters) != canonical(tree, ours):
            return None
    except ChainruleError:
        return None
    assert isinstance(back, Equation)
    shown = back if len(back.sides) > 1 else back.sides[0]
    return tidied(shown) if mended else shown


def _all_back(part: Formula, letters: Letters) -> Formula:
    """A part and all its parts, except layers, whose letters are numbers and no quantities."""
    new = _renamed_back(part, letters)
    if new is not part or isinstance(part, Symbol):
        return new
    children = tuple(_all_back(x, letters) for x in part.children)
    return part.rebuilt(children) if children else part


def _renamed_back(part: Formula, letters: Letters) -> Formula:
    for left, right in rules(letters):  # where what we write says all places: delta_1 is dz[1], a_j is z[1][j]
        found: dict[str, Formula] = {}
        if isinstance(left, Index | Call) and matches(right, part, found):
            whole = filled(left, found)
            if canonical(whole, letters) == part:  # where a_j and a_k are told apart, it is one of the two
                return whole
    if not isinstance(part, Symbol):
        return part
    layer = None if part.layer is None else part.layer.mapped(lambda x: _counted_back(x, letters))
    for left, right in rules(letters):
        if not isinstance(right, Symbol) or right.name != part.name or not isinstance(left, Symbol):
            continue
        if right.layer is None and left.layer is None:
            return replace(part, name=left.name, layer=layer)
        if right.layer is None or layer is None:
            continue
        if left.layer is None:
            if simplified(layer) == right.layer:
                return replace(part, name=left.name, layer=None)
            continue
        if simplified(layer) == right.layer and simplified(left.layer) == left.layer and not _has_letter(left.layer):
            return replace(part, name=left.name, layer=left.layer)  # delta_1, which is dz[2] and no other layer's
        letter, shift = _split(right.layer)
        if letter is not None and left.layer == letter:
            return replace(part, name=left.name, layer=simplified(Binary("-", layer, Number(shift))))
    return replace(part, layer=layer)


def _has_letter(layer: Formula) -> bool:
    return any(isinstance(x, Symbol) and not x.name.isupper() for x in layer.parts)


def _split(layer: Formula) -> tuple[Symbol | None, Fraction]:
    """`i - 1` as i and -1; no letter where a layer is anything else."""
    if isinstance(layer, Symbol):
        return layer, Fraction(0)
    match layer:
        case Binary(sign="+", left=Symbol() as letter, right=Number(value=shift)):
            return letter, shift
        case Binary(sign="-", left=Symbol() as letter, right=Number(value=shift)):
            return letter, -shift
    return None, Fraction(0)


def _counted_back(part: Formula, letters: Letters) -> Formula:
    """L in a layer, where N is declared as L + 1, is N - 1."""
    for left, right in rules(letters):
        letter, shift = _split(right)
        if isinstance(right, Binary) and part == letter:
            return simplified(Binary("-", left, Number(shift)))
    return part
