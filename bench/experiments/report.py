#!/usr/bin/env python3
"""bench/experiments/report.py FIGURES PAGES NAME...

Lays the figures of experiments (FIGURES/NAME.jsonl, by memberlist_experiments) beside the published ones:
puts the tables into PAGES/README.md, between the marks of each experiment, and the plots beside it.
"""
import json
import math
import re
import sys
from pathlib import Path

from chart import curves

# arXiv 1707.00788, table IV: FP, FP-, millions of messages, GiB; by configuration.
LIFEGUARD = {'SWIM': (339002, 1326, 435.33, 149.15), 'LHA-Probe': (229574, 436, 428.62, 134.28),
             'LHA-Suspicion': (10174, 89, 484.55, 158.87), 'Buddy system': (318935, 591, 435.62, 147.67),
             'Lifeguard': (5193, 25, 481.42, 146.13)}
# The same, figure 2: FP by concurrent anomalies, read off.
BY_ANOMALIES = {
    'SWIM': {1: 912, 4: 5958, 8: 11360, 16: 34109, 32: 80644},
    'LHA-Probe': {1: 514, 4: 3200, 8: 7213, 16: 21919, 32: 53078},
    'LHA-Suspicion': {1: 49, 4: 311, 8: 143, 16: 1338, 32: 1984},
    'Buddy system': {1: 1004, 4: 6478, 8: 8527, 16: 34768, 32: 70710},
    'Lifeguard': {1: 19, 4: 143, 8: 110, 16: 573, 32: 1187}}
# The same, exhaustion of the processor: FP and FP- by distressed members, read off.
STARVED = {'SWIM': {1: (10, None), 2: (39, None), 4: (362, 215), 8: (952, 325), 16: (1774, 362), 32: (3311, 611)},
           'Lifeguard': {1: (0, 0), 2: (0, 0), 4: (0, 0), 8: (0, 0), 16: (94, 0), 32: (1268, 57)}}
# The same, tuning: median latency in percent of SWIM at alpha 5, read off.
TUNED = {('SWIM', 5): 100, ('Lifeguard', 5): 100.1, ('Lifeguard', 4): 84.3, ('Lifeguard', 2): 56.6}
# Rapid, USENIX ATC 2018: seconds (read off) and sizes reported on the way.
BOOTSTRAP = {1000: (46, 901), 1500: (68, 1383), 2000: (97, 1858)}
# The same, KB/s of a process as ten crash: received, sent; mean, 99th percentile, most.
CRASH_RATES = {'received': (0.54, 5.61, 7.36), 'sent': (0.64, 6.40, 8.04)}
E_PERIODS = math.e / (math.e - 1)


def table(head, rows):
    lines = ['| ' + ' | '.join(head) + ' |', '| ' + ' | '.join('---' for _ in head) + ' |']
    lines += ['| ' + ' | '.join(str(cell) for cell in row) + ' |' for row in rows]
    return '\n'.join(lines)


def share(part, whole):
    return f'{100 * part / whole:.3g} %' if whole else '-'


def picture(name, what):
    return f'![{what}]({name}.svg)'


def random_choice(nodes):
    """SWIM's expectation for a group of this size, of which the published figure is the limit."""
    return 1 / (1 - (1 - 1 / (nodes - 1)) ** (nodes - 1))


def shuffled_lists(nodes):
    """The same where each goes through a list of its own: the first of n - 1 moments, each evenly spread over n - 1 periods."""
    others = nodes - 1
    return sum((1 - period / others) ** others for period in range(others))


def first_detection(rows):
    sizes = [row['nodes'] for row in rows]
    plot = curves('First detection of a failed member', 'mean over many crashes, in probe periods',
                  'members', 'periods',
                  [('ours, whole periods', [(row['nodes'], row['periods']) for row in rows], 'line'),
                   ('published: 1.582', [(size, E_PERIODS) for size in sizes], 'dashed'),
                   ('ours, until that probe begins', [(row['nodes'], row['probed']) for row in rows], 'line')],
                  x_log=True)
    cells = [(row['nodes'], row['crashes'], '1.582', f'{random_choice(row["nodes"]):.3f}',
              f'{shuffled_lists(row["nodes"]):.3f}', f'{row["periods"]:.3f} ± {row["periods_error"]:.3f}',
              f'{row["probed"]:.3f}', f'{row["probed_99"]:.2f}', f'{row["accused"]:.3f}') for row in rows]
    head = ('members', 'crashes', 'published: periods', 'the same, of so few members', 'with shuffled lists', 'ours: periods', 'until that probe begins', '99 %',
            'until it has failed')
    return table(head, cells), {'first-detection': plot}


def swim_curve(nodes, time):
    return 1 / (1 + (nodes - 1) * math.exp(-(2 - 1 / nodes) * time))


def serf_curve(nodes, rounds, fanout=3):
    return 1 / (1 + (nodes + 1) * math.exp(-fanout * 0.5 * rounds))


def push_curve(nodes, rounds, fanout=3):
    """As `serf_curve` without its factor of one half."""
    return 1 / (1 + (nodes - 1) * math.exp(-fanout * rounds))


def until(curve, nodes, wanted):
    """When the curve is there; all: less than half a member is missing."""
    low, high = 0.0, 100.0
    wanted = min(wanted, 1 - 0.5 / nodes)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if curve(nodes, middle) < wanted else (low, middle)
    return high


def milestones(curve, nodes):
    return ' / '.join(f'{until(curve, nodes, part):.1f}' for part in (0.5, 0.9, 0.99, 1))


WAYS = {'pings': 'pings and acks alone (periods)', 'gossip': 'gossip alone (rounds)',
        'both': 'both (rounds)'}


def dissemination(rows):
    cells, plots = [], {}
    for row in rows:
        nodes, curve = row['nodes'], swim_curve if row['way'] == 'pings' else serf_curve
        named = 'SWIM' if row['way'] == 'pings' else 'Serf'
        ours = [f'{row[key]:.1f}' for key in ('half', 'ninety', 'ninety_nine', 'all')]
        without_half = milestones(push_curve, nodes) if row['way'] == 'gossip' else ''
        cells.append((nodes, WAYS[row['way']], f'{named}: {milestones(curve, nodes)}', without_half, ' / '.join(ours),
                      share(row['complete'], row['runs'])))
    for way, named, curve in (('pings', 'SWIM', swim_curve), ('gossip', 'Serf', serf_curve)):
        series = []
        for nodes in sorted({row['nodes'] for row in rows}):
            row = next(row for row in rows if row['nodes'] == nodes and row['way'] == way)
            series.append((f'ours, {nodes}', list(enumerate(row['shares'])), 'line'))
            series.append((f'{named}, {nodes}', [(i / 4, curve(nodes, i / 4)) for i in range(65)], 'dashed'))
        plots[f'dissemination-{way}'] = curves(
            'How an update spreads by ' + ('pings and acks alone' if way == 'pings' else 'gossip alone'),
            'share of the members who know it, mean of the runs', 'periods' if way == 'pings' else 'rounds',
            'share', series, x_most=16, y_most=1)
    head = ('members', 'spread by', 'published curve: 50 / 90 / 99 / 100 %', "without Serf's one half", 'ours', 'runs in which all knew')
    return table(head, cells), plots


def load(rows):
    plot = curves('Messages of a quiet cluster', 'datagrams of a member in a period', 'members', 'datagrams',
                  [('ours, sent', [(row['nodes'], row['sent']) for row in rows], 'line'),
                   ('published: 2.0', [(row['nodes'], 2) for row in rows], 'dashed')], x_log=True, y_most=4)
    cells = [(row['nodes'], '2.0', f'{row["sent"]:.3f}', f'{row["received"]:.3f}',
              f'{row["packet_bytes"]:.0f}', f'{row["stream_bytes"]:.0f}') for row in rows]
    head = ('members', 'published: sent, received', 'ours: sent', 'received', 'bytes of datagrams',
            'bytes of push/pulls')
    return table(head, cells), {'load': plot}


def wrongly_accused(loss, helpers):
    """SWIM, section 3.1: the ping or its ack is lost, and so is one of four messages by way of each helper."""
    arrives = 1 - loss
    return (1 - arrives ** 2) * (1 - arrives ** 4) ** helpers


def loss(rows):
    cells = []
    for row in rows:
        hours = row['node_seconds'] / 3600
        published = '' if row['variant'] == 'as it is' else f'{3600 * wrongly_accused(row["loss"], row["indirect_checks"]):.2f}'
        cells.append((row['variant'], f'{100 * row["loss"]:.0f} %', published, f'{row["accused"] / hours:.2f}',
                      f'{row["declared"] / hours:.2f}', f'{row["packets"] / row["node_seconds"]:.1f}',
                      f'{row["all_50"]:.1f} s', row['missed']))
    head = ('configuration', 'loss', 'expected: false accusations a member and hour', 'ours', 'false deaths',
            'datagrams a member and second', 'crash: all know, median', 'missed')
    return table(head, cells), {}


def summed(rows, keys):
    return {key: sum(row[key] for row in rows) for key in keys}


COUNTS = ('declared', 'declared_healthy', 'believed', 'believed_healthy', 'packets', 'bytes', 'node_seconds', 'runs')


# How a blocked member is blocked: in the figures, and on the page.
BLOCKED = {'stands': 'loops stand', 'goes on': 'loops go on'}


def sum_of(rows, **wanted):
    return summed([row for row in rows if all(row[key] == value for key, value in wanted.items())], COUNTS)


def interval(rows):
    variants = list(dict.fromkeys(row['variant'] for row in rows))
    counts = sorted({row['troubled'] for row in rows})
    times = sorted({row['blocked'] for row in rows})
    sums = {(way, name): sum_of(rows, way=way, variant=name) for way in BLOCKED for name in variants}
    swim = LIFEGUARD['SWIM']

    def deaths(way, name):
        ours = sums[way, name]
        return (f'{ours["declared"]:,} / {ours["declared_healthy"]:,}',
                share(ours['declared'], sums[way, 'SWIM']['declared']))

    def published_deaths(name):
        fp, fp_healthy = LIFEGUARD[name][:2]
        return (f'{fp:,} / {fp_healthy:,}', share(fp, swim[0]), share(fp_healthy, swim[1]))

    result = table(('configuration', 'published: FP / FP-', 'FP, of SWIM', 'FP-, of SWIM', 'ours, loops stand: FP / FP-', 'FP, of SWIM',
                    'ours, loops go on: FP / FP-', 'FP, of SWIM'),
                   [(name, *published_deaths(name), *deaths('stands', name), *deaths('goes on', name)) for name in variants])

    def messages(way, name):
        ours, base = sums[way, name], sums[way, 'SWIM']
        return share(ours['packets'], base['packets']), share(ours['bytes'], base['bytes'])

    def published_messages(name):
        return tuple(share(LIFEGUARD[name][i], swim[i]) for i in (2, 3))

    result += '\n\nMessages:\n\n' + table(
        ('configuration', 'published: messages, of SWIM', 'bytes, of SWIM',
         *(f'{head}{words}' for words in BLOCKED.values() for head in ('messages, of SWIM: ', 'bytes, of SWIM: '))),
        [(name, *published_messages(name), *(cell for way in BLOCKED for cell in messages(way, name))) for name in variants])

    def by_count(way, name, count):
        return sum_of(rows, way=way, variant=name, troubled=count)['declared']

    def shares(name, count):
        most = counts[-1]
        published = 100 * BY_ANOMALIES[name][count] / BY_ANOMALIES['SWIM'][most]
        ours = [100 * by_count(way, name, count) / max(1, by_count(way, 'SWIM', most)) for way in BLOCKED]
        return ', '.join(f'{value:.3g}' for value in (published, *ours))

    result += f'\n\nFP by the number of blocked members, in percent of SWIM with {counts[-1]}: published, loops stand, loops go on.\n\n'
    result += table(('configuration', *(str(count) for count in counts)),
                    [(name, *(shares(name, count) for count in counts)) for name in variants])
    result += '\n\nFP by the time for which they are blocked: loops stand, loops go on.\n\n' + table(
        ('configuration', *(f'{time:.3g} s' for time in times)),
        [(name, *(', '.join(f'{sum_of(rows, way=way, variant=name, blocked=time)["declared"]:,}' for way in BLOCKED)
                  for time in times)) for name in variants])
    plots = {}
    drawn = (('interval-published', 'published', lambda name, count: BY_ANOMALIES[name][count]),
             ('interval', 'ours, loops stand', lambda name, count: max(1, by_count('stands', name, count))))
    for file, title, figure in drawn if len(counts) > 1 else ():
        plots[file] = curves(f'False positives by blocked members: {title}', 'interval experiment, alpha 5, beta 6',
                             'members that are blocked at the same times', 'false positives',
                             [(name, [(count, figure(name, count)) for count in counts], 'line')
                              for name in variants], y_log=True)
    return result, plots


def starvation(rows):
    def way(row):
        return row['way'], row['time'], row['well']

    def told(way):
        kind, time, well = way
        if kind == 'slow':
            return f'{1000 * time:.0f} ms an input'
        return f'stand {time:.0f} s, run {well:g} s'

    ways = sorted({way(row) for row in rows})
    counts = sorted({row['troubled'] for row in rows})
    variants = list(dict.fromkeys(row['variant'] for row in rows))

    def ours(name, count, wanted):
        row = next(row for row in rows
                   if (row['variant'], row['troubled'], way(row)) == (name, count, wanted))
        return f'{row["believed"] / row["runs"]:,.0f} / {row["believed_healthy"] / row["runs"]:,.0f}'

    def theirs(name, count):
        return ' / '.join('?' if value is None else f"{value:,}" for value in STARVED[name][count])

    cells = [(name, count, theirs(name, count), *(ours(name, count, one) for one in ways))
             for name in variants for count in counts]
    head = ('configuration', 'in distress', 'published: FP / FP-', *(f'ours, {told(one)}' for one in ways))
    # One of each kind: all of them are more than a reader can tell apart.
    shown = {'slow': ('slow', 0.2, 0), 'stand': ('stands', 12, 0.5)}
    lines = []
    for name in variants:
        style = 'line' if name == 'SWIM' else 'dashed'
        lines.append((f'{name}, paper', [(count, STARVED[name][count][0]) for count in counts], style))
        lines += [(f'{name}, {kind}', [(row['troubled'], row['believed'] / row['runs']) for row in rows
                                       if (row['variant'], way(row)) == (name, one)], style)
                  for kind, one in shown.items()]
    plot = curves('False positives with members short of processor time',
                  'runs of two minutes; slow: 200 ms an input; stand: for 12 s, then run for 0.5 s (Lifeguard: none)',
                  'members in distress', 'false positives a run',
                  [line for line in lines if any(y for _, y in line[1])])
    return table(head, cells), {'starvation': plot} if any(row['believed'] for row in rows) else {}


def alpha(rows):
    base = rows[0]['all_50']
    cells = [(row['variant'], row['alpha'], f'{TUNED[row["variant"], row["alpha"]]} %',
              share(row['all_50'], base), f'{row["all_50"]:.2f} s', f'{row["all_99"]:.2f} s',
              f'{row["all_999"]:.2f} s', f'{row["first_50"]:.2f} s', f'{row["detections"]}, {row["missed"]}')
             for row in rows]
    head = ('configuration', 'alpha', 'published: median, of SWIM', 'ours: median, of SWIM', 'median until all know',
            '99 %', '99.9 %', 'median until the first knows', 'detected, missed')
    return table(head, cells), {}


def rules(rows):
    cells = []
    for row in rows:
        cells.append((row['trouble'], row['rule'], f'{row["accused"]:,}', f'{row["declared"]:,}',
                      f'{row["declared_healthy"]:,}', f'{row["believed_healthy"]:,}', f'{row["first_50"]:.2f} s', f'{row["all_50"]:.2f} s',
                      f'{row["all_99"]:.2f} s', row['missed']))
    head = ('trouble', 'engine', 'false accusations', 'FP', 'FP-', 'told, at healthy members', 'crash: first knows, median',
            'all know, median', '99 %', 'not known by all')
    return table(head, cells), {}


def bootstrap(rows):
    cells = [(row['nodes'], f'{BOOTSTRAP[row["nodes"]][0]} s', f'{row["seconds"]:.1f} s',
              BOOTSTRAP[row['nodes']][1], row['different']) for row in rows]
    return table(('members', 'published: all see all after', 'ours', 'published: sizes reported', 'ours'), cells), {}


def crash_of_ten(rows):
    count = len(rows)
    mean = summed(rows, [key for key in rows[0] if key != 'experiment'])
    cells = [('until the first survivor sees fewer', '', f'{mean["first"] / count:.1f} s'),
             ('until all 990 see 990', '', f'{mean["all"] / count:.1f} s'),
             ('from the first to the last', 'about 3 s', f'{(mean["all"] - mean["first"]) / count:.1f} s'),
             ('sizes seen on the way', 'several', f'{mean["different"] / count:.0f}')]
    for prefix, what in (('', 'datagrams and streams'), ('datagrams_', 'datagrams alone')):
        for way, published in CRASH_RATES.items():
            ours = [mean[f'{prefix}{way}_{part}'] / count for part in ('mean', '99', 'most')]
            cells.append((f'KB/s of a process, {way}, {what}: mean, 99 %, most',
                          ', '.join(f'{value:.2f}' for value in published),
                          ', '.join(f'{value:.2f}' for value in ours)))
    return table(('', 'published', 'ours'), cells), {}


def bad_links(rows):
    plots, cells = {}, []
    published = {'flip-flop': 'never all removed; the sizes oscillate', 'incoming': '',
                 'outgoing': 'drifts to about 996, never 990'}
    for row in rows:
        plots[f'bad-links-{row["links"]}'] = curves(
            f'Ten of {row["nodes"]:,}, {row["links"]}', 'sizes that the others see', 'seconds', 'members fewer',
            [('the least, fewer', [(i, row['nodes'] - value) for i, value in enumerate(row['least'])], 'line'),
             ('the most, fewer', [(i, row['nodes'] - value) for i, value in enumerate(row['most'])], 'line')])
        cells.append((row['links'], published[row['links']], f'{min(row["least"]):.0f}', f'{min(row["most"]):.0f}',
                      f'{row["least"][-1]:.0f} to {row["most"][-1]:.0f}'))
    head = ('links', 'published', 'ours: the least that one saw', 'the least that all saw', 'at the end')
    return table(head, cells), plots


EXPERIMENTS = {'first-detection': first_detection, 'dissemination': dissemination, 'load': load, 'loss': loss,
               'interval': interval, 'starvation': starvation, 'alpha': alpha, 'rules': rules,
               'bootstrap': bootstrap, 'crash-of-ten': crash_of_ten, 'bad-links': bad_links}


def put(page, name, what):
    begin, end = f'<!-- scripts/experiments: {name} -->', '<!-- end -->'
    changed, count = re.subn(re.escape(begin) + '.*?' + re.escape(end),
                             lambda _: f'{begin}\n\n{what}\n\n{end}', page, flags=re.DOTALL)
    if count != 1:
        sys.exit(f'the page has no marks for {name}')
    return changed


def main(figures, pages, names):
    readme = pages / 'README.md'
    for name in names:
        rows = [json.loads(row) for row in (figures / f'{name}.jsonl').read_text().splitlines()]
        result, plots = EXPERIMENTS[name](rows)
        for file, plot in plots.items():
            (pages / f'{file}.svg').write_text(plot + '\n')
            result += '\n\n' + picture(file, re.search('<title[^>]*>(.*?)</title>', plot).group(1))
        readme.write_text(put(readme.read_text(), name, result))


if __name__ == '__main__':
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
