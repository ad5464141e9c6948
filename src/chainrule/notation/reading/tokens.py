"""The tokens that both lexers produce, the names both know, and the limits that keep hostile input harmless."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from typing import NamedTuple

from ...errors import FormulaError

MAX_CHARACTERS = 20_000
MAX_TOKENS = 4_000
MAX_NESTING = 60
MAX_DIGITS = 300
MAX_EXPONENT = 308


def words(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


class Token(NamedTuple):
    """A sign with its meaning: `start` and `end` are places in the text that was lexed."""

    type: str
    value: str
    start: int
    end: int


GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "omicron": "ο", "pi": "π", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
LETTER_NAMES = {sign: name for name, sign in GREEK.items()} | {
    "ϵ": "epsilon", "ϕ": "phi", "ς": "sigma", "ϑ": "theta", "ℓ": "l", "ℒ": "L", "𝓛": "L", "∇": "nabla",
}  # fmt: skip
SYNONYMS = {
    "eps": "epsilon",
    "varepsilon": "epsilon",
    "varphi": "phi",
    "vartheta": "theta",
    "varrho": "rho",
    "varsigma": "sigma",
    "ReLU": "relu",
    "RELU": "relu",
    "Relu": "relu",
    "LeakyReLU": "leaky_relu",
    "LeakyRelu": "leaky_relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softmax": "softmax",
    "SoftMax": "softmax",
    "ell": "l",
    "grad": "nabla",
    "lamda": "lambda",
    "lambd": "lambda",
    "Tr": "tr",
    "Diag": "diag",
    "Det": "det",
    "lambda_": "lambda",
    "lam": "lambda",
    "lmbda": "lambda",
    "lmbd": "lambda",
    "learn_rate": "alpha",
    "learningRate": "alpha",
    "step_size": "alpha",
    "stepsize": "alpha",
    "y_pred": "yhat",
    "y_true": "y",
    "Y_pred": "Yhat",
    "Y_true": "Y",
}

# Functions that every text may apply to an argument, with or without parentheses.
FUNCTIONS = words(
    "exp log ln log10 log2 log1p expm1 sqrt abs sign sin cos tan sinh cosh tanh erf sigmoid softmax log_softmax relu "
    "leaky_relu elu selu gelu silu mish swish softplus logistic identity step heaviside lse logsumexp norm max min "
    "maximum minimum clip where mean average sum dot matmul multiply outer transpose diag trace tr det inv reshape "
    "array zeros ones one_hot argmax argmin var std prod square power divide add subtract negative reciprocal "
    "hadamard kron nabla vec shape size sech coth LeakyReLU LeakyRelu ReLU Softmax Sigmoid Tanh SoftMax softsign "
    "hardtanh cosine inner hstack vstack expectation"
)
KEYWORDS = frozenset({"axis", "keepdims", "keepdim", "True", "False", "None", "dim", "ord", "ddof", "dtype"})
NUMPY_NAMES = {"dim": "axis", "keepdim": "keepdims"}  # of the same arguments in another library
COUNTS = frozenset({"TP", "TN", "FP", "FN", "tp", "tn", "fp", "fn"})  # of a table of two classes
LOSS_NAMES = frozenset({"CE", "BCE", "MSE", "NLL", "MAE", "KL", "SSE"})  # losses as functions of their arguments
ATTRIBUTES = words(
    "T prime dot matmul sum mean transpose reshape max min copy multiply outer item flatten ravel conj astype shape"
)

# Inequalities are true or false entry by entry; inside brackets they are the numbers 1 and 0, under these names.
COMPARISONS = {">": "greater", "<": "less", ">=": "greater_equal", "<=": "less_equal"}

OPENING = {"LPAR": "RPAR", "LBRACK": "RBRACK", "IDX": "RBRACK", "LBRACE": "RBRACE", "NORMO": "NORMC", "ABSO": "ABSC",
           "MATRIX": "ENDM", "CASES": "ENDC"}  # fmt: skip
CLOSING = frozenset(OPENING.values())


def check_text(text: object) -> str:
    """The text, or the reason why it is not read: too long, not text."""
    if not isinstance(text, str):
        raise FormulaError(f"a formula is text, but {type(text).__name__} was given: pass a str.")
    if len(text) > MAX_CHARACTERS:
        raise FormulaError(
            f"the formula has {len(text)} characters, of which at most {MAX_CHARACTERS} are read: give single formulas."
        )
    return text


def short(value: str) -> str:
    """What was written, quoted, for an error's sentence: a few characters of it."""
    return repr(value if len(value) <= 24 else value[:23] + "…")


def where(text: str, position: int) -> str:
    """A few characters around a place, for an error's sentence."""
    begin = max(0, position - 12)
    excerpt = " ".join(text[begin : position + 18].split())
    return f"near {excerpt!r} (character {position + 1})" if excerpt else "at the end"


def number(written: str) -> Fraction:
    """The exact value of a decimal number; FormulaError for one that is absurdly long or large."""
    mantissa, _, exponent = written.lower().partition("e")
    if len(mantissa) > MAX_DIGITS or len(exponent) > 6 or (exponent and abs(int(exponent)) > MAX_EXPONENT):
        raise FormulaError(
            f"the number {written[:12]}… is too large: at most {MAX_DIGITS} digits and powers of ten up to "
            f"{MAX_EXPONENT} are read."
        )
    return Fraction(mantissa.rstrip(".") or "0") * Fraction(10) ** int(exponent or 0)


def is_differential(name: str) -> bool:
    """Whether a name is a d joined to a quantity: dW, dz, dyhat, dsigma; not delta, dot or diag."""
    base = name[1:]
    if not name.startswith("d") or not base or name in GREEK:
        return False
    stem = re.sub(r"(hat|bar|tilde)\Z", "", base)
    return len(stem) == 1 or stem in GREEK or stem in ("sig", "nabla")


def is_symbol_name(name: str) -> bool:
    """Whether a name is that of a mathematical letter: x, W, dW, yhat, delta, ddelta."""
    stem = re.sub(r"(?<=.)(hat|bar|tilde)\Z", "", name)
    return len(stem) == 1 or stem in GREEK or stem in SYNONYMS or is_differential(name)


ACCENTS = {"\u0302": "hat", "\u0304": "bar", "\u0303": "tilde"}
SUPERSCRIPTS = dict(
    zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱʲᵏˡᵐᴸᵀᵗʳᵃᵇᶜᵈᵉᶠᵍʰᵒᵖˢᵘᵛʷˣʸᶻ", "0123456789+-=()nijklmLTtrabcdefghopsuvwxyz", strict=True)
)
SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ᵢⱼₖₗₘₙₚᵣₛₜᵤᵥₓₐ", "0123456789+-=()ijklmnprstuvxa", strict=True))
PRIMES = {"'": 1, "′": 1, "’": 1, "″": 2, "‴": 3}


def plain_letters(text: str) -> str:
    """Letters with accents taken apart (ŷ is y and a combining hat), mathematical alphabets as plain letters."""
    out = []
    for c in text:
        if c in SUPERSCRIPTS or c in SUBSCRIPTS or c.isascii() or c == "𝔼":  # an expectation, no letter
            out.append(c)
        elif 0x1D400 <= ord(c) <= 0x1D7FF:  # bold, italic, script letters and digits
            out.append(unicodedata.normalize("NFKC", c))
        else:
            out.append(unicodedata.normalize("NFD", c) if c.isalpha() else c)
    return "".join(out)


def balanced(tokens: list[Token], text: str) -> list[Token]:
    """The tokens with braces balanced, bars opened and closed; FormulaError for brackets that do not match.

    A brace that closes nothing is a cut-out fragment's and is dropped.
    """
    out: list[Token] = []
    stack: list[Token] = []
    for n, t in enumerate(tokens):
        if t.type in ("BAR", "NORMBAR"):
            norm = t.type == "NORMBAR"
            below = n + 1 < len(tokens) and tokens[n + 1].type == "SUB"
            if not norm and below and not any(o.type == "ABSO" for o in stack):
                out.append(t._replace(type="AT"))
                continue
            if stack and stack[-1].type == "LPAR" and _divides_arguments(tokens, n, out, stack[-1]):
                out.append(t._replace(type="COMMA"))  # KL(p ‖ q), p(y | x)
                continue
            if stack and stack[-1].type == ("NORMO" if norm else "ABSO") and out and _ends_a_factor(out[-1]):
                stack.pop()
                t = t._replace(type="NORMC" if norm else "ABSC")
            else:
                t = t._replace(type="NORMO" if norm else "ABSO")
                stack.append(t)
        elif t.type in OPENING:
            stack.append(t)
        elif t.type in CLOSING:
            if t.type in ("RBRACE", "ENDC", "ENDM") and not any(OPENING[o.type] == t.type for o in stack):
                continue
            if not stack:
                raise FormulaError(f"{t.value!r} {where(text, t.start)} closes a bracket that was not opened.")
            opened = stack.pop()
            if OPENING[opened.type] != t.type:
                raise FormulaError(
                    f"{t.value!r} {where(text, t.start)} closes {opened.value!r}, which needs its own closing bracket."
                )
        out.append(t)
        if len(stack) > MAX_NESTING:
            raise FormulaError(f"brackets are nested more than {MAX_NESTING} deep {where(text, t.start)}.")
    return out


def _divides_arguments(tokens: list[Token], n: int, before: list[Token], opened: Token) -> bool:
    """Whether a bar is the only one in its brackets, between two quantities; a single one behind a letter."""
    depth = 0
    if tokens[n].type == "BAR" and not any(
        t.end == opened.start and _ends_a_factor(t) and t.type != "NUM" for t in before[-400:]
    ):
        return False
    for t in tokens[n + 1 : n + 40]:
        depth += (t.type in OPENING) - (t.type in CLOSING)
        if depth < 0:
            return bool(before) and _ends_a_factor(before[-1])
        if t.type == tokens[n].type:
            return False
    return False


def _ends_a_factor(t: Token) -> bool:
    return t.type in CLOSING or t.type in ("NAME", "NUM", "WORD", "PRIME", "ATTR", "DOTS")


_BEHIND_A_PLUS = words("REL AMP ADD OP RBRACE RPAR RBRACK COMMA ROW SEP SEMI SUB")


def wrap_scripts(tokens: list[Token], text: str) -> list[Token]:
    """After every ^ and _ a group in braces; `^\\prime` is a prime; groups that hold nothing are dropped."""
    tokens = _with_whole_rows(_without_entry_signs(tokens))
    out: list[Token] = []
    i = 0
    ends = _matching(tokens)
    closers: dict[int, int] = {}  # index of a token -> how many braces to close behind it
    while i < len(tokens):
        t = tokens[i]
        if t.type in ("SUP", "SUB"):
            j = i + 1
            if j >= len(tokens):
                raise FormulaError(
                    f"nothing follows {t.value!r} {where(text, t.start)}: write what it raises or lowers."
                )
            if t.type == "SUP" and tokens[j].type == "PRIME":
                i = j
                continue
            inner = tokens[j + 1 : ends[j]] if tokens[j].type == "LBRACE" and j in ends else []
            if inner and t.type == "SUP" and all(x.type == "PRIME" for x in inner):
                out.extend(inner)
                i = ends[j] + 1
                continue
            out.append(t)
            plus = min(j + (tokens[j].type == "LBRACE"), len(tokens) - 1)  # w^+, w^{+}: the new w; z_+: max(0, z)
            alone = plus + 1 == len(tokens) or tokens[plus + 1].type in _BEHIND_A_PLUS
            if alone and tokens[plus][:2] == ("ADD", "+"):
                raised = out[-2] if len(out) > 1 else t
                bracket = raised.type in ("RPAR", "RBRACK") or raised[:2] in (("NAME", "z"), ("NAME", "u"))
                said = "positive" if t.type == "SUB" or bracket else "new"
                tokens[plus] = Token("WORD", said, tokens[plus].start, tokens[plus].end)
            if tokens[j].type != "LBRACE":
                out.append(Token("LBRACE", "{", tokens[j].start, tokens[j].start))
                last = _argument_end(tokens, j, ends)
                indexed = tokens[j].value not in ("l", "L") and [x.type for x in tokens[j : j + 2]] == ["NAME", "SUB"]
                if i and tokens[i - 1][:2] == ("NAME", "e") and indexed:
                    last = _argument_end(tokens, j + 2, ends) if j + 2 < len(tokens) else last  # e^z_i
                closers[last] = closers.get(last, 0) + 1
            i += 1
            continue
        if t.type == "LBRACE" and i + 1 < len(tokens) and tokens[i + 1].type == "RBRACE":
            i += 2
            continue
        out.append(t)
        for _ in range(closers.get(i, 0)):
            out.append(Token("RBRACE", "}", t.end, t.end))
        i += 1
    return out


def _without_entry_signs(tokens: list[Token]) -> list[Token]:
    r"""The tokens without the ⊙ of `H^{\odot 2}`, the power of every entry, as every power is."""
    return [
        t
        for k, t in enumerate(tokens)
        if not (
            t[:2] == ("OP", "∘")
            and 1 < k < len(tokens) - 1
            and (tokens[k - 2].type, tokens[k - 1].type) == ("SUP", "LBRACE")
            and tokens[k + 1].type in ("NUM", "ADD", "FRAC")
        )
    ]


def _with_whole_rows(tokens: list[Token]) -> list[Token]:
    r"""The tokens with a colon for the sign of `W_{k\cdot}`, `W_{*,j}`, `W_{k\bullet}`: a whole row or column."""
    if not any(t[:2] == ("SUB", "_") for t in tokens):
        return tokens
    found = list(tokens)
    for k in range(2, len(tokens) - 1):
        if tokens[k].type != "OP" or tokens[k].value not in "·*∘":
            continue
        first = tokens[k - 1].type == "LBRACE" and tokens[k - 2].type == "SUB"
        index = tokens[k - 1].type in ("NAME", "NUM", "COMMA") and tokens[k + 1].type == "RBRACE"
        if index and tokens[k - 1].type != "COMMA":
            index = tokens[k - 2].type == "LBRACE" and k > 2 and tokens[k - 3].type == "SUB"
        if index or (first and tokens[k + 1].type in ("NAME", "NUM", "COMMA")):
            found[k] = tokens[k]._replace(type="COLON", value=":")
    return found


def _matching(tokens: list[Token]) -> dict[int, int]:
    ends: dict[int, int] = {}
    stack: list[int] = []
    for i, t in enumerate(tokens):
        if t.type in OPENING:
            stack.append(i)
        elif t.type in CLOSING and stack:
            ends[stack.pop()] = i
    return ends


def _argument_end(tokens: list[Token], j: int, ends: dict[int, int]) -> int:
    """Index of the last token of the one argument that begins at j: a sign and a token, or a bracket."""
    if tokens[j].type == "ADD" and j + 1 < len(tokens):
        j += 1
    if tokens[j].type in ("FRAC", "SQRT"):
        for _ in range(2 if tokens[j].type == "FRAC" else 1):
            j = ends.get(j + 1, j + 1)
        return min(j, len(tokens) - 1)
    return min(ends.get(j, j), len(tokens) - 1)


_BETWEEN = re.compile(r"|\}\s*(?:\\mathrel\s*\{)?")  # of \mathrel{-}=


def with_changes(tokens: list[Token], text: str) -> list[Token]:
    """The tokens with `+=`, `-=` as one sign each."""
    found: list[Token] = []
    for t in tokens:
        before = found[-1] if found else t
        if t[:2] == ("REL", "=") and before.type == "ADD" and _BETWEEN.fullmatch(text[before.end : t.start]):
            found[-1] = Token("AUG", before.value, before.start, t.end)
        else:
            found.append(t)
    return found
