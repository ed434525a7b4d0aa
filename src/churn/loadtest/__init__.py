"""Load tests: requests at a given rate or over given connections, and an honest account of how long answers took.

`plan` says what is to be run, `schedule` when requests are due, `payloads` what they hold, `client` sends them,
`answer` judges each answer, `report` and `words` sum up, `plot` and `page` show.
"""
