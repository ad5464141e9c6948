"""Trials of printed lines: numbers for every letter, and what a line says in them."""
