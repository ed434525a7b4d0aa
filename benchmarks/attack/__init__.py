"""Attacks on the three apps, their processes and their files: each counts what held and names what did not.

summary.py   what an attack found
run.py       all attacks, one after the other, and the table of figures
processes.py starts what is attacked
journals.py  damages journals of the prediction log
kills.py     kills workers and first processes of services

A module NAME.py beside these is an attack. Its function `attack(count, seed, home)` returns a `Summary`.
"""
