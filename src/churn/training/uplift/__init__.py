"""Learning what offers change, person by person: an adjustment over the effects that a policy says.

    lessons.py      pseudo-outcomes: what each row of the log says of each action's effect
    boosting.py     the booster that is fitted to them; how many rounds is decided out of fold, and 0 is allowed
    choosing.py     the best action with an adjustment
    value.py        what it earns on the half that it was not trained on; the curve of whom it would reach first
    gates.py        what an uplift must show before it is sealed, and how long it takes until it can
    training.py     all of it together, pure: exposures in, an uplift and its verdict out
    kept.py         an uplift's files in the registry, and what is sealed of them
    recording.py    the record of the run, and of the version
    promotion.py    the gates of a version with an uplift

The pure parts know no files and no registry: a simulated year plays them.
"""
