"""The HTTP service.

app.py          everything wired in one place
server.py       the service as a process, with one worker or many
workers.py      raises the workers, and raises them again
worker.py       one worker, and how it is made
loaded.py       what a worker needs, loaded once
start_limit.py  how long a worker may take to start
standby.py      answers while no worker can
startup.py      the prediction log and the challenger that the settings name
keys.py         the keys of callers
answering/      what is answered about subscribers
counting/       what has been answered, in numbers
edge/           HTTP
"""
