#!/usr/bin/env python3
"""bench/plots.py ratios|scaling

Draws a plot of docs/performance.md as SVG, for scripts/bench --write:
  ratios   from its table: how many times as long Go takes, beside the goal
  scaling  from the lines of memberlist_scaling: how costs grow with the cluster
"""
import json
import math
import sys

from drawing import GRID, INK, SOFT, line, picture, rect, text

REACHED, MISSED, FREE = '#047857', '#b45309', '#94a3b8'


def rows_of(table):
    """(name, ratio, goal or None) of each row that has a ratio."""
    for row in table:
        cells = [cell.strip() for cell in row.split('|')[1:-1]]
        try:
            name, ratio = cells[0].strip('`'), float(cells[5])
        except (IndexError, ValueError):
            continue
        goal = float(cells[6]) if cells[6].isdigit() else None
        yield name, ratio, goal


def ratios(table):
    rows = list(rows_of(table))
    left, right, top, step = 230, 700, 56, 24
    low = min([0.5, *(ratio for _, ratio, _ in rows)])
    high = max([100, *(ratio for _, ratio, _ in rows)])

    def at(value):
        return left + (right - left) * math.log(value / low) / math.log(high / low)

    bottom = top + step * len(rows)
    parts = [text(left, 22, 'How many times as long the Go library takes', size=15, fill=INK),
             text(left, 40, 'green: the goal (the mark) is reached; amber: not yet; grey: no goal of this kind')]
    for tick in (0.5, 1, 2, 5, 10, 20, 50, 100, 200):
        if low <= tick <= high:
            parts.append(line(at(tick), top, at(tick), bottom, SOFT if tick == 1 else GRID))
            parts.append(text(at(tick), bottom + 18, f'{tick:g}', 'middle'))
    for number, (name, ratio, goal) in enumerate(rows):
        y = top + step * number + 4
        colour = FREE if goal is None else REACHED if ratio >= goal else MISSED
        start, end = sorted((at(1), at(ratio)))
        parts.append(text(left - 8, y + 13, name, 'end', fill=INK))
        parts.append(rect(start, y, max(end - start, 1), step - 8, colour))
        if goal is not None:
            parts.append(line(at(goal), y - 3, at(goal), y + step - 5, INK, 2.5))
        parts.append(text(right + 12, y + 13, f'{ratio:.3g}' + (f' of {goal:g}' if goal else '')))
    described = '; '.join(f'{name} {ratio:.3g}' + (f' (goal {goal:g})' if goal else '')
                          for name, ratio, goal in rows)
    return picture(800, bottom + 32, 'Ratio to the Go library, and the goals', described, parts)


def amount(value, units):
    for factor, unit in units:
        if value >= factor:
            return f'{value / factor:.3g} {unit}'
    return f'{value:.3g} {units[-1][1]}'


TIME = ((1e9, 's'), (1e6, 'ms'), (1e3, 'us'), (1, 'ns'))
SIZE = ((1e6, 'MB'), (1e3, 'kB'), (1, 'bytes'))
PANELS = (('period_ns', 'a probe period', TIME), ('join_ns', 'a join, at the new member', TIME),
          ('push_pull_ns', 'a push/pull with nothing new, answering', TIME),
          ('bytes_per_member', 'memory, each known member', SIZE))


def panel(x, y, points, title, units):
    """A curve of (members, value), both logarithmic."""
    width, height = 300, 170
    members = [math.log10(at) for at, _ in points]
    lowest = math.floor(math.log10(min(value for _, value in points)))
    highest = max(lowest + 1, math.ceil(math.log10(max(value for _, value in points))))

    def place(at, value):
        return (x + width * (math.log10(at) - members[0]) / (members[-1] - members[0]),
                y + height * (highest - math.log10(value)) / (highest - lowest))

    parts = [text(x, y - 12, title, size=15, fill=INK)]
    for power in range(lowest, highest + 1):
        level = place(points[0][0], 10 ** power)[1]
        parts.append(line(x, level, x + width, level))
        parts.append(text(x - 6, level + 4, amount(10 ** power, units), 'end', 12))
    for power in range(math.ceil(members[0]), math.floor(members[-1]) + 1):
        across = place(10 ** power, points[0][1])[0]
        parts.append(line(across, y, across, y + height))
        parts.append(text(across, y + height + 17, f'{10 ** power:,}', 'middle', 12))
    path = ' '.join('{:.1f},{:.1f}'.format(*place(*point)) for point in points)
    parts.append(f'<polyline points="{path}" fill="none" stroke="{REACHED}" stroke-width="2"/>')
    for point in points:
        parts.append('<circle cx="{:.1f}" cy="{:.1f}" r="3" fill="{}"/>'.format(*place(*point), REACHED))
    last_x, last_y = place(*points[-1])
    parts.append(text(last_x - 4, last_y - 8, amount(points[-1][1], units), 'end', 12, REACHED))
    return parts


def scaling(lines):
    measured = [json.loads(row) for row in lines if row.strip()]
    parts, described = [], []
    for number, (field, title, units) in enumerate(PANELS):
        points = [(row['members'], row[field]) for row in measured]
        parts += panel(90 + 400 * (number % 2), 50 + 260 * (number // 2), points, title, units)
        described.append(f'{title}: {amount(points[0][1], units)} with {points[0][0]:,} members, '
                         f'{amount(points[-1][1], units)} with {points[-1][0]:,}')
    return picture(820, 530, 'Costs of one engine by the number of members', '; '.join(described), parts)


DRAWINGS = {'ratios': ratios, 'scaling': scaling}

if len(sys.argv) != 2 or sys.argv[1] not in DRAWINGS:
    sys.exit(__doc__)
print(DRAWINGS[sys.argv[1]](sys.stdin))
