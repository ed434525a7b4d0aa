"""A new version takes over step by step, judged by its answers.

plan.py         the steps, from a TOML file; default_plan.toml is the one without --plan
state.py        a rollout as it stands, its counts, setup, events and commands
store.py        rollouts in an SQLite file, and the lock of the one controller of a service
tables.py       the file's tables
folding.py      what makes two events alike, so that they are one
controller.py   read, judge, decide, act, record: one tick
recorder.py     what a tick hands to the judge, and what it leaves in the store
decision.py     the next move, from all that is known
shapes.py       what both tracks take, before a rollout begins
served.py       what the instances serve, against what they should
announcing.py   what people are told of it
timekeeping.py  how long things took, whatever somebody sets the wall clock to
fetch.py        asks several addresses at once, with bounds
sources.py      where counters are read: the instances, or Prometheus
first_answers.py  what both versions said of each subscriber, counted once
paired.py       reads from the prediction log how both answered the same subscribers
net_values.py   reads from it what both versions' offers are expected to bring
banner_outcomes.py  reads from it what became of the banners of both versions
evidence.py     finds the log and the bundles that this takes, and says what is missing
status.py       how it stands at this moment: asks the router and the instances
metrics.py      what Prometheus is told of it, by name
samples.py      reads these metrics from the store alone
parts.py        the router, fleet and source that a setup names
routers/        what splits the requests: HAProxy, AWS's load balancer
fleets/         what starts and stops tasks: AWS ECS
forecast/       how long a rollout will take, played before it starts
"""
