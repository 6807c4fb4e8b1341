"""Curves as SVG, for report.py."""
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from drawing import GRID, INK, SOFT, line, picture, text  # noqa: E402

# They can be told apart by those who do not see all colours, too (Okabe and Ito).
COLOURS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000')
LEFT, RIGHT, TOP, HEIGHT = 70, 740, 96, 280


class Axis:
    """From values to places. A logarithmic one has its ticks at powers of ten."""

    def __init__(self, values, start, end, logarithmic=False, most=None):
        self.start, self.end, self.logarithmic = start, end, logarithmic
        high = most if most is not None else max(values) or 1
        if logarithmic:
            self.low = 10 ** math.floor(math.log10(min(value for value in values if value > 0)))
            self.high = 10 ** math.ceil(math.log10(high) - 1e-9)
            power, self.ticks = self.low, []
            while power <= self.high * 1.0001:
                self.ticks.append(power)
                power *= 10
        else:
            rough = high / 6
            power = 10 ** math.floor(math.log10(rough))
            step = next(factor * power for factor in (1, 2, 5, 10) if rough <= factor * power * 1.000001)
            self.low, self.high = 0, high if most is not None else step * math.ceil(high / step - 1e-9)
            self.ticks = [step * i for i in range(int(self.high / step + 1e-9) + 1)]

    def place(self, value):
        if self.logarithmic:
            value = max(value, self.low)
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * min(max(share, 0), 1)


def curves(title, subtitle, x_label, y_label, series, **options):
    """`series`: (label, points, style); the style is `line`, `dashed` or `points`. Those with the same
    label but for a part after a bar have the same colour."""
    xs = [x for _, points, _ in series for x, _ in points]
    ys = [y for _, points, _ in series for _, y in points]
    bottom = TOP + HEIGHT
    across = Axis(xs, LEFT, RIGHT, options.get('x_log', False), options.get('x_most'))
    up = Axis(ys, bottom, TOP, options.get('y_log', False), options.get('y_most'))
    parts = [text(LEFT, 24, title, size=15, fill=INK), text(LEFT, 44, subtitle)]
    for tick in up.ticks:
        parts.append(line(LEFT, up.place(tick), RIGHT, up.place(tick)))
        parts.append(text(LEFT - 8, up.place(tick) + 4, f'{tick:,g}', 'end', 12))
    for tick in across.ticks:
        parts.append(line(across.place(tick), bottom, across.place(tick), bottom + 5, SOFT))
        parts.append(text(across.place(tick), bottom + 19, f'{tick:,g}', 'middle', 12))
    parts.append(text((LEFT + RIGHT) / 2, bottom + 40, x_label, 'middle'))
    parts.append(text(0, 0, y_label, 'middle',
                      more=f' transform="translate(16 {TOP + HEIGHT / 2}) rotate(-90)"'))
    at = LEFT
    for number, (label, points, style) in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        dash = ' stroke-dasharray="6 4"' if style == 'dashed' else ''
        if style != 'points':
            path = ' '.join(f'{across.place(x):.1f},{up.place(y):.1f}' for x, y in points)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        if style == 'points' or len(points) < 12:
            for x, y in points:
                parts.append(f'<circle cx="{across.place(x):.1f}" cy="{up.place(y):.1f}" r="3" '
                             f'fill="{colour}"/>')
        parts.append(f'<line x1="{at}" y1="{TOP - 24}" x2="{at + 22}" y2="{TOP - 24}" '
                     f'stroke="{colour}" stroke-width="3"{dash}/>')
        parts.append(text(at + 27, TOP - 20, label, size=12))
        at += 27 + 6.4 * len(label) + 16
    return picture(760, bottom + 56, title, subtitle, parts)
