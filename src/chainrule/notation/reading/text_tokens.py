"""Tokens of formulas in NumPy-like, ASCII or Unicode text: `dW[2] = 1/m * dZ[2] @ A[1].T`, `∂L/∂W[2]`, `Σ_i`."""

from __future__ import annotations

import re
from functools import lru_cache

from ...errors import FormulaError
from .tokens import (
    ATTRIBUTES,
    CLOSING,
    COUNTS,
    FUNCTIONS,
    GREEK,
    KEYWORDS,
    LETTER_NAMES,
    PRIMES,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    SYNONYMS,
    Token,
    is_differential,
    is_symbol_name,
    plain_letters,
    short,
    where,
    words,
)

SIGNS = {
    "+": ("ADD", "+"), "-": ("ADD", "-"), "−": ("ADD", "-"), "–": ("ADD", "-"),
    "@": ("OP", "@"), "*": ("OP", "*"), "∗": ("OP", "*"), "/": ("OP", "/"), "÷": ("OP", "/"), "∕": ("OP", "/"),
    "∘": ("OP", "∘"), "⊙": ("OP", "∘"), "○": ("OP", "∘"), "◦": ("OP", "∘"), "⊗": ("OP", "⊗"),
    "·": ("OP", "·"), "⋅": ("OP", "·"), "×": ("OP", "·"), "•": ("OP", "∘"), "∙": ("OP", "·"), "．": ("OP", "·"),
    "(": ("LPAR", "("), ")": ("RPAR", ")"), "[": ("LBRACK", "["), "]": ("RBRACK", "]"),
    "{": ("LBRACE", "{"), "}": ("RBRACE", "}"), "（": ("LPAR", "("), "）": ("RPAR", ")"),
    ",": ("COMMA", ","), "，": ("COMMA", ","), ";": ("SEMI", ";"), "；": ("SEMI", ";"), ":": ("COLON", ":"),
    "=": ("REL", "="), "==": ("REL", "=="), ":=": ("REL", ":="), "≔": ("REL", ":="), "≡": ("REL", "="),
    "<-": ("REL", "<-"), "←": ("REL", "<-"), "->": ("REL", "->"), "→": ("REL", "->"),
    ">": ("REL", ">"), "<": ("REL", "<"), ">=": ("REL", ">="), "<=": ("REL", "<="),
    "≥": ("REL", ">="), "≤": ("REL", "<="),
    "≈": ("REL", "≈"), "~": ("REL", "≈"), "~=": ("REL", "≈"), "!=": ("REL", "!="), "≠": ("REL", "!="),
    "∈": ("REL", "∈"),
    "+=": ("AUG", "+"), "-=": ("AUG", "-"), "*=": ("AUG", "*"), "/=": ("AUG", "/"),
    "^": ("SUP", "^"), "**": ("SUP", "**"), "_": ("SUB", "_"),
    "|": ("BAR", "|"), "||": ("NORMBAR", "||"), "‖": ("NORMBAR", "‖"), "∥": ("NORMBAR", "∥"),
    "...": ("DOTS", "..."), "…": ("DOTS", "…"), "⋯": ("DOTS", "…"), "⋮": ("DOTS", "…"), "⋱": ("DOTS", "…"),
    "∑": ("SUMOP", "∑"), "Σ": ("SUMOP", "∑"), "∂": ("PARTIAL", "∂"), "√": ("NAME", "sqrt"), "∇": ("NAME", "nabla"),
    "½": ("NUM", "0.5"), "¼": ("NUM", "0.25"), "⇒": ("SEP", "⇒"), "∴": ("SPACE", ""), "■": ("SPACE", ""),
    "∎": ("SPACE", ""), "\n": ("SEP", "\n"), "∞": ("NAME", "infinity"), "∏": ("NAME", "prod"),
}  # fmt: skip
TOKEN = re.compile(
    r"(?P<space>[ \t\r\f\v\u00a0\u2009]+)"
    r"|(?P<number>(?:\d+(?:\.(?![.\w])|\.\d+)?|\.\d+)(?:[eE][+-]?\d+(?![A-Za-z]))?)"
    r"|(?P<module>(?:np|numpy|math|torch|jnp|tf|scipy\.special|nn\.functional)\.(?:linalg\.|math\.|nn\.)?(?=[A-Za-z]))"
    r"|(?P<word>_*[A-Za-z][\u0300-\u036f]*(?:[A-Za-z0-9][\u0300-\u036f]*)*(?:_+[A-Za-z0-9]+)*_*(?!\{)|[A-Za-z][A-Za-z0-9]*)"
    r"|(?P<greek>[α-ωΑ-Ωϵϕϑςℓℒ][\u0300-\u036f]*)"
    r"|(?P<attribute>\.[A-Za-z_]\w*)"
    r"|(?P<dots>\.\.\.)"
    r"|(?P<entries>\.[*/^]|\.'(?!\w))"
    r"|(?P<dot>\.)"
    rf"|(?P<super>[{''.join(SUPERSCRIPTS)}]+)"
    rf"|(?P<sub>[{''.join(SUBSCRIPTS)}]+)"
    r"|(?P<prime>['′’″‴]+)"
    r"|(?P<sign>\*\*|\|\||[:=!~<>+\-*/]=|<-|->|\n|.)",
    re.DOTALL,
)
_MATLAB = re.compile(r"\.[*/^]")  # where entries are multiplied by .*, a plain * is the product of matrices
MATLAB_SIGNS = {".*": ("OP", "∘"), "./": ("OP", "/"), ".^": ("SUP", "^"), ".'": ("ATTR", "T")}
_TWO_INDICES = frozenset({"pi", "xi"})  # below a letter, p and i
_ACTIVATION = "sigmoid|Sigmoid|sigma|sig|logistic|tanh|relu|ReLU|RELU|Relu|softplus|leaky_relu|elu|gelu|silu|swish"
_DERIVATIVE = re.compile(
    rf"(?:({_ACTIVATION})_?(?:prime|derivative|deriv|der|grad|gradient|Gradient|Prime|Derivative))"
    rf"|(?:d_?|grad_|deriv_|derivative_)({_ACTIVATION})"
)
_LOWERED = ("NAME", "SUMOP", "PARTIAL", "PRIME", "NORMBAR", "BAR")  # besides brackets, what an index may hang on
ACCENT_WORDS = {"\u0302": "hat", "\u0304": "bar", "\u0303": "tilde"}
LAYERED = words("W b Z A dW db dZ dA z a w dz da dw delta ddelta")
PRODUCT_LETTERS = frozenset("wxyzabWXYZAB")
PYTHON = words("import def class return exec eval elif try except yield nonlocal assert raise async await self")


def text_tokens(text: str, names: frozenset[str] = frozenset(), *, code: bool = False) -> list[Token]:
    """The tokens of a formula in plain text, `names` being letters too; FormulaError for a sign that is none.

    code  the text is a statement of a program: every word is a name, and what stands behind a dot a method
    """
    text = plain_letters(text)
    out: list[Token] = []
    matlab = _MATLAB.search(text) is not None
    braces: list[bool] = []  # of each open brace, whether it is that of an index or an exponent
    for match in TOKEN.finditer(text):
        kind = match.lastgroup or "sign"
        value, start, end = match.group(), match.start(), match.end()
        if kind == "space":
            continue
        glued = bool(out) and out[-1].end == start and _ends(out[-1])
        sub = bool(out) and out[-1].end == start and (out[-1].type in CLOSING or out[-1].type in _LOWERED)
        if kind == "number":
            out.append(Token("NUM", value, start, end))
        elif kind == "module":
            rest = re.match(r"[A-Za-z_]\w*", text[end:])
            name = rest.group() if rest else ""
            if name not in FUNCTIONS:
                raise FormulaError(
                    f"{short(value + name)} {where(text, start)} is not among the functions that are read."
                )
        elif kind == "word" and braces and braces[-1] and _side_by_side(value):
            out.extend(Token(k, v, start, end) for k, v in _index(value))
        elif kind == "word":
            stem, _, index = value.rpartition("_")
            if value in names:
                out.append(Token("NAME", value, start, end))
            elif stem in names and is_component(index):
                body = [("SUB", "_"), ("LBRACE", "{"), *_index(index), ("RBRACE", "}")]
                out += [Token("NAME", stem, start, start + len(stem)), *(Token(k, v, end, end) for k, v in body)]
            else:
                out.extend(_name(value, start, end) if code else _word(text, value, start, end, sub))
        elif kind == "greek":
            name = LETTER_NAMES.get(value[0], value[0]) + _accent(value[1:])
            if value[0] == "Σ":
                out.append(Token("SUMOP", "∑", start, end))
            elif glued and out[-1].type == "NAME" and out[-1].value == "d":
                out[-1] = Token("NAME", "d" + name, out[-1].start, end)
            else:
                out.append(Token("NAME", name, start, end))
        elif kind == "attribute":
            out.extend(_attribute(text, value, start, end, glued, code))
        elif kind == "entries":
            out.append(Token(*MATLAB_SIGNS[value], start, end))
        elif kind == "dots":
            out.append(Token("DOTS", "...", start, end))
        elif kind == "dot":
            out.append(Token("OP", "·", start, end) if text[end:].strip() else Token("SEP", ".", start, end))
        elif kind == "super":
            if not glued and not (out and out[-1].type == "NUM" and out[-1].end == start):
                raise FormulaError(
                    f"{short(value)} {where(text, start)} raises nothing: write it right behind a letter."
                )
            out.extend(_script("SUP", "^", "".join(SUPERSCRIPTS[c] for c in value), start, end))
        elif kind == "sub":
            out.extend(_script("SUB", "_", "".join(SUBSCRIPTS[c] for c in value), start, end))
        elif kind == "prime":
            after_script = bool(out) and out[-1].type in ("SUP", "LBRACE")
            if not glued and not after_script:
                raise FormulaError(f"a quotation mark {where(text, start)} has no meaning in a formula: leave it out.")
            turned = matlab and value == "'" and not text[end:].lstrip().startswith("(")
            if turned:
                out.append(Token("ATTR", "T", start, end))
            else:
                out.extend(Token("PRIME", "'", start, end) for c in value for _ in range(PRIMES[c]))
        elif value == "[" and glued and not (out[-1].type == "NAME" and out[-1].value in FUNCTIONS):
            out.append(Token("IDX", "[", start, end))
        elif value == "*" and matlab:
            out.append(Token("OP", "·", start, end))
        elif value in SIGNS:
            if value == "{":
                braces.append(bool(out) and out[-1].type in ("SUB", "SUP"))
            elif value == "}" and braces:
                braces.pop()
            kind, plain = SIGNS[value]
            if kind != "SPACE":
                out.append(Token(kind, plain, start, end))
        else:
            raise FormulaError(f"the sign {value!r} {where(text, start)} has no meaning in a formula: leave it out.")
    return out


def _ends(t: Token) -> bool:
    return t.type in CLOSING or t.type in ("NAME", "WORD", "PRIME", "ATTR", "NORMBAR", "BAR")


def _accent(marks: str) -> str:
    return "".join(ACCENT_WORDS.get(c, "") for c in marks)


def _script(kind: str, sign: str, content: str, start: int, end: int) -> list[Token]:
    """A raised or lowered run of signs as a script in braces."""
    inner = [t._replace(start=start, end=end) for t in text_tokens(f"x{sign}{{{content}}}")[3:-1]]
    return [
        Token(kind, sign, start, start),
        Token("LBRACE", "{", start, start),
        *inner,
        Token("RBRACE", "}", end, end),
    ]


def _name(value: str, start: int, end: int) -> list[Token]:
    """A name of a program: that of a letter, `dW2`, or any other."""
    if value.startswith("_") or value.endswith("__") or value in PYTHON:
        raise FormulaError(f"{short(value)} is program text, not a part of a formula: leave it out.")
    parts = _parts(value)
    if parts[0][0] == "WORD" and len(parts) > 1:
        parts = (("NAME", parts[0][1]), *parts[1:])
    elif parts[0][0] != "NAME" or (len(parts) > 1 and parts[1][0] == "NAME"):
        parts = (("NAME", value),)
    return [Token(k, v, start if n == 0 else end, end) for n, (k, v) in enumerate(parts)]


def _attribute(text: str, value: str, start: int, end: int, glued: bool, code: bool) -> list[Token]:
    name = value[1:]
    if glued and (name in ATTRIBUTES or (code and name in FUNCTIONS)):
        return [Token("ATTR", name, start, end)]
    if len(name) <= 2 or name in FUNCTIONS:  # ln(a.b): a dot product written without spaces
        return [Token("OP", "·", start, start + 1), *_word(text, name, start + 1, end)]
    raise FormulaError(
        f"{short(value)} {where(text, start)} is no operation of a formula: behind a dot only "
        f"{', '.join(sorted(ATTRIBUTES))} are read."
    )


@lru_cache(maxsize=4096)
def _parts(word: str) -> tuple[tuple[str, str], ...]:
    """A written word as (type, value) of tokens: a name, a name with scripts, two letters side by side, or a word."""
    if word in KEYWORDS or word in FUNCTIONS or word in COUNTS:
        return (("NAME", SYNONYMS.get(word, word)),)
    derivative = _DERIVATIVE.fullmatch(word)
    if derivative is not None:  # sigmoid_prime(z), d_tanh(z)
        name = derivative[1] or derivative[2]
        return (("NAME", SYNONYMS.get(name, name)), ("PRIME", "'"))
    if word in ("and", "And", "AND"):
        return (("SEP", word),)
    if word in SYNONYMS:
        return (("NAME", SYNONYMS[word]),)
    if word == "learning_rate" or word == "lr":
        return (("NAME", "alpha"),)
    if is_symbol_name(word):
        return (("NAME", word),)
    letters, digits, tail = re.fullmatch(r"([A-Za-z]+)(\d*)(.*)", word, re.DOTALL).groups()  # type: ignore[union-attr]
    base = SYNONYMS.get(letters, letters)
    if is_symbol_name(base):
        parts: list[tuple[str, str]] = [("NAME", base)]
        if digits:
            if base in LAYERED:
                parts += [
                    ("SUP", "^"),
                    ("LBRACE", "{"),
                    ("LBRACK", "["),
                    ("NUM", digits),
                    ("RBRACK", "]"),
                    ("RBRACE", "}"),
                ]
            else:
                parts += [("SUB", "_"), ("LBRACE", "{"), ("NUM", digits), ("RBRACE", "}")]
        if not tail:
            return tuple(parts)
        subs = tail.strip("_").split("_")
        if subs == ["hat"]:
            return (("NAME", base + "hat"), *parts[1:])
        if tail.startswith("_") and not tail.endswith("_") and len(subs) == 1 and _is_index(subs[0]):
            return (*parts, ("SUB", "_"), ("LBRACE", "{"), *_index(subs[0]), ("RBRACE", "}"))
    if len(word) == 2 and set(word) <= PRODUCT_LETTERS:
        return (("NAME", word[0]), ("NAME", word[1]))
    if re.fullmatch(r"[a-z][ijkn]", word):  # xn beside x1
        return (("NAME", word[0]), ("SUB", "_"), ("LBRACE", "{"), ("NAME", word[1]), ("RBRACE", "}"))
    stem, _, index = word.partition("_")
    named = index in ("in", "up")  # hidden_in is a name
    if len(stem) > 1 and stem.isalpha() and _is_index(index) and index.islower() and not named:  # net_j
        return (("WORD", stem), ("SUB", "_"), ("LBRACE", "{"), *_index(index), ("RBRACE", "}"))
    return (("WORD", word),)


def is_component(index: str) -> bool:
    """Whether j of `Fehler_1_j` counts components."""
    return re.fullmatch(r"[ijklmnpqrs]{1,2}", index) is not None


def is_long(name: str) -> bool:
    """Whether a name is one of programs, l2_delta, that a reader of mathematics would take apart."""
    _, _, tail = name.partition("_")
    return len(tail) > 1 and not re.fullmatch(r"[i-np-v]{1,3}\d*|\d+|hat|bar|tilde", tail)


def is_word(text: str) -> bool:
    """Whether a text is a word to a reader, no letter with or without a number."""
    parts = _parts(text)
    return (len(parts) == 1 and parts[0][0] == "WORD") or (len(parts) > 1 and parts[1][0] == "NAME")


def _is_index(part: str) -> bool:
    return bool(re.fullmatch(r"[ijklmnpqrstuv]{1,3}\d*|\d+|[A-Za-z]\d*", part)) or part in GREEK or part in SYNONYMS


def _side_by_side(word: str) -> bool:
    """Whether a word among indices is several letters and numbers: ij, T1, n2."""
    known = word in FUNCTIONS or word in SYNONYMS or word in GREEK or word in KEYWORDS or word == "dx"
    known = known and word not in _TWO_INDICES
    return not known and re.fullmatch(r"[A-Za-z]{1,3}\d*", word) is not None


def _index(part: str) -> list[tuple[str, str]]:
    if (part in GREEK or part in SYNONYMS) and part not in _TWO_INDICES:
        return [("NAME", SYNONYMS.get(part, part))]
    return [("NUM" if x.isdigit() else "NAME", x) for x in re.findall(r"\d+|[A-Za-z]", part)]


def _word(text: str, value: str, start: int, end: int, glued: bool = False) -> list[Token]:
    if glued and value[0] == "_" and value[1:].isalnum():  # the index of a Greek letter or a sum sign
        rest = _index(value[1:]) if _is_index(value[1:]) else [("NAME", value[1:])]
        body = [("SUB", "_"), ("LBRACE", "{"), *rest, ("RBRACE", "}")]
        return [Token(k, v, start if n == 0 else end, end) for n, (k, v) in enumerate(body)]
    if value.startswith("_") or value.endswith("__") or value in PYTHON:
        raise FormulaError(
            f"{short(value)} {where(text, start)} is program text, not a part of a formula: leave it out."
        )
    if value == "lim":
        return [Token("LIM", value, start, end)]
    if is_differential(value) and re.match(r"\s*/\s*[d∂]", text[end:]):  # dsigma/dz, of which dsigma is no sigma'
        return [Token("NAME", value, start, end)]
    if value == "sum" and re.match(r"\s*[^\s(]", text[end:]) and not re.match(r"\s*=", text[end:]):
        return [Token("SUMOP", "∑", start, end)]
    marks = ""
    if not value.isascii():
        marks = "".join(ACCENT_WORDS.get(c, "") for c in value if "\u0300" <= c <= "\u036f")
        value = "".join(c for c in value if c.isascii())
    if value.startswith("sum_") and value != "sum_":
        rest = _index(value[4:]) if _is_index(value[4:]) else [("NAME", value[4:])]
        body = [("SUMOP", "∑"), ("SUB", "_"), ("LBRACE", "{"), *rest, ("RBRACE", "}")]
        return [Token(k, v, start, end) for k, v in body]
    if marks:
        base, _, tail = value.partition("_")
        parts = _parts(base + marks + ("_" + tail if tail else ""))
    else:
        parts = _parts(value)
    if len(parts) == 2 and parts[0][0] == parts[1][0] == "NAME":
        return [Token("NAME", parts[0][1], start, start + 1), Token("NAME", parts[1][1], start + 1, end)]
    return [Token(k, v, start if n == 0 else end, end) for n, (k, v) in enumerate(parts)]
