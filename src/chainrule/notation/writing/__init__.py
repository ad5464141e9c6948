"""Formulas as text and LaTeX: the walk over a tree, and the ways of writing."""
