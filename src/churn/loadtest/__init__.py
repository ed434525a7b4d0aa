"""Load tests: send requests at a rate or over connections, and report honestly how long answers took.

plan.py      the plan, the payloads, and when each request is due
run.py       decides when to send each request
client.py    sends it; the only module that knows aiohttp
samples.py   one sample for each request, and whether its answer is a prediction
report.py    figures and a verdict
words.py     the same for people, and for scripts
"""
