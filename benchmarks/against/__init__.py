"""The rooms of benchmarks/compare.py: the cases, a file for each side, measuring, and a file for each table."""
