"""How formulas are read: tokens of text and LaTeX, one grammar, and what juxtaposed factors mean."""
