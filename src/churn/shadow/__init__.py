"""Two models on the same subscribers: read from the prediction log, summed up, judged. See docs/shadow.md.

reading.py   the pairs of the prediction log, summed up for each two bundles
sums.py      measures of a pair, groups of subscribers, and the sums over all pairs
actions.py   what both would do for a subscriber, and how often that differs
checks.py    the checks of a challenger, and the verdict on it
report.py    the figures of the report, and its tables
"""
