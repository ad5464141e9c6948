"""Floor 5: gradients as documents: derived, printed in every style, verified line by line."""

from .derive import Derivation, derive
from .replay import replay

__all__ = ["Derivation", "derive", "replay"]
