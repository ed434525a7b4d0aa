"""The laboratory of outcomes: do their figures hold the truth, where the truth is known?

world.py       people, their arms, and who leaves; it uses nothing of the project
simulation.py  what the project says of them, at every look
effects.py     the effect's interval among many more people, whose truth is a formula
figures.py     all scenarios, summed up
report.py      the figures as a page
plot.py        the figures as a plot
"""
