"""The dashboard: rollouts, the service, drift, outcomes and models as pages that are drawn on the server; and reports.

app.py        everything wired in one place
charts/       what is drawn, one module for each subject
health.py     what the service's instances say of themselves
history.py    how a rollout went so far
pages.py      a template, its values, and what every page needs
report.py     a report as one page to mail, or as one picture
rollouts.py   the rollouts, as their store has them
routes/       the addresses
server.py     the process
summary.py    what goes on in a rollout, and what to do, in words
visits.py     who is signed in
words.py      numbers, times and names as people read them
"""
