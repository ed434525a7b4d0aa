"""The dashboard's addresses.

commands.py   what somebody with the token may do: abort a rollout, let it go on
metrics.py    what Prometheus is told of rollouts
rollouts.py   the pages of rollouts
service.py    the pages of what runs: shadow, service, drift, outcomes, models
"""
