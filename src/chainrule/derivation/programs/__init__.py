"""The gradient as a program that stands alone, in NumPy, PyTorch or JAX."""
