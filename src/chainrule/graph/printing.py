"""Print expressions from the templates in the op records, as plain text or LaTeX.

One renderer serves both: a template names its operands `{0}`, `{1}` and its attributes, and the record's `binding`
says when an operand needs parentheses. Nodes that have a name print as that name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

from .node import Node
from .shape import show

Style = Literal["text", "latex"]
_NUMBERED = re.compile(r"^([A-Za-z]+)\[(.+)\]$")
_LATEX_NAME = re.compile(r"^\\?[A-Za-z]+(\{[^{}]*\})?\^\{\[[^{}]*\]\}$")
_GREEK = {"alpha", "beta", "gamma", "delta", "epsilon", "lambda", "mu", "sigma", "theta", "eta", "rho"}


def text(node: Node, names: Mapping[Node, str] | None = None, *, inside: bool = False) -> str:
    """Plain text, e.g. `tanh(W[1] @ A[0] + b[1])`.

    names   nodes that print as a name
    inside  print the node's own expression even if it has a name, as for the right side of its equation
    """
    return _render(node, "text", names or {}, inside)


def latex(node: Node, names: Mapping[Node, str] | None = None, *, inside: bool = False) -> str:
    """LaTeX, e.g. `\\tanh\\left(W^{[1]} A^{[0]} + b^{[1]}\\right)`."""
    return _render(node, "latex", names or {}, inside)


def latex_name(name: str) -> str:
    """`dW[1]` as `dW^{[1]}`; Greek words as letters; `Yhat` as a Y with a hat."""
    match = _NUMBERED.match(name)
    stem, index = match.groups() if match else (name, None)
    if stem.lower() in _GREEK:
        stem = f"\\{stem}"
    elif stem.endswith("hat"):
        stem = rf"\hat{{{stem[:-3]}}}"
    elif len(stem) > 2 or (len(stem) == 2 and not stem.startswith("d")):
        stem = rf"\mathrm{{{stem}}}"
    return stem if index is None else f"{stem}^{{[{index}]}}"


Node.__str__ = text  # type: ignore[assignment,method-assign]  # printing knows nodes, nodes do not know printing
Node._repr_latex_ = lambda node: f"$\\displaystyle {latex(node)}$"  # type: ignore[attr-defined]  # notebooks ask for it


def _render(node: Node, style: Style, names: Mapping[Node, str], inside: bool) -> str:
    done: dict[Node, tuple[str, int]] = {}
    stack = [(node, False)]
    while stack:  # an explicit stack: printed expressions may be deeper than Python's
        n, ready = stack.pop()
        if n in done:
            continue
        if n in names and not (inside and n is node):
            done[n] = (names[n] if style == "text" else latex_name(names[n]), 100)
        elif n.is_variable:
            done[n] = (n.name if style == "text" else latex_name(n.name), 100)
        elif n.is_constant:
            done[n] = _constant(n, style)
        elif ready:
            done[n] = _apply(n, style, done)
        else:
            stack.append((n, True))
            stack.extend((x, False) for x in n.inputs)
    return done[node][0]


def _apply(n: Node, style: Style, done: Mapping[Node, tuple[str, int]]) -> tuple[str, int]:
    if n.op.name == "broadcast":  # a column that is repeated prints as itself
        return done[n.inputs[0]]
    template = n.op.text if style == "text" else n.op.latex
    if style == "latex" and n.op.name == "multiply" and _is_scalar(n.inputs[0]):
        template = r"{0} \, {1}"  # a number's multiple is no product entry by entry
    attrs = {}
    for key, value in n.attrs:
        attrs[key] = show(value) if isinstance(value, str) else _number(value, style) if _is_number(value) else value
    return template.format(*_operands(n, style, template, done), **attrs), n.op.binding


def _is_scalar(x: Node) -> bool:
    """Whether a factor is one number: a constant, or a 1 × 1 that is repeated."""
    return x.is_constant or (x.op.name == "broadcast" and x.inputs[0].shape == (1, 1))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Fraction)


def _operands(n: Node, style: Style, template: str, done: Mapping[Node, tuple[str, int]]) -> list[str]:
    """Put parentheses where the operand binds weaker than its place demands.

    Inside brackets of the template nothing is needed. Otherwise the left operand may bind as strongly as the op, the
    right one must bind stronger, as for `a - (b - c)`, unless the op is associative; powers are read from the right.
    Text is what Python reads, where `*`, `/` and `@` bind alike: `a * (b @ c)`, but `2 * W @ x`.
    """
    shown = []
    for i, x in enumerate(n.inputs):
        body, binding = done[x]
        place = template.find(f"{{{i}}}")
        before, after = template[:place], template[place + 3 :]
        listed = before.endswith(", ") and not before.endswith(r"\, ")  # a comma, and no thin space
        enclosed = before.endswith(("(", "{{", "|")) or listed or after.startswith((")", ","))
        weak = binding < n.op.binding or (binding == n.op.binding and i > 0 and n.op.name not in ("add", "multiply"))
        if n.op.name == "power":
            weak |= binding == n.op.binding
        if style == "text" and x.op.name == "matmul" and binding < 100 and i > 0:
            weak |= n.op.name == "divide" or (n.op.name == "multiply" and not n.inputs[0].is_constant)
        if style == "latex" and after.startswith("^") and "^" in body and not weak:
            # TeX refuses x^a^b: a name takes invisible braces, anything else visible ones
            body, weak = (f"{{{body}}}", False) if _is_name(x, body) else (body, not body.startswith(r"\left"))
        shown.append(f"({body})" if weak and not enclosed else body)
    return shown


def _is_name(x: Node, body: str) -> bool:
    return x.is_variable or bool(_LATEX_NAME.match(body))


def _constant(n: Node, style: Style) -> tuple[str, int]:
    value, powers = n.get("value"), n.get("powers")
    raised = "{}**{}" if style == "text" else "{}^{{{}}}"
    top = [show(d) if p == 1 else raised.format(show(d), p) for d, p in powers if p > 0]
    bottom = [show(d) if p == -1 else raised.format(show(d), -p) for d, p in powers if p < 0]
    if not powers:
        return _number(value, style), 100 if _plain(value) else 30 if value < 0 else 50
    fraction = isinstance(value, Fraction)
    numerator = Fraction(value.numerator) if fraction else value
    if fraction and value.denominator != 1:
        bottom.insert(0, str(value.denominator))
    sign = "-" if numerator < 0 else ""
    if abs(numerator) != 1 or not top:
        top.insert(0, _number(abs(numerator), style))
    if style == "latex":
        up, down = r" \, ".join(top), r" \, ".join(bottom)
        return (sign + rf"\frac{{{up}}}{{{down}}}" if bottom else sign + up), 30 if sign else 60
    up = "*".join(top)
    if not bottom:
        return sign + up, 30 if sign else 50
    down = bottom[0] if len(bottom) == 1 else "(" + "*".join(bottom) + ")"
    return f"{sign}{up}/{down}", 30 if sign else 50


def _plain(value: object) -> bool:
    return isinstance(value, Fraction) and value >= 0 and (value.denominator == 1 or not _short(value))


def _short(value: Fraction) -> bool:
    return value.denominator <= 12 and value.numerator <= 999


def _number(value: object, style: Style) -> str:
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return str(value.numerator)
        if _short(abs(value)):
            sign = "-" if value < 0 else ""
            top, bottom = abs(value.numerator), value.denominator
            return f"{sign}\\frac{{{top}}}{{{bottom}}}" if style == "latex" else f"{sign}{top}/{bottom}"
        return repr(float(value))
    return str(value)
