"""Training, validation and test sets, and k folds, as arrays of sample indices.

The training set tunes parameters, the validation set hyper-parameters, the test set measures performance
(TSM_DeepLearn, Back-Propagation, "Model Selection"). `split` needs NumPy only, because training starts with it;
the folds are scikit-learn's.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import ConfigurationError, DataError
from chainrule.evaluate.labels import label_vector

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Split:
    """Sorted sample indices of three disjoint sets that together are 0..n−1, and notes on how they were drawn."""

    train: Indices
    validation: Indices
    test: Indices
    notes: tuple[str, ...] = ()


class Fold(NamedTuple):
    """Sorted sample indices of one of k folds: `validation` is the fold, `train` all other samples."""

    train: Indices
    validation: Indices


@dataclass(frozen=True, eq=False)
class Folds:
    """k folds to loop over; every sample is in the validation set of exactly one."""

    folds: tuple[Fold, ...]
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Fold]:
        return iter(self.folds)

    def __len__(self) -> int:
        return len(self.folds)

    def __getitem__(self, place: int) -> Fold:
        return self.folds[place]


def split(
    n_or_y: int | ArrayLike,
    *,
    validation: float = 0.0,
    test: float = 0.0,
    stratify: bool | ArrayLike | None = None,
    seed: int = 0,
) -> Split:
    """Draw disjoint training, validation and test sets at random.

    n_or_y: the number of samples n, or their targets, shape (n,) or (n, outputs).
    validation, test: a share in [0, 1) as a float (of n, rounded, at least one sample unless 0) or a number of samples
        as an int. What remains trains; at least one sample must.
    stratify: True keeps the shares of the labels `n_or_y` in all sets, a label vector of shape (n,) those labels'.
        Each set's size is exact and each class is within one sample of its share. Classes with fewer samples than there
        are sets are pooled and drawn together, which a note says.
    seed: the same seed gives the same sets. The test set does not depend on `validation`.

    Raises ConfigurationError for impossible sizes, DataError for labels that do not fit.
    """
    n = _count(n_or_y)
    sizes = {"test": _size(test, n, "test"), "validation": _size(validation, n, "validation")}
    if sum(sizes.values()) >= n:
        raise ConfigurationError(
            f"validation ({sizes['validation']}) and test ({sizes['test']}) take all of the {n} samples: "
            "leave at least one to train on."
        )
    rng = np.random.default_rng(_seed(seed))
    groups, notes = _groups(n_or_y, stratify, n, parts=1 + sum(size > 0 for size in sizes.values()))
    remaining = [rng.permutation(group) for group in groups]
    drawn: dict[str, Indices] = {}
    for name, size in sizes.items():
        takes = _apportion(size, np.array([len(group) for group in remaining]))
        drawn[name] = np.sort(np.concatenate([g[:take] for g, take in zip(remaining, takes, strict=True)]))
        remaining = [group[take:] for group, take in zip(remaining, takes, strict=True)]
    return Split(np.sort(np.concatenate(remaining)), drawn["validation"], drawn["test"], notes)


def k_folds(
    n_or_y: int | ArrayLike, k: int, stratified: bool | ArrayLike = False, shuffle: bool = True, seed: int = 0
) -> Folds:
    """Divide the samples into k folds for cross validation, with scikit-learn's KFold or StratifiedKFold.

    n_or_y: the number of samples n, or their targets. k: 2 ≤ k ≤ n (k = n leaves one out). stratified: True keeps the
    shares of the labels `n_or_y` in every fold, a label vector of shape (n,) those labels'; where every class has fewer
    than k samples the folds are plain, which a note says. shuffle: draw at random with `seed`; False keeps the order.

    Raises ConfigurationError for k outside its range or where scikit-learn is not installed.
    """
    n = _count(n_or_y)
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 2 <= k <= n:
        raise ConfigurationError(f"k is {k!r}, but {n} samples allow a whole number of folds from 2 to {n}.")
    try:
        from sklearn.model_selection import KFold, StratifiedKFold
    except ImportError as error:
        raise ConfigurationError(
            "k-fold cross validation needs scikit-learn, which is not installed: pip install 'chainrule[estimators]'."
        ) from error
    state = _seed(seed) if shuffle else None
    labels = _labels(n_or_y, stratified, n)
    notes: tuple[str, ...] = ()
    if labels is not None:
        codes = np.unique(labels, return_inverse=True)[1]
        counts = np.bincount(codes)
        if counts.max() < k:
            notes = (f"every class has fewer than {k} samples, so the folds are drawn without stratification.",)
            labels = None
        elif counts.min() < k:
            notes = (f"the rarest class has {counts.min()} samples, so it is missing in some of the {k} folds.",)
    if labels is None:
        folds = list(KFold(k, shuffle=shuffle, random_state=state).split(np.zeros(n)))
    else:
        with warnings.catch_warnings():
            # Said in `notes` instead.
            warnings.filterwarnings("ignore", "The least populated class", UserWarning)
            folds = list(StratifiedKFold(k, shuffle=shuffle, random_state=state).split(np.zeros(n), codes))
    return Folds(tuple(Fold(np.asarray(train), np.asarray(held)) for train, held in folds), notes)


def _count(n_or_y: int | ArrayLike) -> int:
    if isinstance(n_or_y, int | np.integer) and not isinstance(n_or_y, bool):
        n = int(n_or_y)
    else:
        shape = np.shape(n_or_y)
        if not shape:
            raise DataError(f"samples were given as {n_or_y!r}, but their number or their targets are needed.")
        n = shape[0]
    if n < 1:
        raise DataError(f"{n} samples cannot be split: at least one is needed.")
    return n


def _size(share: float, n: int, name: str) -> int:
    """Number of samples of a set given as share or as number."""
    if isinstance(share, int | np.integer) and not isinstance(share, bool) and share >= 0:
        return int(share)
    if isinstance(share, float | np.floating) and 0 <= share < 1:
        return max(1, round(n * float(share))) if share > 0 else 0
    raise ConfigurationError(
        f"{name} is {share!r}, but a share from 0 to below 1 or a whole number of samples is needed."
    )


def _seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise ConfigurationError(f"seed is {seed!r}, but a whole number from 0 to {2**32 - 1} is needed.")
    return int(seed)


def _labels(n_or_y: int | ArrayLike, stratify: bool | ArrayLike | None, n: int) -> NDArray[Any] | None:
    """The labels to stratify by, or None."""
    if stratify is None or stratify is False:
        return None
    if stratify is True:
        if isinstance(n_or_y, int | np.integer):
            raise ConfigurationError("only the number of samples was given: give the labels to stratify by them.")
        stratify = n_or_y
    labels = label_vector(stratify, "stratify")
    if labels.size != n:
        raise DataError(f"{labels.size} labels were given to stratify {n} samples: one label per sample is needed.")
    return labels


def _groups(
    n_or_y: int | ArrayLike, stratify: bool | ArrayLike | None, n: int, parts: int
) -> tuple[list[Indices], tuple[str, ...]]:
    """Indices per stratum; classes with fewer than `parts` samples share one stratum."""
    labels = _labels(n_or_y, stratify, n)
    if labels is None:
        return [np.arange(n)], ()
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    ordered = np.argsort(codes, kind="stable")
    groups = np.split(ordered, np.cumsum(counts)[:-1])
    rare = [group for group in groups if len(group) < parts]
    if not rare:
        return groups, ()
    common = [group for group in groups if len(group) >= parts]
    one = len(rare) == 1
    note = (
        f"{len(rare)} of {len(groups)} classes {'has' if one else 'have'} fewer samples than the {parts} sets and "
        f"{'is' if one else 'are'} not stratified."
    )
    return [*common, np.concatenate(rare)], (note,)


def _apportion(size: int, counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Share `size` among strata in proportion to `counts`, by largest remainder; the sum is exactly `size`."""
    quota, remainder = np.divmod(size * counts, counts.sum())
    missing = size - quota.sum()
    quota[np.argsort(-remainder, kind="stable")[:missing]] += 1
    return quota
