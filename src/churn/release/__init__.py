"""From a registered version to a task definition that can be rolled out.

window.py    when a release may be made
session.py   AWS's library: clients, and its errors as sentences
aws.py       the registry of images and the task definitions, at AWS
push.py      pushes an image into that registry
summary.py   what is signed off, and the record that stays
"""
