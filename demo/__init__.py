"""Rollouts on one machine with time compressed: a real HAProxy, two real services, and what can be wrong with one."""
