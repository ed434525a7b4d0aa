"""What splits the requests between two versions.

router.py   the protocol of a router, and what all routers share
haproxy.py  HAProxy, by its runtime interface
alb.py      AWS's application load balancer
"""
