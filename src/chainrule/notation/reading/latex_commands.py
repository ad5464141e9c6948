"""The commands of LaTeX that formulas have, and what each is."""

from __future__ import annotations

import re

from .tokens import words

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
WHOLE = words("boxed fbox ensuremath onslide uncover only visible alert")  # around rows and equations too
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
    "times": ("OP", "·"), "bullet": ("OP", "∘"), "oslash": ("OP", "/"),
    "boxdot": ("OP", "∘"), "circledast": ("OP", "∘"), "bigodot": ("OP", "∘"), "circledcirc": ("OP", "∘"),
    "otimes": ("OP", "⊗"), "div": ("OP", "/"), "slash": ("OP", "/"),
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
    "forall": ("WORD", "for all"), "And": ("SEP", "and"), "land": ("SEP", "and"),
}  # fmt: skip
REFUSED = {
    "int": "an integral",
    "exists": "a quantifier", "subset": "a relation of sets", "propto": "a proportionality",
    "binom": "a binomial coefficient", "newcommand": "a definition of commands", "def": "a definition of commands",
    "ll": "an inequality", "gg": "an inequality", "oint": "an integral", "argmin": "a minimization", "hline": "a rule",
}  # fmt: skip
ACCENTS = {"hat": "hat", "widehat": "hat", "bar": "bar", "overline": "bar", "tilde": "tilde", "widetilde": "tilde",
           "dot": ""}  # fmt: skip
DOTTED = words("g f h sigma phi psi")  # activations, of which a dot is the derivative
MATRICES = words("bmatrix pmatrix matrix vmatrix Bmatrix Vmatrix smallmatrix array")
CASES = frozenset({"cases", "dcases", "rcases"})
SIZES = words("left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr bigm Bigm middle")
# \mathbf{1}, \mathbb 1_m: a column of ones; not an indicator such as \mathbb{1}_{i=j} or \mathbb{1}[Z > 0].
_ONES = re.compile(
    r"\\math(?:bf|bb|bbm|ds)\s*(?:\{\s*1\s*\}|1)(?:_(?:\{[A-Za-z]\}|[A-Za-z]))?(?!\s*(?:_|\[|\(|\\\{|\\left|\\[Bb]ig))"
)
_UPRIGHT_D = re.compile(r"\{\s*\\rm\s+d\s*\}|\{\s*\\(?:mathrm|text|textrm)\s*\{d\}\s*\}")
# \mathbb{E}[...], \operatorname{E}_i\left[...\right], \mathbb E(...): an expectation, no letter E.
_GAPS = r"\s{0,4}"
EXPECTATION = re.compile(
    r"\\(?:(?P<bare>mathbb|Bbb|operatorname)|mathrm|mathbf|mathsf|text|textrm|boldsymbol|bm)\*?"
    rf"{_GAPS}(?:\{{{_GAPS}E{_GAPS}\}}|E(?![A-Za-z]))"
    rf"(?={_GAPS}(?:_{_GAPS}(?:\{{[^{{}}]{{0,40}}\}}|.))?{_GAPS}(?:\\!)?(?:\\left|\\[bB]igg?l?)?{_GAPS}"
    rf"(?:\[(?!{_GAPS}[\dlL]{_GAPS}\])|\\lbrack|\\\{{|(?(bare)\(|\[)))"
)
# = with a word or a number above, which says why: \overset{\text{def}}{=}, \stackrel{(2)}{=}; not with ! or ?.
_SAID_ABOVE = re.compile(r"\\(?:overset|stackrel)\s*\{((?:[^{}!?]|\{[^{}!?]{0,80}\}){0,80})\}\s*(?:\{\s*=\s*\}|=)")
_DEFINES = re.compile(r"def|triangle|Delta")
# Between two equations.
_GAP = re.compile(r"(?:\\[;: ]\s*){3,}(?=[^=\n]{0,300}[^=\n\s&\\]\s*&?(?:=|:=|\\gets|\\leftarrow))")


def plain_commands(text: str) -> str:
    """A formula with ones, an upright d and gaps between equations in one form each, as long as it was."""
    text = _ONES.sub(r"\\mathrm{ones}", text)
    text = _UPRIGHT_D.sub(lambda m: "d".ljust(len(m[0])), text)
    text = _SAID_ABOVE.sub(lambda m: (":=" if _DEFINES.search(m[1]) else "=").ljust(len(m[0])), text)
    text = _GAP.sub(lambda m: r"\quad".ljust(len(m[0])), text)
    return text
