"""What the plots of the documentation are drawn with."""
from html import escape

FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
INK, SOFT, GRID = '#0f172a', '#475569', '#e2e8f0'


def text(x, y, what, anchor='start', size=13, fill=SOFT, more=''):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{fill}"{more}>'
            f'{escape(what)}</text>')


def line(x1, y1, x2, y2, stroke=GRID, width=1.0):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" '
            f'stroke-width="{width}"/>')


def rect(x, y, width, height, fill):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>'


def picture(width, height, title, description, parts):
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="{FONT}" '
            f'role="img" aria-labelledby="title desc">\n'
            f'  <title id="title">{escape(title)}</title>\n  <desc id="desc">{escape(description)}</desc>\n')
    body = '\n'.join('  ' + part for part in [rect(0, 0, width, height, '#ffffff'), *parts])
    return head + body + '\n</svg>'
