"""Outcomes: who left, known late, joined to the prediction log. docs/outcomes.md describes it for those who run it.

file.py        reads a file of outcomes
store.py       keeps outcomes in SQLite
ripeness.py    when a prediction counts, and whether somebody left in time
join.py        joins outcomes to the predictions in the log
exposures.py   what became of subscribers, and with which chance each action was taken
reading_exposures.py  reads them: the log once more, with what was known then
changes.py     what would have changed a prediction
person.py      what is kept of one subscriber, to show or erase it
estimates.py   a figure and its interval
quality.py     how right one version was
untreated.py   whom the banner never reached, and for how many each stands
strata.py      the effect over people who were drawn with different shares
effects.py     the effect of an action, where the chance of each is known
ratio.py       whether as many were held out as were drawn
waiting.py     how long one has to look to know an effect
experiment.py  the effect of the banner in one experiment
summary.py     how right each version was, and the effect of the banner
"""
