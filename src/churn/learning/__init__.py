"""Learning whom which offer keeps: what an experiment in the log says of the policy, and of another one.

Nothing here reads files. Rows come as `outcomes.exposures.Exposures`.
"""
