"""What the service has answered, in numbers. `judging/metrics.py` declares them.

layout.py       which cell of a row of numbers counts what
ledger.py       the rows of numbers: one for each worker, in memory that all of them share
moments.py      who had an answer within the last minute
counters.py     what one worker counts, and the time of each stage of an answer
pairs.py        what the challenger answered, beside what was answered
exposition.py   all of it as Prometheus reads it
"""
