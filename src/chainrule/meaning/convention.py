"""Which of several honest conventions a text keeps: what a letter means before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..notation.formula import Formula, Symbol


@dataclass(frozen=True)
class Convention:
    """How quantities are laid out and signs are read.

    place               where 1/m stands: "parameters" (dZ, dA of the loss per sample) or "dZ" (dZ, dA of the cost)
    samples             "batch", or "one": a single training example, J = L; every sample is then tried as that example
    rows                samples are rows, Z = A W + b: every matrix is the transpose of the column one
    transposed_weights  W is stored n_{l-1} × n_l while samples stay columns, z = Wᵀ x + b
    weights_by_unit     W has a row for each unit though samples are rows, Z = A Wᵀ + b
    layout              ∂ number/∂ vector is a row ("numerator"), a column ("denominator"), or of the vector's own shape
    transposed_gradients  the derivative of a number by a matrix, dW, dZ and dA too, has the shape of its transpose
    minus_dropped       L, J and C mean the cost without its leading minus
    zero_bias           the biases are zero
    normalized_targets  columns of class targets sum to one
    one_hot_targets     one entry of each column of class targets is 1, the others are 0
    signed_targets      y is -1 or 1: 2 t - 1, where the loss asks for targets t of 0 and 1
    first_index         1 or 0, the index of the first entry; None: 0 if an index 0 occurs, else 1
    dot, beside         what `·` and juxtaposition of two matrices mean: the product of matrices, or entry by entry
    bare_sum            what a Σ without bounds runs over; None: the samples if its body is per sample, else all
                        entries; or all entries of each sample if only that makes an equation true
    differentials       `dx` is a small change of x along one direction of the leaves, not a derivative of the cost
    common_range        an index that stands for entries of two lengths, as in W_kk, runs as far as both
    signs               of letters that nobody defines: all "positive", all "negative", or "mixed"
    symmetric           square matrices that nobody defined are symmetric
    penalty             what multiplies W in the derivative of a penalty on the weights, a part of the cost; None: none
    repeated            a column times a row entry by entry is every product of their entries, as in NumPy
    varying             the letters that a differential changes, "W" or "W[1]", or quantities of which all leaves
                        change, Z[l] as a letter of a formula; empty: all leaves
    written             a layer has no more units than the formula writes one by one, `w_j1 a_1 + w_j2 a_2`
    summed              the cost J is the sum of the losses of the samples, not their mean: there is no 1/m at all
    """

    place: Literal["parameters", "dZ"] = "parameters"
    samples: Literal["batch", "one"] = "batch"
    rows: bool = False
    transposed_weights: bool = False
    weights_by_unit: bool = False
    layout: Literal["free", "numerator", "denominator"] = "free"
    transposed_gradients: bool = False
    minus_dropped: bool = False
    zero_bias: bool = False
    normalized_targets: bool = True
    one_hot_targets: bool = False
    signed_targets: bool = False
    first_index: Literal[0, 1] | None = None
    dot: Literal["product", "entrywise"] = "product"
    beside: Literal["product", "entrywise"] = "product"
    bare_sum: Literal["samples", "entries"] | None = None
    differentials: bool = False
    common_range: bool = False
    signs: Literal["positive", "negative", "mixed"] = "positive"
    symmetric: bool = False
    penalty: Formula | None = None
    repeated: bool = False
    varying: tuple[str | Symbol, ...] = ()
    written: bool = False
    summed: bool = False
