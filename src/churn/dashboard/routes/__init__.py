"""The dashboard's addresses.

commands.py   what somebody with the token may do: sign in, abort a rollout, let it go on
rollouts.py   the pages of rollouts
service.py    the pages of what runs: shadow, service, drift, outcomes, models
"""
