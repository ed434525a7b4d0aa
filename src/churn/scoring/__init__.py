"""Bulk scoring: files of subscribers in, the answers of `POST /predict` out, in parts that are made once.

    encoding.py     columns to the numbers that the model sees
    answers.py      contributions to answers, a whole table at a time
    rejects.py      rows that the contract refuses, and why
    parts.py        one part: read, encode, explain, answer, write
    output.py       the folder that is written: what binds it to its input, and its summary
    run.py          the whole of it
    local.py        parts by processes of this machine
    cluster.py      parts by a Ray cluster

Files are found, cut and read by `churn.reading`. The functions that answer know nothing of processes; the engines know
nothing of subscribers.
"""
