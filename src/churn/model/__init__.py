"""The model: subscribers in, predictions out; and the sealed bundle that it is loaded from.

model.py       the model as a function
bundle.py      the exported model as a directory: verified, then loaded
held.py        a bundle's files in memory, shared by processes
sealing.py     writes a bundle
shelf.py       the folder of bundles, and its links `champion` and `previous`
reference.py   reference values, and reference distributions of the holdout
pairs.py       how the answers of two models differ
"""
