"""From data to a registered model.

data.py             reads and validates a training file
cell_counts.py      counts blanks and other categories in it
synthetic.py        makes demo data by the contract's process
groups.py           finds rows of one subscriber, and copies
holdout.py          chooses the rows that training never sees
folds.py            draws what compares and tunes, and counts what that needs
candidates.py       compares tree methods and a baseline
methods/            the tree methods, and what is fitted of them
curve.py            counts whom the banner reaches above each threshold
choosing.py         says what is as good as the best on the same folds
directions.py       measures what the contract's monotone directions cost
plain.py            finds plain parameters where nobody tuned
tuning.py           searches for parameters
tuned.py            the parameters that were found
protected.py        says what leaving out a protected field costs
calibration.py      calibrates a model whose probabilities are off
evaluation.py       measures a model on the holdout
plots.py            draws what was measured
measured.py         keeps how versions did on a holdout, in place of its rows
subscribers.py      keeps hashes of who was in a training file, to name versions when somebody is erased
pipeline.py         trains and measures a model, and collects the record of the run
tracking_store.py   refuses a store that MLflow cannot use, or would change
registry.py         MLflow: runs, versions, aliases
versions.py         what is said of a registered version and of a run
registered.py       a model as somebody registered it, and the files that it is read from
flavors.py          reads a registered model, and what it predicts in the way of its flavour
other_flavors.py    does so for LightGBM, CatBoost and scikit-learn
kept.py             reads what a training run kept with its model
run_files.py        reads and replaces single files of runs
comparison.py       compares two versions on the same rows
uplift/             learns what offers change, and gates it in money
gates.py            what a version must show before it is champion
promotion.py        checks a version against the gates
given.py            reads rows that a bundle is compared on
agreement.py        refuses a bundle that says something else than the registered model
causes.py           finds out why it does
export.py           writes a registered model as a bundle
"""

import os

# Before OpenMP loads: threads that wait sleep instead of spinning, or two libraries' threads starve each other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
