"""Learning whom which offer keeps: what an experiment in the log says of the policy, and of another one.

    stakes.py      what a policy puts at stake in each row: margin, cost, assumed effect, segment
    measures.py    a measured number with its interval; the rates that a policy counts with
    strengths.py   how strongly each offer keeps subscribers
    usage.py       who accepts, and what those use up who leave all the same
    shrinking.py   empirical Bayes
    rates.py       all rates of a policy, from the log
    choosing.py    the best action for many rows at once
    guessing.py    what each action would have come to for each row, with few parameters
    effect_report.py  what the experiment says of the banner, each offer and segment
    effect_reading.py reads the log for it
    evaluation.py  what another choice would have been worth, and whether the log can say it
    valuing.py     the same of a whole policy, beside what the log's own policy chose
    stopping.py    which offers are no longer worth trying
    lessons.py     what the log teaches about a policy
    telling.py     the same in words and tables
    policy_text.py  the same, written into the policy's file

Nothing else here reads files. Rows come as `outcomes.exposures.Exposures`.
"""
