"""The model: subscribers in, predictions out; and the sealed bundle that it is loaded from.

model.py           the model as a function
threshold.py       says above which probability the banner is shown, and who decided it
bundle.py          the exported model as a directory: verified, then loaded
manifest.py        what a bundle says of itself
golden.py          compares golden rows with what was said of them at export
held.py            a bundle's files in memory, shared by processes
sealing.py         writes a bundle
uplift.py          what offers change for one subscriber
uplift_files.py    the files of a bundle that say what offers change
uplift_reading.py  reads and verifies them
uplift_sealing.py  writes them
signing.py         who vouches for a bundle
formats.py         which formats of bundles are read
upgrading.py       makes a bundle of today of an earlier one
shelf.py           the folder of bundles, and its links `champion` and `previous`
reference.py       reference values, and reference distributions of the holdout
pairs.py           how the answers of two models differ
"""
