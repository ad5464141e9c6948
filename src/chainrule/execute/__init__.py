"""Floor 2: from expressions to numbers. `evaluate` is the meaning; programs are planned once and run many times."""

from .direct import evaluate
from .plan import plan
from .program import Program
from .reference import Bound, run, source

__all__ = ["Bound", "Program", "evaluate", "plan", "run", "source"]
