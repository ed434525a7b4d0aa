"""Load tests: requests at a given rate or over given connections, and an honest account of how long answers took.

plan.py      what is to be run, against what: the payloads, and when each request is due
run.py       decides when each request is sent
client.py    sends it; the only module that knows aiohttp
samples.py   whether an answer is a prediction, and what is noted of each request
report.py    figures and a verdict
words.py     the same for people, and for scripts
"""
