"""Floor 5: estimators with scikit-learn's contract over `chainrule.train`. Only this room imports scikit-learn."""

from importlib.util import find_spec

from ..errors import ConfigurationError

if find_spec("sklearn") is None:
    raise ConfigurationError(
        "the estimators need scikit-learn, which is not installed: pip install 'chainrule[estimators]'"
    )

from .classifier import MLPClassifier
from .regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
