"""What is true of a trained model and easily overlooked: one sentence each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..evaluate import Confusion
from ..train.samples import Array
from .measures import Judged
from .options import Options

_ENOUGH = 20  # samples from which an accuracy is compared with that of the most frequent class
_WORTH = 3  # samples of a class from which it is worth a word that it is not predicted
_SHOWN = 3


def overlooked(judged: Mapping[str, Judged], options: Options) -> list[str]:
    """Classes that are never predicted, and an accuracy that the most frequent class alone has too."""
    name = next(n for n in ("test", "validation", "train") if n in judged)
    found = judged[name].confusion
    if found is None:
        return []
    # What a network learned by heart is no prediction, so training rows count only where there are no others.
    parts = [c for n, j in judged.items() if (n != "train" or name == "train") and (c := j.confusion) is not None]
    predicted, support = (np.sum([getattr(c, what) for c in parts], axis=0) for what in ("predicted", "support"))
    never = np.flatnonzero((predicted == 0) & (support >= _WORTH) & (found.support > 0))
    # Balanced weights give accuracy away on purpose, for the sake of the rare classes.
    weighted = options.class_weight is not None
    mend = "train longer, or use more units" if weighted else "try class_weight='balanced'"
    return about_classes(found, name, never=never, mend=mend, compare=not weighted)


def about_classes(found: Confusion, where: str, *, never: Array, mend: str, compare: bool = True) -> list[str]:
    """One warning of a confusion matrix.

    never    numbers of the classes that are not predicted
    compare  whether the accuracy is to be above that of always naming the most frequent class, max_k n_k / N
    """
    most = int(np.argmax(found.support))
    share = float(found.support[most]) / found.samples
    words = []
    if len(never):
        listed = ", ".join(repr(str(found.labels[k])) for k in never[:_SHOWN]) + (", …" if len(never) > _SHOWN else "")
        samples = int(found.support[never].sum())
        many = len(never) > 1
        words.append(
            f"class{'es' if many else ''} {listed} ({samples:,} of {found.samples:,} {where} rows) "
            f"{'are' if many else 'is'} never predicted"
        )
    if compare and found.samples >= _ENOUGH and found.accuracy <= share:
        than = "only that" if found.accuracy == share else f"not above the {share:.4f}"
        words.append(f"the accuracy {found.accuracy:.4f} is {than} of always predicting {str(found.labels[most])!r}")
    elif words:
        words.append(f"always predicting {str(found.labels[most])!r} would have accuracy {share:.4f}")
    return [f"{', and '.join(words)}: {mend}"] if words else []


__all__ = ["about_classes", "overlooked"]
