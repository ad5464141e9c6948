"""The third share of the marked documents."""

from __future__ import annotations

from marked import Marked


class TestThirdShare(Marked):
    share = 2
