"""Letters and signs of written formulas, and how strongly a written form binds."""

from __future__ import annotations

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ",
    "Lambda": "Λ", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "nabla": "∇", "ell": "ℓ",
}  # fmt: skip
HATS = {"Yhat": "Ŷ", "yhat": "ŷ", "Ahat": "Â", "ahat": "â"}
DELTA_ASCII = {"epsilon": "eps"}
RELATIONS = {":=": ":=", "<-": "←", "->": "→", "≈": "≈", "!=": "≠"}
TEX_RELATIONS = {"<-": r"\leftarrow", "->": r"\to", "≈": r"\approx", "!=": r"\neq"}

# How strongly a written form binds.
EQUATION, SUM, MINUS, PRODUCT, TIGHT, POWER, ATOM = 0, 10, 20, 30, 40, 50, 100
PRODUCTS = ("*", "·", "∘", "@", " ", "⊗", "/")
ENTRIES = ("*", "∘")

# What Unicode has raised and lowered forms of.
RAISED = dict(zip("0123456789+-=()nijklmLtr", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱʲᵏˡᵐᴸᵗʳ", strict=True))
LOWERED = dict(zip("0123456789+-=()ijklmnprstuvxa", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ᵢⱼₖₗₘₙₚᵣₛₜᵤᵥₓₐ", strict=True))


def changed(name: str) -> str | None:
    """W of DeltaW, the change of W; None for any other name."""
    rest = name.removeprefix("Delta")
    return rest if rest != name and (len(rest) == 1 or rest in GREEK) else None


def raised(words: str) -> str | None:
    """The words in raised signs; None if one of them has no such form."""
    return _mapped(words, RAISED)


def lowered(words: str) -> str | None:
    """The words in lowered signs; None if one of them has no such form."""
    return _mapped(words, LOWERED)


def _mapped(words: str, table: dict[str, str]) -> str | None:
    return "".join(table[c] for c in words) if words and all(c in table for c in words) else None
