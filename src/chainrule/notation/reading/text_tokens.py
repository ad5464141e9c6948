"""Tokens of formulas in NumPy-like, ASCII or Unicode text: `dW[2] = 1/m * dZ[2] @ A[1].T`, `∂L/∂W[2]`, `Σ_i`."""

from __future__ import annotations

import re

from ...errors import FormulaError
from .behind import is_hat, is_named_below, is_turned, owner, slope_of, times_a_sum
from .text_words import (
    ACCENT_WORDS,
    index_tokens,
    is_change_of_a_word,
    is_component,
    is_gradient,
    program_name,
    side_by_side,
    word_tokens,
)
from .tokens import (
    ATTRIBUTES,
    CLOSING,
    FUNCTIONS,
    LETTER_NAMES,
    PRIMES,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    Token,
    plain_letters,
    short,
    where,
)

SIGNS = {
    "+": ("ADD", "+"), "-": ("ADD", "-"), "−": ("ADD", "-"), "–": ("ADD", "-"),
    "@": ("OP", "@"), "*": ("OP", "*"), "∗": ("OP", "*"), "/": ("OP", "/"), "÷": ("OP", "/"), "∕": ("OP", "/"),
    "∘": ("OP", "∘"), "⊙": ("OP", "∘"), "⨀": ("OP", "∘"), "⊡": ("OP", "∘"), "⊛": ("OP", "∘"),
    "⊘": ("OP", "/"), "⁄": ("OP", "/"), "○": ("OP", "∘"), "◦": ("OP", "∘"), "⊗": ("OP", "⊗"),
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
    "∎": ("SPACE", ""), "?": ("WORD", "?"), "\n": ("SEP", "\n"), "∀": ("WORD", "for all"),
    "∞": ("NAME", "infinity"), "∏": ("NAME", "prod"), "𝔼": ("NAME", "expectation"),
}  # fmt: skip
TOKEN = re.compile(
    r"(?P<space>[ \t\r\f\v\u00a0\u2009]+)"
    r"|(?P<number>(?:\d+(?:\.(?![.\w])|\.\d+)?|\.\d+)(?:[eE][+-]?\d+(?![A-Za-z]))?)"
    r"|(?P<module>(?:np|numpy|math|torch|jnp|tf|scipy\.special|nn\.functional)\.(?:linalg\.|math\.|nn\.)?(?=[A-Za-z]))"
    r"|(?P<word>_*[A-Za-z][\u0300-\u036f]*(?:[A-Za-z0-9][\u0300-\u036f]*)*(?:_+[A-Za-z0-9]+)*_*(?![{A-Za-z0-9_α-ωΑ-Ω])"
    r"(?!(?<=_)\+\s*(?:\Z|[-+*/@=)\],;\n]))|[A-Za-z][A-Za-z0-9]*)"
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
MATLAB = re.compile(r"\.[*/^]")  # where entries are multiplied by .*, a plain * is the product of matrices
_SMALL_FRACTION = re.compile(r"(?<!\w)[⁰¹²³⁴-⁹]+[⁄∕/][₀-₉ₘₙ]+")  # ¹⁄ₘ
_CELL = re.compile(r"\{\s*(?:\d|end|[lLik](?:\s*[-+]\s*1)?)\s*\}")  # W{l}, of MATLAB's lists
_CALCULUS = re.compile(r"\)\s*['’]\s*=")  # (u * v)' = u' * v + u * v', where ' is a derivative
MATLAB_SIGNS = {".*": ("OP", "∘"), "./": ("OP", "/"), ".^": ("SUP", "^"), ".'": ("ATTR", "T")}
_INNER = re.compile(r"<\s*[\w\[\]^.'-]+\s*,\s*[\w\[\]^.'-]+\s*>")  # <w, x>
_LOWERED = ("NAME", "SUMOP", "PARTIAL", "PRIME", "NORMBAR", "BAR")  # besides brackets, what an index may hang on


def text_tokens(text: str, names: frozenset[str] = frozenset(), *, code: bool = False) -> list[Token]:
    """The tokens of a formula in plain text, `names` being letters too; FormulaError for a sign that is none.

    code  the text is a statement of a program: every word is a name, and what stands behind a dot a method
    """
    text = _SMALL_FRACTION.sub(lambda m: "".join(SUPERSCRIPTS.get(c) or SUBSCRIPTS.get(c) or "/" for c in m[0]), text)
    text = _INNER.sub(lambda m: m[0].replace("<", "⟨").replace(">", "⟩"), plain_letters(text))
    out: list[Token] = []
    matlab = MATLAB.search(text) is not None
    calculus = _CALCULUS.search(text) is not None
    turned: list[int] = []  # where a ' that transposes stands
    braces: list[bool | None] = []  # of each open brace, whether it is that of an index or an exponent; None of a cell
    for match in TOKEN.finditer(text):
        kind = match.lastgroup or "sign"
        value, start, end = match.group(), match.start(), match.end()
        if kind == "space":
            continue
        glued = bool(out) and out[-1].end == start and _ends(out[-1])
        lowered = bool(out) and (out[-1].type in CLOSING or out[-1].type in _LOWERED or out[-1][:2] == ("NUM", "1"))
        sub = lowered and out[-1].end == start
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
        elif kind == "word" and is_change_of_a_word(value, out, text[end:], names):  # dE/dnet_j
            quantity = word_tokens(text, value[1:], start + 1, end)
            out += [Token("NAME", "d", start, start + 1), quantity[0]._replace(type="NAME"), *quantity[1:]]
        elif kind == "word" and braces and braces[-1] and is_named_below(value, text):
            out.append(Token("NAME", value, start, end))
        elif kind == "word" and braces and braces[-1] and side_by_side(value):
            out.extend(Token(k, v, start, end) for k, v in index_tokens(value))
        elif kind == "word" and is_gradient(value, text[end:]):
            out.append(Token("NAME", "grad", start, end))
        elif kind == "word":
            stem, _, index = value.rpartition("_")
            if value in names:
                out.append(Token("NAME", value, start, end))
            elif (function := slope_of(value, text[end:], names)) is not None:
                out += [Token("NAME", function, start, end), Token("PRIME", "'", end, end)]
            elif stem in names and is_component(index) and index not in ("in", "is"):
                body = [("SUB", "_"), ("LBRACE", "{"), *index_tokens(index), ("RBRACE", "}")]
                out += [Token("NAME", stem, start, start + len(stem)), *(Token(k, v, end, end) for k, v in body)]
            else:
                lowered = (sub and value[0] == "_" and value[1:].isalnum()) or value.startswith("sum_")
                out.extend(
                    program_name(value, start, end)
                    if code and not lowered
                    else word_tokens(text, value, start, end, sub)
                )
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
            applied = applied and not (out[-1].type == "RPAR" and is_turned(out, text[end:]))
            if value in "'’" and not applied and (matlab or (not calculus and is_turned(out, text[end:]))):
                out.append(Token("ATTR", "T", start, end))
                turned.append(len(out) - 1)
            else:
                out.extend(Token("PRIME", "'", start, end) for c in value for _ in range(PRIMES[c]))
        elif value == "[" and glued and not (out[-1].type == "NAME" and out[-1].value in FUNCTIONS):
            out.append(Token("IDX", "[", start, end))
        elif value == "{" and glued and out[-1].type == "NAME" and _CELL.match(text, start):
            braces.append(None)
            out.append(Token("IDX", "{", start, end))
        elif value == "}" and braces and braces[-1] is None:
            braces.pop()
            out.append(Token("RBRACK", "}", start, end))
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


def _attribute(text: str, value: str, start: int, end: int, glued: bool, code: bool) -> list[Token]:
    name = value[1:]
    called = code or (len(name) > 2 and text.startswith("(", end))  # Z.exp()
    if glued and (name in ATTRIBUTES or (called and name in FUNCTIONS)):
        return [Token("ATTR", name, start, end)]
    if len(name) <= 2 or name in FUNCTIONS:  # ln(a.b): a dot product written without spaces
        return [Token("OP", "·", start, start + 1), *word_tokens(text, name, start + 1, end)]
    raise FormulaError(
        f"{short(value)} {where(text, start)} is no operation of a formula: behind a dot only "
        f"{', '.join(sorted(ATTRIBUTES))} are read."
    )
