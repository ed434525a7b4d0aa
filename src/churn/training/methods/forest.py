"""A random forest, which is compared only: it averages probabilities, so its contributions are no log-odds."""

from typing import ClassVar

from sklearn.ensemble import RandomForestClassifier

from churn.training.methods.method import THREADS, Directions, Method, Params, split_trees


class ForestMethod(Method):
    """Trees that vote."""

    name: ClassVar[str] = "random forest"
    # Half as many trees as of the others cost half the time and rank it alike.
    compared: ClassVar[Params] = {"trees": 100, "min_samples_leaf": 10}

    def build(self, directions: Directions, seed: int, params: Params) -> RandomForestClassifier:
        """Build a RandomForestClassifier."""
        trees, own = split_trees(params)
        return RandomForestClassifier(
            n_estimators=trees, monotonic_cst=list(directions), random_state=seed, n_jobs=THREADS, **own
        )
