"""The fourth share of the marked documents."""

from __future__ import annotations

from marked import Marked


class TestFourthShare(Marked):
    share = 3
