"""Charts as plain geometry, drawn as SVG by the templates. Each has the table of its figures beside it: nobody needs to see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 720, 240
NARROW = 380  # a drawing that fits a phone
LEFT, RIGHT, TOP, BOTTOM = 40, 8, 10, 26
EDGE = 14
GRID_LINES = 4


@dataclass(frozen=True, slots=True)
class Box:
    """One rectangle; ``kind`` gives its colour."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    value: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A text at a place: of an axis, or a line of the grid at ``y``."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Stacked bars, with the grid behind them and the names under them."""

    boxes: tuple[Box, ...]
    names: tuple[Mark, ...]
    grid: tuple[Mark, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    floor: int = HEIGHT - BOTTOM


def nice_step(largest: float) -> int:
    """The distance of grid lines for whole numbers up to ``largest``: 1, 2 or 5 times a power of ten."""
    rough = max(1.0, largest / GRID_LINES)
    power = 10 ** (len(str(int(rough))) - 1)
    return next(int(factor * power) for factor in (1, 2, 5, 10) if factor * power >= rough)


def bars(columns: Sequence[tuple[str, Mapping[str, float]]], kinds: Sequence[str]) -> Bars:
    """One bar for each (name, kind → value), its kinds stacked in the order given; an empty name is not written."""
    largest = max((sum(values.get(kind, 0) for kind in kinds) for _, values in columns), default=0)
    step = nice_step(largest)
    top = max(step, -(-int(largest) // step) * step)
    scale = (HEIGHT - TOP - BOTTOM) / top
    slot = (WIDTH - LEFT - RIGHT) / max(1, len(columns))
    boxes, names = [], []
    for number, (name, values) in enumerate(columns):
        x, y = LEFT + number * slot + slot * 0.12, float(HEIGHT - BOTTOM)
        for kind in kinds:
            value = values.get(kind, 0)
            if value:
                y -= value * scale
                boxes.append(Box(round(x, 1), round(y, 1), round(slot * 0.76, 1), round(value * scale, 1), kind, value))
        if name:
            names.append(Mark(round(LEFT + (number + 0.5) * slot, 1), HEIGHT - 8, name))
    grid = tuple(Mark(LEFT, round(HEIGHT - BOTTOM - value * scale, 1), str(value)) for value in range(0, top + 1, step))
    return Bars(tuple(boxes), tuple(names), grid)


def every_few(days: Sequence[date], most: int = 8) -> set[date]:
    """The days that get a name under a chart: the last, and every so many before it."""
    step = max(1, -(-len(days) // most))
    return set(list(days)[::-1][::step])


@dataclass(frozen=True, slots=True)
class Interval:
    """A share with its lower bound on a scale, and the limits that it must keep. All x in the units of the drawing."""

    low: float
    point: float
    end: float
    limits: tuple[Mark, ...]
    ticks: tuple[Mark, ...]
    width: int = NARROW
    height: int = 84


def interval(lower: float, value: float, limits: Sequence[float]) -> Interval:
    """The scale begins a little below the smallest of the figures and ends at 1."""
    begin = max(0.0, int((min(lower, value, *limits) - 0.02) * 20) / 20)

    def place(share: float) -> float:
        return round(EDGE + (share - begin) / (1 - begin) * (NARROW - 2 * EDGE), 1)

    step = 0.01 if begin >= 0.9 else 0.05 if begin >= 0.6 else 0.1
    count = round((1 - begin) / step)
    ticks = tuple(Mark(place(begin + number * step), 76, f"{(begin + number * step) * 100:.0f}") for number in range(count + 1))
    return Interval(place(lower), place(value), place(1.0), tuple(Mark(place(each), 12, f"{each * 100:g}") for each in limits), ticks)


__all__ = ["Bars", "Interval", "bars", "every_few", "interval"]
