"""What a policy of offers does to a file of subscribers, before it goes live.

population.py   a file in, the subscribers who see a banner out
simulation.py   what one policy does for each of them, or two policies side by side
worth.py        what offers are worth, by probability
changes.py      what changed between two policies, in words
report.py       figures and tables
"""
