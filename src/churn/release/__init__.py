"""From a registered version to a task definition that can be rolled out.

window.py       when a release may be made
aws.py          the registry of images and the task definitions, at AWS
push.py         an image into that registry
summary.py      what is signed off, and the record that stays
"""
