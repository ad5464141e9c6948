"""The fifth share of the marked documents."""

from __future__ import annotations

from marked import Marked


class TestFifthShare(Marked):
    share = 4
