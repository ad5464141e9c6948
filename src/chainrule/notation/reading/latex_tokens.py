"""Tokens of formulas written in LaTeX, as people write it: fonts are dropped, words kept, fragments forgiven."""

from __future__ import annotations

import re

from ...errors import FormulaError
from .behind import is_named_below
from .latex_commands import (
    ACCENTS,
    CASES,
    DOTTED,
    EXPECTATION,
    MATRICES,
    PRIMITIVE,
    REFUSED,
    SIGN_COMMANDS,
    SIZES,
    SPACES,
    STYLES,
    TEXT,
    WHOLE,
    WITH_ARGUMENT,
    plain_commands,
)
from .latex_words import NAMED, SAID, beside_case, goes_on_behind, is_condition, spelled
from .text_tokens import MATLAB_SIGNS, SIGNS, text_tokens
from .text_words import LAYERED
from .tokens import (
    COUNTS,
    FUNCTIONS,
    GREEK,
    KEYWORDS,
    LETTER_NAMES,
    LOSS_NAMES,
    PRIMES,
    SYNONYMS,
    Token,
    is_symbol_name,
    plain_letters,
    short,
    where,
    with_changes,
    words,
)

Primitive = tuple[str, str, int, int]


class _Lexer:
    def __init__(self, text: str, names: frozenset[str]) -> None:
        self.text = text
        self.names = names
        self.primitives: list[Primitive] = [
            (m.lastgroup or "sign", m.group(m.lastgroup or 0), m.start(), m.end())
            for m in PRIMITIVE.finditer(text)
            if m.lastgroup != "space"
        ]
        self.closing: dict[int, int] = {}
        stack: list[int] = []
        for i, p in enumerate(self.primitives):
            if p[0] == "sign" and p[1] == "{":
                stack.append(i)
            elif p[0] == "sign" and p[1] == "}" and stack:
                self.closing[stack.pop()] = i
        self.out: list[Token] = []
        self.dropped: set[int] = set()
        self.captioned: set[int] = set()  # closing braces behind which a script is a caption
        self.accents: list[tuple[str, int]] = []
        self.cases = 0  # how many definitions by cases are open
        self.braced = False  # a brace stands before the environment that comes next
        self.environments: list[str] = []  # the matrices that are open: "cases" behind a brace, "rows" of equations
        self.delimiter = ""  # the last of \left, \right, \Big … whose bracket comes next

    def run(self) -> list[Token]:
        i = 0
        while i < len(self.primitives):
            i = self.step(i)
        if self.accents:
            raise FormulaError(f"\\{self.accents[0][0]} at the end of the formula stands over nothing.")
        return self.out

    def put(self, kind: str, value: str, start: int, end: int) -> None:
        if self.accents:
            if kind != "NAME":
                raise FormulaError(
                    f"\\{self.accents[-1][0]} {where(self.text, start)} must stand over a single letter."
                )
            dotted = [name for name, _ in self.accents if name == "dot"]
            if dotted and value not in DOTTED:
                raise FormulaError(f"a dot above {short(value)} {where(self.text, start)} is not read: write a prime.")
            while self.accents:
                value += ACCENTS[self.accents.pop()[0]]
            if dotted:
                self.out += [Token(kind, value, start, end), *(Token("PRIME", "'", end, end) for _ in dotted)]
                return
        script = len(self.out) > 1 and self.out[-2].type in ("SUB", "SUP")  # W_d a
        joined = kind == "NAME" and not script and is_symbol_name("d" + value)
        if joined and self.out and self.out[-1][:2] == ("NAME", "d"):
            d = self.out.pop()
            value, start = "d" + value, d.start
        self.out.append(Token(kind, value, start, end))

    def step(self, i: int) -> int:
        kind, value, start, end = self.primitives[i]
        if i in self.dropped:
            if i in self.captioned:
                return self.skip_caption(i + 1)
            if value == "}" and self.out and self.out[-1].type == "NAME":
                self.out[-1] = self.out[-1]._replace(end=end)  # so that ( stands right behind the F of \mathcal{F}(
            return i + 1
        sized, self.delimiter = self.delimiter, ""
        if kind == "command":
            return self.command(i, value[1:], start, end)
        if kind == "row":
            self.put("ROW", "\\\\", start, end)
        elif kind == "number":
            self.put("NUM", value, start, end)
        elif kind == "module":
            name = value.rsplit(".", 1)[1]
            if name not in FUNCTIONS:
                raise FormulaError(
                    f"{short(value)} {where(self.text, start)} is not among the functions that are read."
                )
            self.put("NAME", name, start, end)
        elif kind == "letters":
            self.letters(value, start)
        elif kind == "greek":
            if value == "Σ":
                self.put("SUMOP", "∑", start, end)
            else:
                self.put("NAME", LETTER_NAMES.get(value, value), start, end)
        elif kind == "prime":
            for c in value:
                for _ in range(PRIMES[c]):
                    self.put("PRIME", "'", start, end)
        elif kind == "entries":
            self.put(*MATLAB_SIGNS["." + value[-1] if value[-1] in "/^" else ".*"], start, end)
        elif value == "\\{" and self.opens_cases(i + 1):
            self.braced = True
        elif kind == "escaped":
            self.escaped(value[1], start, end)
        elif value in "|" and sized:
            self.bar(sized, i, start, end)
        elif value == "." and sized in SIZES:
            pass
        elif value == "}" and i in self.captioned:
            self.put("RBRACE", "}", start, end)
            return self.skip_caption(i + 1)
        elif value == "&":
            self.out.append(Token("AMP", "&", start, end))
            if self.cases:
                return self.words_of_case(i + 1)
        elif value == ".":
            return self.dot(i, start, end)
        elif value == "\n":
            pass
        else:
            self.sign(value, start, end)
        return i + 1

    def dot(self, i: int, start: int, end: int) -> int:
        """A full stop, the dot of a product, or what leads to `.T` and `.shape` of programs; the next place."""
        after = self.primitives[i + 1] if i + 1 < len(self.primitives) else None
        letter = after is not None and (
            after[0] in ("letters", "greek")
            or (after[0] == "command" and after[1][1:] in GREEK.keys() | ACCENTS.keys())
        )
        if not letter or after is None or after[2] != end or not self.out:
            multiplies = goes_on_behind(self.primitives[i + 1 : i + 1 + _LOOKED_AT]) and any(
                t.type == "REL" for t in self.out
            )
            self.put(*(("OP", "·") if multiplies else ("SEP", ".")), start, end)
        elif after[1] in ("T", "shape"):
            self.put("ATTR", after[1], start, after[3])
            return i + 2
        else:
            self.put("OP", "·", start, end)
        return i + 1

    def sign(self, value: str, start: int, end: int) -> None:
        if value[0] == ":" and value[-1] == "=":
            value = ":="
        glued = bool(self.out) and self.out[-1].type == "NAME" and self.out[-1].end == start
        if value == "[" and self.out and self.out[-1][:2] == ("ATTR", "shape"):
            self.put("IDX", value, start, end)
        elif value == "[" and glued and self.out[-1].value in _LAYERED and _LAYER.match(self.text, start):
            self.put("IDX", value, start, end)  # W[l] amid LaTeX
        elif value in SIGNS:
            kind, plain = SIGNS[value]
            if kind != "SPACE":
                self.put(kind, plain, start, end)
        elif value in '$#"`':
            raise FormulaError(f"the sign {value!r} {where(self.text, start)} has no meaning inside a formula.")
        elif plain_letters(value) != value:
            for t in text_tokens(value):
                self.put(t.type, t.value, start, end)
        elif value.isalpha():
            self.put("WORD", value, start, end)
        else:
            for t in text_tokens("x" + value)[1:]:
                self.put(t.type, t.value, start, end)

    def escaped(self, c: str, start: int, end: int) -> None:
        if c in "{}":
            self.put("LPAR" if c == "{" else "RPAR", c, start, end)
        elif c == "|":
            self.put("NORMBAR", "‖", start, end)
        elif c in "#%_&":
            pass
        elif c in "()[]":
            self.put("SEP", "\\" + c, start, end)
        else:
            raise FormulaError(f"the command \\{c} {where(self.text, start)} is not read.")

    def bar(self, sized: str, i: int, start: int, end: int) -> None:
        after = self.primitives[i + 1] if i + 1 < len(self.primitives) else None
        if sized == "left" or sized.endswith("l"):
            self.put("ABSO", "|", start, end)
        elif after is not None and after[1] == "_":
            self.put("AT", "|", start, end)
        elif sized == "right" or sized.endswith("r"):
            self.put("ABSC", "|", start, end)
        else:
            self.put("BAR", "|", start, end)

    def letters(self, run: str, start: int) -> None:
        if run == "net" or (run in NAMED and re.match(r"\s*_", self.text[start + len(run) :])):
            self.put("NAME", run, start, start + len(run))
        elif run == "and":
            self.put("SEP", run, start, start + 3)
        elif run in SAID or (is_named_below(run, self.text) and self.is_script(start + len(run))):
            self.put("WORD", run, start, start + len(run))
        elif run == "where" and not self.is_applied(start + 5):
            self.put("WORD", run, start, start + 5)
        elif run in FUNCTIONS or run in KEYWORDS or run in COUNTS or (len(run) > 1 and run in self.names):
            self.put("NAME", SYNONYMS.get(run, run), start, start + len(run))
        elif len(run) > 4 or run in LOSS_NAMES:
            self.put("WORD", run, start, start + len(run))
        else:
            for k, c in enumerate(run):
                self.put("NAME", c, start + k, start + k + 1)

    def is_applied(self, end: int) -> bool:
        """Whether a bracket stands right behind the place where a function ends."""
        return re.match(r"\s*(?:\\left|\\[bB]igg?l?)?\s*\(", self.text[end : end + 20]) is not None

    def is_script(self, end: int) -> bool:
        """Whether the letters that end there are all that stands below or above a letter."""
        alone = [t.type for t in self.out[-1:]] == ["LBRACE"] and self.text[end:].lstrip().startswith("}")
        return alone and len(self.out) > 1 and self.out[-2].type in ("SUB", "SUP")

    def command(self, i: int, name: str, start: int, end: int) -> int:
        follows = i + 1 in self.closing  # an argument in braces
        if (mean := EXPECTATION.match(self.text, start)) is not None:
            self.put("NAME", "expectation", start, mean.end())
            return next(k for k in range(i, len(self.primitives)) if self.primitives[k][2] >= mean.end())
        if name in SIZES:
            self.delimiter = name
        elif name in ("begin", "end"):
            return self.environment(i, name, start, end)
        elif name in TEXT and follows:
            return self.words(i, start)
        elif name in STYLES or name in TEXT:
            if follows:
                close = self.closing[i + 1]
                inner = [p for k, p in enumerate(self.primitives[i + 2 : close], i + 2) if not self.is_style(k)]
                if name in ("underbrace", "overbrace"):
                    self.captioned.add(close)
                if len(inner) <= 1 or name in WHOLE:
                    self.dropped |= {i + 1, close}
            elif name in ("boxed", "fbox") and i + 1 < len(self.primitives) and self.primitives[i + 1][1] == "{":
                self.dropped.add(i + 1)  # the box of a fragment that was cut off before its end
        elif name in SPACES:
            pass
        elif name in WITH_ARGUMENT:
            return self.closing[i + 1] + 1 if follows else i + 1
        elif name in ACCENTS:
            self.accents.append((name, start))
            if follows:
                self.dropped |= {i + 1, self.closing[i + 1]}
        elif name in SIGN_COMMANDS:
            kind, value = SIGN_COMMANDS[name]
            if kind in ("BAR", "NORMBAR") and name[0] in "lr":
                norm = "NORM" if kind == "NORMBAR" else "ABS"
                kind = norm + ("O" if name[0] == "l" else "C")
            if kind == "SQRT" and i + 1 < len(self.primitives) and self.primitives[i + 1][1] == "[":
                raise FormulaError(f"a root of another order {where(self.text, start)} is not read: write a power.")
            if name == "langle":  # the inner product of what stands between
                self.put("NAME", "inner", start, start)
            self.put(kind, value, start, end)
        elif name in GREEK:
            self.put("NAME", name, start, end)
        elif name.startswith("var") and name[3:] in GREEK:
            self.put("NAME", name[3:], start, end)
        elif name in FUNCTIONS:
            self.put("NAME", name, start, end)
        elif name in REFUSED:
            raise FormulaError(
                f"{REFUSED[name]} (\\{name}) {where(self.text, start)} is not read: give it another form."
            )
        else:
            raise FormulaError(f"the command \\{name[:24]} {where(self.text, start)} is not read: write it out.")
        return i + 1

    def is_style(self, k: int) -> bool:
        kind, value = self.primitives[k][:2]
        return (kind == "command" and value[1:] in (STYLES | TEXT | ACCENTS.keys())) or (
            kind == "sign" and value in "{}"
        )

    def skip_caption(self, i: int) -> int:
        if i < len(self.primitives) and self.primitives[i][1] in ("_", "^"):
            return self.closing.get(i + 1, i + 1) + 1
        return i

    def words(self, i: int, start: int) -> int:
        """\\text{…} and its like: a letter, a function, a keyword argument, or words."""
        close = self.closing[i + 1]
        content = self.text[self.primitives[i + 1][3] : self.primitives[close][2]]
        end = self.primitives[close][3]
        if "\\" in content.replace("\\ ", " "):
            if len([k for k in range(i + 2, close) if not self.is_style(k)]) <= 1:
                self.dropped |= {i + 1, close}
            return i + 1
        word = " ".join(content.replace("\\ ", " ").replace("~", " ").split())
        if is_condition(word):
            self.dropped |= {i + 1, close}
            return i + 1
        for t in spelled(word, self.names, start, end, applied=self.is_applied(end)):
            self.put(*t)
        return close + 1

    def words_of_case(self, i: int) -> int:
        """What stands beside a branch of a definition by cases, up to the end of its row, as one word."""
        j = i
        while j < len(self.primitives) and self.primitives[j][0] != "row" and self.primitives[j][1] != "\\end":
            j += 1
        if j > i:
            start, end = self.primitives[i][2], self.primitives[j - 1][3]
            self.out.append(Token("WORD", beside_case(self.text[start:end]), start, end))
        return j

    def opens_cases(self, i: int) -> bool:
        """Whether the matrix that begins at primitive i is a definition by cases, with a brace on its left alone."""
        if i + 1 not in self.closing or self.primitives[i][1] != "\\begin":
            return False
        kind = self.text[self.primitives[i + 1][3] : self.primitives[self.closing[i + 1]][2]].strip()
        return kind in ("array", "matrix", "aligned", "gathered")

    def matrix(self, kind: str, name: str, start: int, end: int, close: int) -> int:
        """The begin or end of a matrix, of cases behind a brace, or of equations set in an array."""
        behind = close + 1
        if name == "begin" and kind == "array" and behind in self.closing:
            behind = self.closing[behind] + 1
        if name == "begin":
            rest = self.text[end:]
            outside = not self.out or self.out[-1].type in ("ROW", "SEP")
            rows = kind == "array" and outside and re.search(r"&\s*(?::?=|\\(?:leftarrow|gets|approx)\b)", rest)
            self.environments.append("cases" if self.braced else "rows" if rows else "")
            self.cases += self.braced
            self.braced = False
        opened = self.environments[-1] if self.environments else ""
        if opened != "rows":
            types = ("CASES", "ENDC") if opened == "cases" else ("MATRIX", "ENDM")
            self.put(types[name == "end"], f"\\{name}{{{kind}}}", start, end)
        if name == "end" and self.environments and self.environments.pop() == "cases":
            self.cases -= 1
        return behind

    def environment(self, i: int, name: str, start: int, end: int) -> int:
        if i + 1 not in self.closing:
            raise FormulaError(f"\\{name} {where(self.text, start)} needs the name of an environment in braces.")
        close = self.closing[i + 1]
        kind = self.text[self.primitives[i + 1][3] : self.primitives[close][2]].strip().rstrip("*")
        if kind in MATRICES:
            return self.matrix(kind, name, start, end, close)
        elif kind in CASES:
            self.cases = max(0, self.cases + (1 if name == "begin" else -1))
            self.put("CASES" if name == "begin" else "ENDC", f"\\{name}{{{kind}}}", start, end)
        elif kind in ("itemize", "enumerate", "tabular", "verbatim", "figure"):
            raise FormulaError(f"the environment {kind} {where(self.text, start)} is no formula.")
        return close + 1


_LOOKED_AT = 200  # signs behind a full stop
_LAYERED = LAYERED | words("g n")
_LAYER = re.compile(r"\[\s*(?:\d|[lLik](?:\s*[-+]\s*1)?)\s*\]")


def latex_tokens(text: str, names: frozenset[str] = frozenset()) -> list[Token]:
    """The tokens of a formula in LaTeX, `names` being letters too; FormulaError for a command that is not read."""
    text = plain_commands(text)
    return with_changes(_Lexer(text, names).run(), text)
