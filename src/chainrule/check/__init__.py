"""Floor 4: is a gradient right? Numerical derivatives that know their own error, and kinks that are recognized."""

from .gradients import check_expression
from .models import check_gradients
from .numeric import directional_derivative, numerical_gradient
from .report import GradientCheck, Row

__all__ = [
    "GradientCheck",
    "Row",
    "check_expression",
    "check_gradients",
    "directional_derivative",
    "numerical_gradient",
]
