"""The charts of pages and reports, drawn on the server; each subject's module also makes its report.

answers.py    what both versions of a rollout answered
drawing.py    from a Vega-Lite specification to SVG, and from several charts to a picture
drift.py      each distribution at training and now
loadtest.py   latency over time, and by percentile
offers.py     how often each offer is made, and what it is worth
outcomes.py   what the banner does, what was accepted, and whether the predictions came true
plots.py      what several charts are made of: histograms, bars, intervals
policy_value.py  what a policy would have been worth on the log
rollout.py    weights and checks
shadow.py     a challenger beside the champion
"""
