"""The sixth share of the marked documents."""

from __future__ import annotations

from marked import Marked


class TestSixthShare(Marked):
    share = 5
