"""The service as a container image: built of a bundle, listed, and tried out. Docker itself does the work.

docker.py      runs the command `docker`, and puts its complaints into sentences
source.py      finds the checkout that is built, and sends the builder what it needs of it
building.py    makes an image of a bundle, and lists its layers
inventory.py   lists what is installed; runs in the image
bill.py        writes that as a CycloneDX bill of materials
container.py   runs a container as in production
smoke.py       checks whether an image answers as its bundle does
"""
