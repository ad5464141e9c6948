"""The end of a training, or of an evaluation, as tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import show
from ..errors import ConfigurationError, counted
from ..evaluate import overfitting
from ..files import RunFolder
from ..show import class_table, confusion_table, curves_text
from ..show.painter import Drawing, Painter
from ..tabular import TableResult
from ..tabular.shown import ShownRun
from .output import Output

_NAMES = {"r2": "R²", "rmse": "RMSE", "mae": "mean absolute error", "f1_macro": "F1 (macro mean)"}


_PARTS = ("train", "validation", "test")
_MEASURES = (
    "samples",
    "accuracy",
    "error_rate",
    "recall_macro",
    "precision_macro",
    "f1_macro",
    "log_loss",
    "r2",
    "rmse",
)


def _in_order(measures: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Parts and measures as they were at the end of the training; a file of JSON has them sorted by name."""
    return {
        part: dict(sorted(measures[part].items(), key=lambda item: (*(item[0] != name for name in _MEASURES), item[0])))
        for part in _PARTS
        if part in measures
    }


def parts_table(measures: Mapping[str, Mapping[str, float]]) -> Any:
    """One row per measure, one column per part."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, pad_edge=False)
    table.add_column("measure")
    for part in measures:
        table.add_column(part, justify="right")
    for name in dict.fromkeys(n for m in measures.values() for n in m):
        cells = [m.get(name) for m in measures.values()]
        shown = _NAMES.get(name) or name.replace("_macro", " (macro mean)").replace("_", " ")
        table.add_row(shown, *(_number(cell) for cell in cells))
    return table


def report(result: TableResult, output: Output) -> None:
    """Measures of all parts, the confusion matrix, how training ended, and the reading of its curves."""
    history = result.history
    output.say()
    if result.stopped:
        output.say(f"stopped after epoch {len(history.rows)}: {result.stopped}")
    elif history.best_epoch:
        output.say(
            f"trained {counted(len(history.rows), 'epoch')}; the parameters after epoch {history.best_epoch} are kept"
        )
    output.show(parts_table(result.measures))
    judged = result.judged[result.shown]
    if judged.confusion is not None:
        _show(confusion_table(judged.confusion, f"Confusion matrix ({result.shown})", _width(output)), output)
    output.say(f"learning curves: {result.reading}")


def show_run(found: ShownRun, output: Output) -> None:
    """A finished or unfinished run from its folder: what it is, its measures, its curves in signs."""
    facts = found.facts
    if facts:
        output.say(f"data: {facts['data']['name']}, target {facts['target']!r} ({facts['task']})")
        output.say(f"network: {facts['network']}, {facts['parameters']:,} parameters")
        best = f"; the parameters after epoch {facts['best_epoch']} are kept" if facts["best_epoch"] else ""
        output.say(f"trained {counted(facts['epochs'], 'epoch')}{best}")
        output.show(parts_table(_in_order(facts["measures"])))
    if found.confusion is not None:
        _show(confusion_table(found.confusion, f"Confusion matrix ({found.part})", _width(output)), output)
        _show(class_table(found.confusion), output)
    if found.curves:
        output.say(curves_text(found.curves, _width(output)))
        output.say(f"learning curves: {overfitting(found.curves)}")


def evaluation(judged: Any, output: Output) -> None:
    """Measures, confusion matrix and measures per class of labeled data."""
    output.show(parts_table({"value": judged.measures}))
    if judged.confusion is not None:
        _show(confusion_table(judged.confusion, width=_width(output)), output)
        _show(class_table(judged.confusion), output)


def drawings(result: TableResult, run: RunFolder) -> list[Drawing]:
    """What is to be drawn: the learning curves, and confusion matrix or residuals."""
    judged = result.judged[result.shown]
    wanted: list[Drawing] = [("curves_figure", (result.curves, run.curves))]
    if judged.confusion is not None:
        wanted.append(("confusion_figure", (judged.confusion, run.confusion)))
    if judged.residuals is not None:
        file = run.path / "residuals.png"
        wanted.append(("residuals_figure", (*judged.residuals, file, result.preprocessor.target_name)))
    return wanted


def pictures(wanted: Sequence[Drawing], painter: Painter) -> list[str]:
    """Wait for the pictures that a painter has begun, or draw them here; a note where matplotlib is not installed."""
    if painter.done():
        return []
    try:
        for name, arguments in wanted:
            getattr(show, name)(*arguments)
    except ConfigurationError as error:
        if not isinstance(error.__cause__, ImportError):
            raise
        return [f"no pictures were drawn: {error}"]
    return []


def _show(table: Any, output: Output) -> None:
    """A table with its caption below as plain lines, which rich would break to the width of a narrow table."""
    caption, table.caption = table.caption, None
    output.show(table)
    if caption is not None:
        output.say(f"{caption}\n")


def _width(output: Output) -> int:
    return 80 if output.quiet else output.console.width


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e3 else f"{value:.6g}"
