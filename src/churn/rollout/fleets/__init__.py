"""What starts and stops the tasks of a version.

fleet.py  the protocol of a fleet
ecs.py    the services of a cluster at AWS ECS
"""
