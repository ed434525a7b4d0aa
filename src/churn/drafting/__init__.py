"""A draft of a contract, from a data file, with what is odd about each column; and what is asked of every contract.

draft.py      the road from a file to a draft
figures.py    what stands in each column, read in one pass
label.py      which of two labels says that somebody left
kinds.py      what a column becomes: a field of some kind, or left out with the reason
dates.py      what becomes of a column of dates
leaks.py      how far a column alone tells the label; identical rows
naming.py     from a column's name to a field's name and its words, and whether it is a personal trait
texts.py      what customers read of a field until a person says it better
source.py     the text of NAME.py and NAME.toml
layout.py     lays out source as its formatter would
soundness.py  what is asked of every contract, drafted or not
"""
