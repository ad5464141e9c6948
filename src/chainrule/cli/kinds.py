"""How option values are read, beyond what click knows."""

from __future__ import annotations

import click


class Widths(click.ParamType[tuple[int, ...]]):
    """Widths joined by commas: 128,64; "none" for no hidden layer."""

    name = "widths"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        text = str(value).strip()
        if text.lower() in ("none", ""):
            return ()
        try:
            return tuple(int(part) for part in text.split(","))
        except ValueError:
            self.fail(
                f"{text!r} cannot be read; give whole numbers joined by commas such as 128,64, or none", param, ctx
            )


class Separator(click.ParamType[str]):
    """One character; `tab` and `\\t` for the tab that a shell is awkward about."""

    name = "separator"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return "\t" if str(value) in ("tab", "\\t") else str(value)
