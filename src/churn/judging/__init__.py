"""Whether a new version is as good: pure statistics over counts.

metrics.py          what the service counts of each answer, by name
counts.py           what one track, stable or canary, answered
pairs.py            what two versions said of the same subscribers
counts_file.py      the input of the judge, read from a JSON file
checks.py           measures, and the checks that compare them with a tolerance
comparison.py       the shares that a check compares, from the counts of both tracks
sequences.py        confidence sequences of the difference of two shares
step_sequences.py   the same over several steps of a rollout
mean_sequences.py   confidence sequences of a mean, for paired answers
asymptotic_sequences.py  the same of many numbers without a known bound, narrower
findings.py         what one check found
samples.py          what it finds in the requests of two tracks
pair_findings.py    what it finds in pairs
shifts.py           what several bounds of the latency tell together
machine.py          whether slow answers may be the machine's fault
net_value.py        what it finds in the net values of both versions' offers
banner_outcomes.py  what it finds in what became of banners
guardrails.py       what the business gets: checks with a risk of their own
judge.py            one verdict from all findings
"""
