"""A draft of a contract, from a data file, with what is odd about each column; and what is asked of every contract.

draft.py      the road from a file to a draft
figures.py    what stands in each column, read in one pass
label.py      which of two labels says that somebody left
kinds.py      what a column becomes: a field of some kind, or left out with the reason
leaks.py      how far a column alone tells the label; identical rows
naming.py     from a column's name to a field's name, its words and whether it is a personal trait
source.py     the text of NAME.py and NAME.toml
soundness.py  what is asked of every contract, drafted or not
"""
