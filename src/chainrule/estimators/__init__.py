"""Floor 5: estimators with scikit-learn's contract over `chainrule.train`. Only this room imports scikit-learn."""

from ..errors import ConfigurationError

try:
    import sklearn  # noqa: F401
except ImportError:
    raise ConfigurationError(
        "the estimators need scikit-learn, which is not installed: pip install 'chainrule[estimators]'"
    ) from None

from .classifier import MLPClassifier
from .regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
