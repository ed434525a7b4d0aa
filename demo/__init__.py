"""Rollouts on one machine with time compressed: a real HAProxy, two real services, and faults of the canary.

__main__.py             scripts/canary-demo: play scenarios and say whether each ended as it should
scenarios.py            each scenario, and its result
pair.py                 the two versions that are played with
machine.py              HAProxy, the stable service and the canary
faulty_service.py       the canary: the service with a fault
traffic.py              subscribers who ask
monitors.py             the dashboard and Prometheus
simulated_rollouts.py   rollouts by the real controller and judge, on simulated requests
leaving.py              subscribers who leave, changed by a banner of a known effect
plan.toml               the plan of all scenarios
short_plan.toml         two steps of a moment each, for tests and attacks
"""
