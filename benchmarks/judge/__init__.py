"""The judge's laboratory: how well the judge judges canaries whose truth is known, beside other tests.

simulation.py   canaries of known behaviour, judged at every look
rivals.py       other tests, looked at as often
report.py       the figures as tables and as a page
plot.py         the same as a picture
"""
