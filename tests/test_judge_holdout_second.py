"""The second share of the marked documents."""

from __future__ import annotations

from marked import Marked


class TestSecondShare(Marked):
    share = 1
