"""Pictures and terminal tables: learning curves, confusion matrix, residuals, measures.

matplotlib and rich are imported when something is drawn, not here.
"""

from chainrule.show.confusion import confusion_figure
from chainrule.show.console import class_table, confusion_table, cross_validation_table, measures_table
from chainrule.show.curves import curves_figure
from chainrule.show.curves_text import curves_text
from chainrule.show.residuals import residuals_figure

__all__ = [
    "class_table",
    "confusion_figure",
    "confusion_table",
    "cross_validation_table",
    "curves_figure",
    "curves_text",
    "measures_table",
    "residuals_figure",
]
