"""Floor 2: from expressions to numbers. `evaluate` is the meaning; programs are planned once and run many times."""

from . import aligned
from .choose import bind, executor
from .direct import evaluate
from .plan import plan
from .program import Program
from .reference import Bound, run, source

__all__ = ["Bound", "Program", "aligned", "bind", "evaluate", "executor", "plan", "run", "source"]
