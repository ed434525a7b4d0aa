"""How long a rollout will take, before it starts: the controller plays it on drawn answers.

traffic.py      how many requests and people come, hour by hour of a day
log_traffic.py  reads that from the prediction log
versions.py     how stable answers, and how an equal and a bad canary would
stage.py        what the controller meets in a played rollout: router, counters, evidence, clock, store
playing.py      one played rollout, from look to look
forecast.py     many of them summed up
wording.py      whether the plan can end, and what to change
"""
