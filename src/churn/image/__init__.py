"""The service as a container image: built of a bundle, listed, and tried out. Docker itself does the work.

docker.py      the command `docker`, and what it complains of in sentences
source.py      the checkout that is built, and what of it goes to the builder
building.py    a bundle in, an image out
layers.py      what takes the space
inventory.py   what is installed; runs in the image
bill.py        the same as a CycloneDX bill of materials
container.py   a container as it is run in production
smoke.py       whether an image answers as its bundle does
"""

from churn.image.bill import write_bill
from churn.image.building import BASE_IMAGE, REPOSITORY, Image, build_image
from churn.image.smoke import SmokeResult, smoke_test

__all__ = ["BASE_IMAGE", "REPOSITORY", "Image", "SmokeResult", "build_image", "smoke_test", "write_bill"]
