"""The judge's laboratory: how well the judge judges canaries whose truth is known, beside usual tests.

population.py   subscribers, and what two versions say of them
habits.py       how subscribers ask: in a row, and again after a failure
scenarios.py    what may be true of two versions, and the right verdict
simulation.py   canaries of known behaviour, judged at every look
guardrails.py   guardrails of known truth, judged at every look
samples.py      checks of two samples, for many runs at once
rivals.py       usual tests, looked at as often, and this judge without pairs
rollouts.py     whole rollouts in three steps, with and without what earlier steps showed
figures.py      all scenarios, summed up
report.py       the figures as a page
plot.py         the figures as a plot
"""
