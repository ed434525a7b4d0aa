"""The prediction log: what was predicted for each subscriber and why, so that any answer can be made again.

docs/predictions.md describes it for those who run it.

places.py        where the log of a contract lies
ids.py           ids of predictions, which say when they were made
actions.py       the actions that were possible, in a line and as columns
record.py        the columns of the log, and the lines of a journal
banner_events.py what a portal reports of a banner, as a line
lines.py         reads a line of a journal again
journal.py       a journal: the open file of one worker
appending.py     appends lines to journals, and ends these in time
writer.py        takes predictions and banner events from the service and writes them to journals
challenger.py    a second model that answers the same in the background
closer.py        runs the process that closes journals
policies.py      keeps the policies that decided
maintenance.py   that process: closes journals, erases a subscriber
retention.py     removes what is old, unless the clock is in doubt
batches.py       records as columns, and as Parquet
segments.py      closed segments in a folder or an object store
reader.py        the one reader of journals and segments
event_reader.py  reads banner events, each once, with their predictions
following.py     reads again and again what is new in them
replay.py        makes an answer again from its record
deciding.py      decides again on its banner, and predicts the challenger's side again
"""
