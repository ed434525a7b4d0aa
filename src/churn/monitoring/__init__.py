"""What became of a model after it went live: how its inputs and scores compare with those of its training.

comparison.py   the champion's latest predictions, from the log, against the reference in its bundle
drift.py        the population stability index of one distribution
expected_quality.py  the AUC that is expected before anybody knows who left
"""
