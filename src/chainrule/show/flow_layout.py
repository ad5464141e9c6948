"""Where the boxes of a `Flow` stand: computed quantities from left to right, what is given above its first use."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.show.flow import Box, Flow
from chainrule.show.picture import BLUE, GRAY, INK, ORANGE

SIZE = 12.0  # of the letters, in pixels
LINE, SIGN = 1.35 * SIZE, 0.602 * SIZE  # height of a line, width of a sign of a monospaced font
_PAD, _GAP, _EDGE = 8.0, 42.0, 24.0
_TITLE = 2.6 * LINE
PAPER, GIVEN = "#FFFFFF", "#F3F6F9"

Point = tuple[float, float]


@dataclass(frozen=True)
class Words:
    x: float
    y: float  # of the base line
    text: str
    color: str = INK
    bold: bool = False


@dataclass(frozen=True)
class Frame:
    x: float
    y: float
    width: float
    height: float
    fill: str
    words: tuple[Words, ...] = ()


@dataclass(frozen=True)
class Arrow:
    points: tuple[Point, ...]
    color: str
    dashed: bool


@dataclass(frozen=True)
class Layout:
    width: float
    height: float
    frames: list[Frame]
    arrows: list[Arrow]
    words: list[Words]


def lay_out(flow: Flow) -> Layout:
    """Place everything; forward arrows are blue, those of the gradients orange and dashed."""
    main = [name for name, box in flow.boxes.items() if not box.given]
    users: dict[str, list[str]] = {}
    for source, user in flow.arrows:
        users.setdefault(source, []).append(user)
    first = next((n for n in flow.boxes if n not in main and n.startswith("A[")), None)
    columns: list[tuple[str, list[str]]] = [] if first is None else [(first, [])]
    columns += [
        (name, [g for g, box in flow.boxes.items() if box.given and g != first and _home(users, g, main) == name])
        for name in main
    ]
    sizes = {name: _size(box) for name, box in flow.boxes.items()}
    above = max((sum(sizes[g][1] + _GAP for g in given) for _, given in columns), default=0.0)
    row = _EDGE + _TITLE + above
    middle = row + max(sizes[name][1] for name, _ in columns) / 2
    places: dict[str, Frame] = {}
    x = _EDGE
    for name, given in columns:
        wide = max(sizes[n][0] for n in (name, *given))
        y = middle - sizes[name][1] / 2
        places[name] = _frame(flow.boxes[name], x + (wide - sizes[name][0]) / 2, y, sizes[name])
        for g in reversed(given):
            y -= sizes[g][1] + _GAP
            places[g] = _frame(flow.boxes[g], x + (wide - sizes[g][0]) / 2, y, sizes[g])
        x += wide + _GAP
    order = [name for name, _ in columns]
    arrows: list[Arrow] = []
    below = max(places[n].y + places[n].height for n in order)
    lane = below
    for source, user in flow.arrows:
        back = bool(flow.boxes[source].gradient) and (user == main[-1] or bool(flow.boxes[user].gradient))
        if source in order and order.index(user) - order.index(source) > 1:
            lane += 1.4 * LINE  # around what stands between
            arrows += _around(places[source], places[user], lane, back)
        elif source in order:
            arrows += _straight(places[source], places[user], back)
        elif _home(users, source, main) == user:  # what else uses it, such as a penalty, says so in its formula
            stack = next(given for name, given in columns if source in given)
            left = min(places[name].x for name in (user, *stack))
            arrows += _down(places[source], places[user], back, len(stack) - 1 - stack.index(source), left)
    top = min(f.y for f in places.values())
    lift = top - _EDGE - _TITLE  # columns of different height leave room above
    frames = list(places.values())
    words = [
        Words(_EDGE, top - _TITLE + LINE, flow.title, INK, True),
        Words(_EDGE, top - _TITLE + 2 * LINE, "→ values", BLUE),
        Words(_EDGE + 11 * SIGN, top - _TITLE + 2 * LINE, "⇠ gradients of J", ORANGE),
    ]
    shifted = Layout(x - _GAP + _EDGE, lane + _EDGE - lift, frames, arrows, words)
    return shifted if abs(lift) < 1 else _moved(shifted, -lift)


def _home(users: dict[str, list[str]], given: str, main: list[str]) -> str:
    return min((u for u in users.get(given, main[-1:]) if u in main), key=main.index, default=main[-1])


def _texts(box: Box) -> list[tuple[str, str]]:
    found = [(line, INK) for line in box.formula]
    found += [(line, BLUE) for line in box.value]
    found += [(line, ORANGE) for line in (*box.gradient, *box.slope)]
    return found


def _size(box: Box) -> tuple[float, float]:
    lines = [f"{box.name}  {box.shape}", *(line for line, _ in _texts(box))]
    return max(map(len, lines)) * SIGN + 2 * _PAD, len(lines) * LINE + 2 * _PAD - 0.2 * LINE


def _frame(box: Box, x: float, y: float, size: tuple[float, float]) -> Frame:
    base = y + _PAD + 0.75 * LINE
    words = [
        Words(x + _PAD, base, box.name, INK, True),
        Words(x + _PAD + (len(box.name) + 2) * SIGN, base, box.shape, GRAY),
    ]
    words += [Words(x + _PAD, base + k * LINE, line, color) for k, (line, color) in enumerate(_texts(box), start=1)]
    return Frame(x, y, *size, GIVEN if box.given else PAPER, tuple(words))


def _straight(a: Frame, b: Frame, back: bool) -> list[Arrow]:
    y = max(a.y, b.y) + min(a.height, b.height) / 2
    start, end = (a.x + a.width, y - 5), (b.x, y - 5)
    arrows = [Arrow((start, end), BLUE, False)]
    return arrows + ([Arrow(((b.x, y + 5), (a.x + a.width, y + 5)), ORANGE, True)] if back else [])


def _down(a: Frame, b: Frame, back: bool, over: int, left: float) -> list[Arrow]:
    """From a box to the one below it, past the `over` boxes that stand between, whose left end is `left`."""
    if over:
        side = left - 2 - 12 * over
        y, into = a.y + a.height / 2, b.y + 8 + 12 * (over - 1)
        arrows = [Arrow(((a.x, y), (side, y), (side, into), (b.x, into)), BLUE, False)]
        if back:
            out = ((b.x, into + 6), (side + 5, into + 6), (side + 5, y + 6), (a.x, y + 6))
            arrows.append(Arrow(out, ORANGE, True))
        return arrows
    x = max(a.x, b.x) + min(a.width, b.width) / 2
    arrows = [Arrow(((x - 5, a.y + a.height), (x - 5, b.y)), BLUE, False)]
    return arrows + ([Arrow(((x + 5, b.y), (x + 5, a.y + a.height)), ORANGE, True)] if back else [])


def _around(a: Frame, b: Frame, lane: float, back: bool) -> list[Arrow]:
    """From a box to one further right, below all that stands between."""
    left, right = a.x + a.width / 2, b.x + b.width / 2
    down, up = a.y + a.height, b.y + b.height
    arrows = [Arrow(((left - 5, down), (left - 5, lane), (right + 5, lane), (right + 5, up)), BLUE, False)]
    if back:
        out = ((right - 5, up), (right - 5, lane - 8), (left + 5, lane - 8), (left + 5, down))
        arrows.append(Arrow(out, ORANGE, True))
    return arrows


def _moved(layout: Layout, dy: float) -> Layout:
    def word(w: Words) -> Words:
        return Words(w.x, w.y + dy, w.text, w.color, w.bold)

    return Layout(
        layout.width,
        layout.height,
        [Frame(f.x, f.y + dy, f.width, f.height, f.fill, tuple(map(word, f.words))) for f in layout.frames],
        [Arrow(tuple((x, y + dy) for x, y in a.points), a.color, a.dashed) for a in layout.arrows],
        [word(w) for w in layout.words],
    )


__all__ = ["LINE", "SIGN", "SIZE", "Arrow", "Frame", "Layout", "Words", "lay_out"]
