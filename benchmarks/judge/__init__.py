"""The judge's laboratory: how well the judge judges canaries whose truth is known, beside usual tests.

simulation.py   canaries of known behaviour, judged at every look
rivals.py       usual tests, looked at as often
figures.py      all scenarios, summed up
report.py       the figures as a page
plot.py         the figures as a plot
"""
