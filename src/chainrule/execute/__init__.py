"""Floor 2: from expressions to numbers. `direct` is the meaning; programs are planned once and run many times."""

from .direct import evaluate

__all__ = ["evaluate"]
