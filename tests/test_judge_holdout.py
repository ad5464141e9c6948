"""The first sixth of the documents whose expected verdicts were decided without it: notes, notebooks, code, letters."""

from __future__ import annotations

from marked import DOCUMENTS, Marked, unmarked


def test_the_documents_are_many_and_of_all_kinds() -> None:
    marks = [m for p in DOCUMENTS for line in unmarked(p.read_text("utf-8"))[1].values() for m in line]
    kinds = [m.removeprefix("open ").split(":")[0] for m in marks]
    assert kinds.count("right") >= 790
    assert kinds.count("wrong") >= 740
    assert kinds.count("right if") >= 55


class TestFirstShare(Marked):
    share = 0
