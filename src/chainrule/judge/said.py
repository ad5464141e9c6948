"""What is said behind a formula of the network that it is about: `dZ[L] = A[L] - Y for softmax`."""

from __future__ import annotations

import re
from dataclasses import replace

from .verdict import NO_NETWORK, Declared
from .worlds import activations, with_output

_NAMES = {
    "softmax": "softmax",
    "soft-max": "softmax",
    "sigmoid": "sigmoid",
    "logistic": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "softplus": "softplus",
    "linear": "identity",
    "identity": "identity",
}
_BEHIND = re.compile(
    rf"\b(?:for|if\s+\\?g\s+is)\s+(?:an?\s+|the\s+)?\\?({'|'.join(_NAMES)})"
    r"(?:[-\s~]+(?:output|hidden|layer|unit|neuron|activation|function|regression|classifier)s?)*[\s{}()\]$.,;:]*$",
    re.IGNORECASE,
)


def said_activation(text: str) -> str:
    """The activation that the words behind a formula name; empty where none is named.

    >>> said_activation("dZ[L] = A[L] - Y for softmax")
    'softmax'
    """
    found = _BEHIND.search(text)
    return _NAMES[found[1].lower()] if found else ""


def as_said(text: str, declared: Declared) -> Declared:
    """The declared meaning with the output that the words behind the formula ask for."""
    said = said_activation(text)
    if not said or declared.network == NO_NETWORK:
        return declared
    if declared.network is None:
        return replace(declared, output=said)
    if said in activations(declared.network):
        return declared
    return replace(declared, network=with_output(declared.network, said), loss=None)
