"""Attacks on the three apps, their processes and their files: each counts what held and names what did not.

summary.py   what an attack found
run.py       all attacks, one after the other, and the table of figures
processes.py starts what is attacked
requests.py  hostile requests to all three apps
container.py hostile requests and the worst batches to a container of 2 GB
batches.py   many connections that send the worst batches, beside single requests
journals.py  damages journals of the prediction log
kills.py     kills workers and first processes of services
writer.py    kills workers that log, and processes that close the log
files.py     damages CSV and Parquet files, for readers and commands
tables.py    damages the tables of a sealed bundle, read under sanitizers
damaged_tables.py  the process that reads them
other_kernel.py  has it use the kernel under sanitizers
answers.py   hostile answers to a rollout's controller
aws.py       hostile answers of AWS, to rollout, release and log
registry.py  hostile answers of an MLflow server
hostile_stores.py  the server in their places
controller.py  a rollout's controller is killed, and another goes on
hostile_peers.py  whom it asks: HAProxy, a Prometheus and the instances, right or wrong

A module NAME.py beside these is an attack. Its function `attack(count, seed, home)` returns a `Summary`.
"""
