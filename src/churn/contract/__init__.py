"""What a business knows of a subscriber, declared once.

declaration.py   a contract: fields, features, fingerprint, encoding
features.py      what is declared of a field, and what follows from it
dates.py         dates, and how features are derived from them
date_specs.py    a contract's dates, in the form that all else is derived from
deriving.py      from the dates of a request or a row to features, and back
derivation.py    from a declared field to what follows from it
phrases.py       what is said of a value
messages.py      what a catalogue must translate
unspoken.py      what no subscriber is told
language.py      texts, counts and money in a language; locales/ has the catalogues that all contracts share
catalogues.py    a contract's languages: its own catalogues, and which language is preferred
subscriber.py    from JSON to a subscriber
schema.py        what a request holds, as JSON Schema
cells.py         from the cells of a data file to a subscriber
wording.py       what is wrong with a value, in words
sampling.py      random valid subscribers
places.py        where the files of a business lie
demo.py          how a contract's demo data is made
"""
