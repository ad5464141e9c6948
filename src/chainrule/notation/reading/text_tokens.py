"""Tokens of formulas in NumPy-like, ASCII or Unicode text: `dW[2] = 1/m * dZ[2] @ A[1].T`, `∂L/∂W[2]`, `Σ_i`."""

from __future__ import annotations

import re
from functools import lru_cache

from ...errors import FormulaError
from .behind import is_hat, is_named_below, is_turned, owner, slope_of, times_a_sum
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
    "∘": ("OP", "∘"), "⊙": ("OP", "∘"), "⨀": ("OP", "∘"), "⊡": ("OP", "∘"), "⊛": ("OP", "∘"),
    "⊘": ("OP", "/"), "○": ("OP", "∘"), "◦": ("OP", "∘"), "⊗": ("OP", "⊗"),
    "·": ("OP", "·"), "⋅": ("OP", "·"), "×": ("OP", "·"), "•": ("OP", "∘"), "∙": ("OP", "·"), "．": ("OP", "·"),
    "(": ("LPAR", "("), ")": ("RPAR", ")"), "[": ("LBRACK", "["), "]": ("RBRACK", "]"),
    "{": ("LBRACE", "{"), "}": ("RBRACE", "}"), "（": ("LPAR", "("), "）": ("RPAR", ")"), "⟩": ("RPAR", ")"),
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
    "ℝ": ("NAME", "R"), "⟶": ("REL", "->"),
    "∑": ("SUMOP", "∑"), "Σ": ("SUMOP", "∑"), "∂": ("PARTIAL", "∂"), "√": ("NAME", "sqrt"), "∇": ("NAME", "nabla"),
    "½": ("NUM", "0.5"), "¼": ("NUM", "0.25"), "¾": ("NUM", "0.75"), "⅓": ("NUM", "1/3"), "⅔": ("NUM", "2/3"),
    "⅕": ("NUM", "0.2"), "⅙": ("NUM", "1/6"), "⅛": ("NUM", "0.125"),
    "⇒": ("SEP", "⇒"), "⟹": ("SEP", "⇒"), "=>": ("SEP", "⇒"),
    "⇔": ("SEP", "⇔"), "⟺": ("SEP", "⇔"), "<=>": ("SEP", "⇔"), "∴": ("SPACE", ""), "■": ("SPACE", ""),
    "∎": ("SPACE", ""), "?": ("WORD", "?"), "\n": ("SEP", "\n"), "∞": ("NAME", "infinity"), "∏": ("NAME", "prod"),
}  # fmt: skip
TOKEN = re.compile(
    r"(?P<space>[ \t\r\f\v\u00a0\u2009]+)"
    r"|(?P<number>(?:\d+(?:\.(?![.\w])|\.\d+)?|\.\d+)(?:[eE][+-]?\d+(?![A-Za-z]))?)"
    r"|(?P<module>(?:np|numpy|math|torch|jnp|tf|scipy\.special|nn\.functional)\.(?:linalg\.|math\.|nn\.)?(?=[A-Za-z]))"
    r"|(?P<word>_*[A-Za-z][\u0300-\u036f]*(?:[A-Za-z0-9][\u0300-\u036f]*)*(?:_+[A-Za-z0-9]+)*_*(?![{A-Za-z0-9_α-ωΑ-Ω])|[A-Za-z][A-Za-z0-9]*)"
    r"|(?P<greek>[α-ωΑ-Ωϵϕϑςℓℒ][\u0300-\u036f]*)"
    r"|(?P<attribute>\.[A-Za-z_]\w*)"
    r"|(?P<dots>\.\.\.)"
    r"|(?P<entries>\.[*/^]|\.'(?!\w))"
    r"|(?P<dot>\.)"
    rf"|(?P<super>[{''.join(SUPERSCRIPTS)}]+)"
    rf"|(?P<sub>[{''.join(SUBSCRIPTS)}]+)"
    r"|(?P<prime>['′’″‴]+)"
    r"|(?P<sign>\*\*|<=>|=>|\|\||[:=!~<>+\-*/]=|<-|->|\n|.)",
    re.DOTALL,
)
_MATLAB = re.compile(r"\.[*/^]")  # where entries are multiplied by .*, a plain * is the product of matrices
MATLAB_SIGNS = {".*": ("OP", "∘"), "./": ("OP", "/"), ".^": ("SUP", "^"), ".'": ("ATTR", "T")}
_PROSE = words(
    "so as at an if in is it on be by do he of me my no or to up us we go am ie eg ok et al la le el lo se si da de du "
    "eq ex re id mr dr es il"
)
_TWO_INDICES = frozenset({"pi", "xi"})  # below a letter, p and i
_ACTIVATION = "sigmoid|Sigmoid|sigma|sig|logistic|tanh|relu|ReLU|RELU|Relu|softplus|leaky_relu|elu|gelu|silu|swish"
_DERIVATIVE = re.compile(
    rf"(?:({_ACTIVATION})_?(?:prime|derivative|deriv|der|grad|gradient|Gradient|Prime|Derivative))"
    rf"|(?:d_?|grad_|deriv_|derivative_)({_ACTIVATION})"
)
_GRADIENT = re.compile(
    r"(?:grad|gradient|nabla)_?([WbAZwaz])_?(\d*)|d_([WbAZ])(\d+)|([WbAZwaz])_?(\d*)_?(?:grad|gradient)"
)
_INNER = re.compile(r"<\s*[\w\[\]^.'-]+\s*,\s*[\w\[\]^.'-]+\s*>")  # <w, x>
_LOWERED = ("NAME", "SUMOP", "PARTIAL", "PRIME", "NORMBAR", "BAR")  # besides brackets, what an index may hang on
ACCENT_WORDS = {"\u0302": "hat", "\u0304": "bar", "\u0303": "tilde"}
LAYERED = words("g W b Z A dW db dZ dA z a w dz da dw delta ddelta")
PRODUCT_LETTERS = frozenset("wxyzabWXYZAB")
PYTHON = words("import def class return exec eval elif try except yield nonlocal assert raise async await self")


def text_tokens(text: str, names: frozenset[str] = frozenset(), *, code: bool = False) -> list[Token]:
    """The tokens of a formula in plain text, `names` being letters too; FormulaError for a sign that is none.

    code  the text is a statement of a program: every word is a name, and what stands behind a dot a method
    """
    text = _INNER.sub(lambda m: m[0].replace("<", "⟨").replace(">", "⟩"), plain_letters(text))
    out: list[Token] = []
    matlab = _MATLAB.search(text) is not None
    turned: list[int] = []  # where a ' that transposes stands
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
        elif value == "T" and glued and out[-1].type in ("RBRACK", "RBRACE") and not (braces and braces[-1]):  # W^[2]T
            out.append(Token("ATTR", "T", start, end))
        elif kind == "word" and _is_change_of_a_word(value, out, text[end:], names):  # dE/dnet_j
            quantity = _word(text, value[1:], start + 1, end)
            out += [Token("NAME", "d", start, start + 1), quantity[0]._replace(type="NAME"), *quantity[1:]]
        elif kind == "word" and braces and braces[-1] and is_named_below(value, text):
            out.append(Token("NAME", value, start, end))
        elif kind == "word" and braces and braces[-1] and _side_by_side(value):
            out.extend(Token(k, v, start, end) for k, v in _index(value))
        elif kind == "word":
            stem, _, index = value.rpartition("_")
            if value in names:
                out.append(Token("NAME", value, start, end))
            elif (function := slope_of(value, text[end:], names)) is not None:
                out += [Token("NAME", function, start, end), Token("PRIME", "'", end, end)]
            elif stem in names and is_component(index) and index not in ("in", "is"):
                body = [("SUB", "_"), ("LBRACE", "{"), *_index(index), ("RBRACE", "}")]
                out += [Token("NAME", stem, start, start + len(stem)), *(Token(k, v, end, end) for k, v in body)]
            else:
                lowered = (sub and value[0] == "_" and value[1:].isalnum()) or value.startswith("sum_")
                out.extend(_name(value, start, end) if code and not lowered else _word(text, value, start, end, sub))
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
            raised = "".join(SUPERSCRIPTS[c] for c in value)
            if out[-1][:2] == ("NAME", "e") and re.fullmatch(r"[a-hs-z][ijk]", raised):  # eᶻⁱ
                raised = f"{raised[0]}_{raised[1]}"
            out.extend(_script("SUP", "^", raised, start, end))
        elif kind == "sub":
            out.extend(_script("SUB", "_", "".join(SUBSCRIPTS[c] for c in value), start, end))
        elif kind == "prime":
            after_script = bool(out) and out[-1].type in ("SUP", "LBRACE")
            if not glued and not after_script:
                raise FormulaError(f"a quotation mark {where(text, start)} has no meaning in a formula: leave it out.")
            applied = text[end:].lstrip().startswith("(") and not times_a_sum(out, text[end:])
            if value in "'’" and not applied and (matlab or is_turned(out, text[end:])):
                out.append(Token("ATTR", "T", start, end))
                turned.append(len(out) - 1)
            else:
                out.extend(Token("PRIME", "'", start, end) for c in value for _ in range(PRIMES[c]))
        elif value == "[" and glued and not (out[-1].type == "NAME" and out[-1].value in FUNCTIONS):
            out.append(Token("IDX", "[", start, end))
        elif value == "^" and is_hat(out, start, text[end:]):
            out[-1] = out[-1]._replace(value=out[-1].value + "hat", end=end)
        elif value == "*" and matlab:
            out.append(Token("OP", "·", start, end))
        elif value == "⟨":  # ⟨w, x⟩
            out += [Token("NAME", "inner", start, start), Token("LPAR", "⟨", start, end)]
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
    for k in turned:  # W' * z, z * a' are products of matrices
        for n in (k + 1, owner(out, k - 1) - 1):
            if 0 < n < len(out) and out[n][:2] == ("OP", "*"):
                out[n] = out[n]._replace(value="·")
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
    called = code or (len(name) > 2 and text.startswith("(", end))  # Z.exp()
    if glued and (name in ATTRIBUTES or (called and name in FUNCTIONS)):
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
    gradient = _GRADIENT.fullmatch(word)
    if gradient is not None:  # grad_W1, W1_grad
        return _parts(f"d{gradient[1] or gradient[3] or gradient[5]}{gradient[2] or gradient[4] or gradient[6] or ''}")
    if word == "net":  # of the older texts, what a unit gets
        return (("NAME", word),)
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
        named = subs[0] in ("in", "up") and len(subs) == 1
        if tail.startswith("_") and not tail.endswith("_") and len(subs) == 1 and _is_index(subs[0]) and not named:
            return (*parts, ("SUB", "_"), ("LBRACE", "{"), *_index(subs[0]), ("RBRACE", "}"))
        if re.fullmatch(r"(?:_(?:[a-z]{2,}\d*|[a-z]))+", tail):  # W_hidden, w_new
            return (("NAME", word),)
    if len(word) == 2 and set(word) <= PRODUCT_LETTERS:
        return (("NAME", word[0]), ("NAME", word[1]))
    if re.fullmatch(r"[A-Z][a-hl-z]", word) and word.lower() not in _PROSE | FUNCTIONS:  # Uh, a matrix times a column
        return (("NAME", word[0]), ("NAME", word[1]))
    if re.fullmatch(r"[a-z][ijkn]", word):  # xn beside x1
        return (("NAME", word[0]), ("SUB", "_"), ("LBRACE", "{"), ("NAME", word[1]), ("RBRACE", "}"))
    stem, _, index = word.partition("_")
    named = index in ("in", "up")  # hidden_in is a name
    if len(stem) > 1 and stem.isalpha() and _is_index(index) and index.islower() and not named:  # net_j
        return (
            ("NAME" if stem == "net" else "WORD", stem),
            ("SUB", "_"),
            ("LBRACE", "{"),
            *_index(index),
            ("RBRACE", "}"),
        )
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


def _is_change_of_a_word(word: str, out: list[Token], rest: str, names: frozenset[str]) -> bool:
    """Whether a word is a d before a quantity with a name, above or below the bar: `dE/dnet`, `dloss/dz`."""
    if word[0] != "d" or len(word) < 4 or word in names or _parts(word)[0][0] != "WORD":
        return False
    changes = any(t.value.startswith("d") or t.type in CLOSING for t in out[-3:-1])
    return (changes and out[-1][:2] == ("OP", "/")) or re.match(r"\s*/\s*[d∂]\w", rest) is not None


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
    if value in ("where", "Where") and not re.match(r"\s*\(", text[end:]):
        return [Token("WORD", value, start, end)]
    if value.startswith("grad_") and re.match(r"\s+[JLCE]\b", text[end:]):
        body = [("NAME", "nabla"), ("SUB", "_"), ("LBRACE", "{"), *_parts(value[5:]), ("RBRACE", "}")]
        return [Token(k, v, start, end) for k, v in body]
    if turned := re.fullmatch(r"(d?[WAXZ])(\d*)T", value):  # A1T
        return [*_word(text, f"{turned[1]}{turned[2]}", start, end - 1), Token("ATTR", "T", end - 1, end)]
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
