"""Evaluation: measures of predictions, the confusion matrix, splits and folds, and the reading of learning curves."""

from chainrule.evaluate.confusion import Averages, Confusion
from chainrule.evaluate.cross_validation import CrossValidation, cross_validate
from chainrule.evaluate.measures import classification_measures, regression_measures
from chainrule.evaluate.overfitting import Reading, overfitting
from chainrule.evaluate.splits import Fold, Folds, Split, k_folds, split

__all__ = [
    "Averages",
    "Confusion",
    "CrossValidation",
    "Fold",
    "Folds",
    "Reading",
    "Split",
    "classification_measures",
    "cross_validate",
    "k_folds",
    "overfitting",
    "regression_measures",
    "split",
]
