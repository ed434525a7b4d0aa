"""Retraining: ripe outcomes of the log beside the old training rows, as a challenger in the shadow.

No row of a person is kept outside the log. A run keeps counts, the period and the sha256 of segments.

plan.py           when to train anew, and what to do then
due.py            says whether it is due, and why
untreated.py      takes the log's rows that no banner changed, and weighs them
mixture.py        puts them beside the old training rows, and chooses who is held out
challenger.py     fits a challenger by the champion's recipe, and measures it
gates.py          judges the challenger beside the champion, on all and on the log's part
sources.py        finds the champion's recipe and its training file, and lists the log's segments
record.py         what the run of a challenger keeps
looking.py        looks at all of it, and says what a retraining would do
attempts.py       each attempt in MLflow, and what became of it
standing.py       the last attempts in a file, for the dashboard
running.py        carries an attempt out, and goes on with one that was stopped
lock.py           one retraining of a contract at a time
people.py         names the versions that may have been trained on somebody's records
"""
