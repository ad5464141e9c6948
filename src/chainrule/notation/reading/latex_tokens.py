"""Tokens of formulas written in LaTeX, as people write it: fonts are dropped, words kept, fragments forgiven."""

from __future__ import annotations

import re

from ...errors import FormulaError
from .text_tokens import MATLAB_SIGNS, SIGNS, text_tokens
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
    words,
)

PRIMITIVE = re.compile(
    r"(?P<space>(?:\s|~|%[^\n]*\n)+|\\[,;:!>/ \n]|\\(?=\Z))"
    r"|(?P<command>\\[A-Za-z]+)\*?"
    r"|(?P<row>\\\\(?:\s*\[-?[\d.]+\s*(?:pt|em|ex|mm|cm)\])?)"
    r"|(?P<escaped>\\.)"
    r"|(?P<number>\d+(?:\.\d+)?|\.\d+|\d+\.(?=[\s/*]))"
    r"|(?P<module>np\.[a-z_]+(?:\.[a-z_]+)?|numpy\.[a-z_]+)"
    r"|(?P<letters>[A-Za-z]+)"
    r"|(?P<greek>[α-ωΑ-Ωϵϕϑςℓℒ∇])"
    r"|(?P<prime>['′’″]+)"
    r"|(?P<entries>\.\s?(?:\*|\\ast(?![A-Za-z])|\\times(?![A-Za-z])|[/^]))"
    r"|(?P<sign>:\s*=|==|->|<-|>=|<=|\.\.\.|.)",
    re.DOTALL,
)
STYLES = words(
    "mathbf boldsymbol bm mathcal mathbb mathit mathsf mathfrak mathscr vec pmb bf rm it cal displaystyle textstyle "
    "scriptstyle limits nolimits mathop mathrel mathbin mathord ensuremath underline smash small normalsize large "
    "underbrace overbrace boxed fbox hfill noindent centering nonumber notag alert mathclap mathllap mathrlap uncover "
    "only onslide visible emph"
)
SPACES = words(
    "blacksquare qed square Box therefore because left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr middle "
    "displaylimits strut hskip"
)
WITH_ARGUMENT = frozenset(
    {"tag", "label", "color", "phantom", "hspace", "vspace", "vphantom", "hphantom", "ref", "eqref"}
)
TEXT = words("text textrm textbf textit textsf texttt mathrm mathtt operatorname mbox hbox textnormal")
SIGN_COMMANDS = {
    "odot": ("OP", "∘"), "circ": ("OP", "∘"), "ast": ("OP", "*"), "star": ("OP", "*"), "cdot": ("OP", "·"),
    "times": ("OP", "·"), "bullet": ("OP", "∘"), "otimes": ("OP", "⊗"), "div": ("OP", "/"), "slash": ("OP", "/"),
    "partial": ("PARTIAL", "∂"), "sum": ("SUMOP", "∑"), "prime": ("PRIME", "'"), "colon": ("COLON", ":"),
    "lim": ("LIM", "lim"), "in": ("REL", "∈"),
    "frac": ("FRAC", "frac"), "dfrac": ("FRAC", "frac"), "tfrac": ("FRAC", "frac"), "cfrac": ("FRAC", "frac"),
    "sqrt": ("SQRT", "sqrt"), "top": ("NAME", "T"), "intercal": ("NAME", "T"), "nabla": ("NAME", "nabla"),
    "ell": ("NAME", "l"), "infty": ("NAME", "infinity"), "mid": ("BAR", "|"), "vert": ("BAR", "|"),
    "lvert": ("BAR", "|"), "rvert": ("BAR", "|"), "Vert": ("NORMBAR", "‖"), "lVert": ("NORMBAR", "‖"),
    "rVert": ("NORMBAR", "‖"), "lbrack": ("LBRACK", "["), "rbrack": ("RBRACK", "]"), "lbrace": ("LPAR", "{"),
    "rbrace": ("RPAR", "}"), "langle": ("LPAR", "⟨"), "rangle": ("RPAR", "⟩"),
    "dots": ("DOTS", "…"), "cdots": ("DOTS", "…"), "ldots": ("DOTS", "…"), "vdots": ("DOTS", "⋮"),
    "ddots": ("DOTS", "…"), "dotsc": ("DOTS", "…"), "dotsb": ("DOTS", "…"), "hdots": ("DOTS", "…"),
    "leftarrow": ("REL", "<-"), "gets": ("REL", "<-"), "longleftarrow": ("REL", "<-"), "rightarrow": ("REL", "->"),
    "to": ("REL", "->"), "longrightarrow": ("REL", "->"), "mapsto": ("REL", "->"), "approx": ("REL", "≈"),
    "leq": ("REL", "<="), "le": ("REL", "<="), "leqslant": ("REL", "<="), "lt": ("REL", "<"), "gt": ("REL", ">"),
    "geq": ("REL", ">="), "ge": ("REL", ">="), "geqslant": ("REL", ">="),
    "simeq": ("REL", "≈"), "neq": ("REL", "!="), "ne": ("REL", "!="), "equiv": ("REL", "="), "coloneqq": ("REL", ":="),
    "triangleq": ("REL", ":="), "stackrel": ("BAD", ""), "coloneq": ("REL", ":="), "leftarrowtail": ("REL", "<-"),
    "Rightarrow": ("SEP", "⇒"), "implies": ("SEP", "⇒"), "iff": ("SEP", "⇔"), "Leftrightarrow": ("SEP", "⇔"),
    "Longrightarrow": ("SEP", "⇒"), "quad": ("SEP", "quad"), "qquad": ("SEP", "quad"), "newline": ("SEP", "\n"),
    "And": ("SEP", "and"), "land": ("SEP", "and"),
}  # fmt: skip
REFUSED = {
    "int": "an integral",
    "forall": "a quantifier", "exists": "a quantifier", "subset": "a relation of sets", "propto": "a proportionality",
    "binom": "a binomial coefficient", "newcommand": "a definition of commands", "def": "a definition of commands",
    "ll": "an inequality", "gg": "an inequality", "oint": "an integral", "argmin": "a minimization", "hline": "a rule",
}  # fmt: skip
ACCENTS = {"hat": "hat", "widehat": "hat", "bar": "bar", "overline": "bar", "tilde": "tilde", "widetilde": "tilde"}
MATRICES = words("bmatrix pmatrix matrix vmatrix Bmatrix Vmatrix smallmatrix array")
CASES = frozenset({"cases", "dcases", "rcases"})
SIZES = words("left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr bigm Bigm middle")

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
            while self.accents:
                value += ACCENTS[self.accents.pop()[0]]
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
            self.dot(i, start, end)
        elif value == "\n":
            pass
        else:
            self.sign(value, start, end)
        return i + 1

    def dot(self, i: int, start: int, end: int) -> None:
        after = self.primitives[i + 1] if i + 1 < len(self.primitives) else None
        letter = after is not None and (
            after[0] in ("letters", "greek")
            or (after[0] == "command" and after[1][1:] in GREEK.keys() | ACCENTS.keys())
        )
        if letter and after is not None and after[2] == end and self.out:
            self.put("OP", "·", start, end)
        else:
            self.put("SEP", ".", start, end)

    def sign(self, value: str, start: int, end: int) -> None:
        if value[0] == ":" and value[-1] == "=":
            value = ":="
        if value in SIGNS:
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
        if run in FUNCTIONS or run in KEYWORDS or run in COUNTS or (len(run) > 1 and run in self.names):
            self.put("NAME", SYNONYMS.get(run, run), start, start + len(run))
        elif len(run) > 4 or run in LOSS_NAMES:
            self.put("WORD", run, start, start + len(run))
        else:
            for k, c in enumerate(run):
                self.put("NAME", c, start + k, start + k + 1)

    def command(self, i: int, name: str, start: int, end: int) -> int:
        follows = i + 1 in self.closing  # an argument in braces
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
                if len(inner) <= 1 or name in ("boxed", "fbox", "ensuremath"):
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
        module = re.fullmatch(r"(?:np|numpy)\.(?:linalg\.)?([A-Za-z_]+)", word)
        keyword = re.fullmatch(r"([a-z]+)\s*=\s*(\w+)", word)
        if not word:
            pass
        elif module and module.group(1) in FUNCTIONS:
            self.put("NAME", module.group(1), start, end)
        elif keyword and keyword.group(1) in KEYWORDS:
            for t in text_tokens(word):
                self.put(t.type, t.value, start, end)
        elif word in FUNCTIONS or word in KEYWORDS or word in self.names or is_symbol_name(word):
            self.put("NAME", SYNONYMS.get(word, word), start, end)
        elif word in ("and", "or", "and also"):
            self.put("SEP", "and", start, end)
        elif re.fullmatch(r"[.,;:()\s]+", word):
            if set(word) & set(".;"):
                self.put("SEP", word, start, end)
            elif "," in word:
                self.put("COMMA", ",", start, end)
        else:
            self.put("WORD", word, start, end)
        return close + 1

    def words_of_case(self, i: int) -> int:
        """What stands beside a branch of a definition by cases, up to the end of its row, as one word."""
        j = i
        while j < len(self.primitives) and self.primitives[j][0] != "row" and self.primitives[j][1] != "\\end":
            j += 1
        if j > i:
            start, end = self.primitives[i][2], self.primitives[j - 1][3]
            bare = re.sub(r"\\(?:text|mathrm|textrm|quad|qquad|mbox)|[{}]|\\[,;: ]", " ", self.text[start:end])
            said = " ".join(bare.split())
            if said.startswith("(") and said.endswith(")") and said.count("(") == 1:
                said = said[1:-1].strip()
            self.out.append(Token("WORD", said, start, end))
        return j

    def environment(self, i: int, name: str, start: int, end: int) -> int:
        if i + 1 not in self.closing:
            raise FormulaError(f"\\{name} {where(self.text, start)} needs the name of an environment in braces.")
        close = self.closing[i + 1]
        kind = self.text[self.primitives[i + 1][3] : self.primitives[close][2]].strip().rstrip("*")
        if kind in MATRICES:
            self.put("MATRIX" if name == "begin" else "ENDM", f"\\{name}{{{kind}}}", start, end)
            if kind == "array" and name == "begin" and close + 1 in self.closing:
                return self.closing[close + 1] + 1
        elif kind in CASES:
            self.cases = max(0, self.cases + (1 if name == "begin" else -1))
            self.put("CASES" if name == "begin" else "ENDC", f"\\{name}{{{kind}}}", start, end)
        elif kind in ("itemize", "enumerate", "tabular", "verbatim", "figure"):
            raise FormulaError(f"the environment {kind} {where(self.text, start)} is no formula.")
        return close + 1


# \mathbf{1}, \mathbb 1_m: a column of ones; not an indicator such as \mathbb{1}_{i=j} or \mathbb{1}[Z > 0].
_ONES = re.compile(
    r"\\math(?:bf|bb|bbm|ds)\s*(?:\{\s*1\s*\}|1)(?:_(?:\{[A-Za-z]\}|[A-Za-z]))?(?!\s*(?:_|\[|\(|\\\{|\\left|\\[Bb]ig))"
)


def latex_tokens(text: str, names: frozenset[str] = frozenset()) -> list[Token]:
    """The tokens of a formula in LaTeX, `names` being letters too; FormulaError for a command that is not read."""
    text = _ONES.sub(r"\\mathrm{ones}", text)
    return _Lexer(text, names).run()
