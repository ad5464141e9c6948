"""The marks that number a formula in a list: `(a')`, `b)`, `iii.`, `[3]`, `(2*)`, `Step 2:`, `Aufgabe 3a)`."""

from __future__ import annotations

import re

from .tokens import FUNCTIONS, GREEK

_PRIMES = r"['′’″*]{0,3}"
_ROMAN = r"(?:x{0,2}(?:ix|iv|v?i{0,3}))"
_NUMBER = r"\d{1,3}(?:\.\d{1,3})*"
# What numbers an item: 3, 3a, 2.1, a, a', b2, iii, A, BP1, *.
_ITEM = rf"(?:{_NUMBER}[a-z]?|[a-l]\d?|(?=[ivx]){_ROMAN}|[A-H]|[A-Z]{{2,3}}\.?\d{{1,2}}[a-z]?){_PRIMES}"
_STARS = r"(?:\*{1,3}|†{1,2}|‡{1,2}|\#|\\star|\\dagger|\\ast)"
_IN_BRACKETS = rf"\(\s*(?:{_ITEM}|{_STARS})\s*\)[:.]?|\[\s*(?:{_NUMBER}[a-z]?{_PRIMES}|\*)\s*\][:.]?"
_BEFORE_BRACKET = rf"{_ITEM}\)"
_BEFORE_STOP = rf"(?:\d{{1,3}}(?:\.\d{{1,3}})*[a-z]?|[a-l]|(?=[ivx]){_ROMAN}|[A-H]){_PRIMES}\."
_NAMED = r"(?:[A-Z]{2,3}\.?\d{1,2}[a-z]?|[QE]\d{1,2}[a-z]?)[:.]"  # BP1:, Q3.
_WORD = rf"(?P<word>[^\W\d_]{{1,12}})\.?\s*(?:{_IN_BRACKETS}|{_ITEM}\)|{_ITEM}[:.])\s*[:.]?"
_SPACE = r"(?:[ \t]|~|\\[,;:! ]|\\q?quad(?![A-Za-z]))"
_FONT = r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox|emph)\s*\{\s*"
_SIGN = r"[•‣▪●◦∙■□>✓*#]+"  # what no formula begins with
_BEFORE = r"(?P<before>[ \t&$]*(?:(?:\\begin\s?\{[a-z]{1,12}\*?\}|\\\[)[ \t&]*)?)"
_NUMBERED = (
    rf"{_FONT}(?:{_IN_BRACKETS}|{_BEFORE_BRACKET}|{_BEFORE_STOP})\s*\}}"
    rf"|{_IN_BRACKETS}|{_BEFORE_BRACKET}|{_BEFORE_STOP}|{_NAMED}|{_WORD}"
)
_MARK = re.compile(
    rf"(?:^|(?<=\n)|(?<=\\\\)|(?<=\\\\ )){_BEFORE}(?P<mark>(?:{_SIGN}(?:[ \t]+|(?=\()))?(?:{_NUMBERED})"
    rf"(?=(?:{_SPACE}|&|\$)+)|{_SIGN}[ \t]+)(?P<space>(?:{_SPACE}|&)*)"
)
_STATED = re.compile(r":=|<-|←|≈|≔|\\(?:leftarrow|gets|approx|coloneqq|equiv|triangleq|in)\b|∈|(?<![<>!])=|:\s*\(")
_OPERATOR = re.compile(
    r"[-+−–*/·⋅×∘⊙@⊗^=<>≈←→|_.,;)\]]|:=|\\(?:odot|cdot|circ|times|otimes|leftarrow|gets|approx|to)\b"
)
_NO_WORDS = FUNCTIONS | GREEK.keys()


def without_marks(text: str) -> str:
    """The text, as long as it was, with blanks for the marks at the beginnings of its lines and rows.

    >>> without_marks("(a') dz = a - y")
    '     dz = a - y'

    A mark stands apart from a formula that begins with an operand and states something behind it.
    """
    if "=" not in text and _STATED.search(text) is None:
        return text
    return _MARK.sub(_blank, _MARK.sub(_blank, text))  # (1) (a) …


def _blank(match: re.Match[str]) -> str:
    behind = match.string[match.end() :].split("\n", 1)[0]
    word = match["word"]
    if not behind or _OPERATOR.match(behind) or _STATED.search(behind) is None:
        return match[0]
    if word is not None and (word in _NO_WORDS or len(word) == 1 or not _says_a_number(word)):
        return match[0]
    return match["before"] + " " * len(match["mark"]) + match["space"]


def _says_a_number(word: str) -> bool:
    """Whether a word before a number is prose, not a name of programs such as `dW 1.`"""
    return word.lower() in ("ad", "zu", "to") or (len(word) > 1 and word[1:].islower() and not word.startswith("d"))
