"""The laboratory of learning: does the loop earn what it says, where the truth is known?

population.py  subscribers of the demo's process, with the score and the reasons that a real bundle gives them
menu.py        what a policy says of each of them: possible actions, their cost and their assumed effect
world.py       the truth: who leaves and who accepts under each action; it uses nothing of what it tests
rules.py       how a firm may go about it: assumptions for ever, re-estimates, segments, uplift
year.py        a year in months with each rule, and with an oracle
small_experiment.py  three offers and two segments whose truth is known
coverage.py    how often the intervals of learned rates hold the truth
curve.py       what each rule earns by how much has been logged
figures.py     all worlds, summed up
report.py      the figures as a page
plot.py        the figures as a plot
"""
