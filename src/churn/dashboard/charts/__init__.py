"""The charts of pages and reports, drawn on the server.

drawing.py    from a Vega-Lite specification to SVG
plots.py      what several charts are made of: histograms, bars, intervals
drift.py      each distribution at training and now
outcomes.py   what the banner does, what was accepted, and whether the models were right
rollout.py    weights, checks, and what both versions answered
shadow.py     a challenger beside the champion
"""
