"""Telling people what happened: a rollback, a hold that lasts, a promotion, drift, a banner that harms.

notice.py      what is told, and how it reads
receivers.py   who is told: the addresses of NOTIFY_URLS, by Apprise
announcer.py   tells each state once, and never makes anybody wait

Nothing here knows a subscriber. An address holds secrets, so no message and no line of a log has one.
"""
