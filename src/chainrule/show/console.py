"""Tables for the terminal, as rich renderables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chainrule.evaluate import Confusion, CrossValidation
from chainrule.show.picture import shortened

if TYPE_CHECKING:
    from rich.table import Table


def measures_table(measures: Mapping[str, Any], title: str | None = None) -> Table:
    """Return a table of measures, one per row; `notes`, if there, stand below."""
    table = _table(title, ["measure", "value"])
    for name, value in measures.items():
        if name != "notes":
            table.add_row(_plain(name.replace("_", " ")), _plain(_number(value)))
    _add_notes(table, measures.get("notes", ()))
    return table


def confusion_table(confusion: Confusion, title: str | None = "Confusion matrix", width: int = 80) -> Table:
    """Return the confusion matrix with totals; if it is wider than `width` signs, the 20 most frequent mistakes."""
    header, *rows, totals = [[shortened(cell, 16) for cell in row] for row in confusion.table()]
    header[0] = "true"
    # Each column is padded by one sign on either side, and numbers must never be cut.
    if sum(2 + max(map(len, column)) for column in zip(header, *rows, totals, strict=True)) > width:
        return _mistakes_table(confusion)
    table = _table(title, header)
    for i, row in enumerate(rows):
        cells = [_plain(cell, "dim" if cell == "0" else "") for cell in row]
        cells[0] = _plain(row[0], "bold")
        cells[i + 1] = _plain(row[i + 1], "bold green")
        table.add_row(*cells, end_section=i == len(rows) - 1)
    table.add_row(*(_plain(cell) for cell in totals))
    share = f"accuracy {confusion.accuracy:.4f}, error rate {confusion.error_rate:.4f}"
    _add_notes(table, ["Rows: true class, columns: predicted class.", f"{share}, {confusion.samples} samples."])
    return table


def _mistakes_table(confusion: Confusion) -> Table:
    mistakes = confusion.most_confused(20)
    table = _table(f"The {len(mistakes)} most frequent mistakes", ["true class", "predicted class", "samples"])
    for true, predicted, count in mistakes:
        table.add_row(_plain(shortened(true, 30)), _plain(shortened(predicted, 30)), _plain(count))
    _add_notes(table, [f"accuracy {confusion.accuracy:.4f} of {confusion.samples} samples."])
    return table


def class_table(confusion: Confusion, title: str | None = "Measures per class") -> Table:
    """Return support, recall, precision, F1 and accuracy of each class, and the macro and weighted averages."""
    table = _table(title, ["class", "samples", "recall", "precision", "F1", "accuracy"])
    rows = confusion.class_rows()
    for i, row in enumerate(rows):
        shares = [_number(row[name]) for name in ("recall", "precision", "f_score", "accuracy")]
        cells = [shortened(row["label"], 24), row["support"], *shares]
        table.add_row(*(_plain(cell) for cell in cells), end_section=i == len(rows) - 1)
    macro, weighted = confusion.average("macro"), confusion.average("weighted")
    for name, mean in (("macro mean", macro), ("weighted mean", weighted)):
        cells = [name, confusion.samples, *map(_number, (mean.recall, mean.precision, mean.f_score)), ""]
        table.add_row(*(_plain(cell) for cell in cells))
    _add_notes(table, confusion.notes)
    return table


def cross_validation_table(result: CrossValidation, title: str | None = "Cross validation") -> Table:
    """Return mean, standard deviation (ddof = 1), least and greatest of each measure; `str(result)` has every fold."""
    table = _table(title, ["measure", "mean", "± std", "least", "greatest"])
    mean, std = result.mean, result.std
    for name in result.folds[0]:
        each = [fold[name] for fold in result.folds]
        values = (mean[name], std[name], min(each), max(each))
        table.add_row(_plain(name.replace("_", " ")), *(_plain(_number(value)) for value in values))
    _add_notes(table, [f"{len(result.folds)} folds; standard deviation over the folds, ddof = 1.", *result.notes])
    return table


def _table(title: str | None, columns: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        collapse_padding=True,
        pad_edge=False,
        title_justify="left",
        title_style="bold",
        caption_justify="left",
    )
    table.title = None if title is None else _plain(title)
    for i, name in enumerate(columns):
        table.add_column(_plain(name), justify="left" if i == 0 else "right")
    return table


def _plain(value: object, style: str = "") -> Any:
    """Text as it stands: class names such as '[bold]' are no markup."""
    from rich.text import Text

    return Text(str(value), style=style)


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e3 else f"{value:.6g}"
    return str(value)


def _add_notes(table: Table, notes: Sequence[str]) -> None:
    if notes:
        table.caption = _plain("\n".join(notes))
