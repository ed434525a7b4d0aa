"""What a policy of offers does to a file of subscribers, before it goes live.

population.py   a file in, the subscribers who see a banner out
outcome.py      what one policy does for one of them
simulation.py   all outcomes, counted and summed
comparison.py   the outcomes of two policies, side by side
changes.py      what changed between two policies, in words
report.py       a simulation as tables
"""
