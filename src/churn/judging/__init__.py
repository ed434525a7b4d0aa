"""Whether a new version is as good: pure statistics over counts.

metrics.py       what the service counts of each answer, by name
counts.py        what one track, stable or canary, answered
counts_file.py   counts read from a JSON file
checks.py        what is watched, with which tolerance
sequences.py     confidence sequences
findings.py      what one check found
judge.py         one verdict of all findings
paired.py        confidence sequences of paired answers
"""
