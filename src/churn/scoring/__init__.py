"""Bulk scoring: files of subscribers in, the answers of `POST /predict` out, in parts that are made once.

    encoding.py     columns to the numbers that the model sees
    answers.py      contributions to answers, a whole table at a time
    rejects.py      rows that the contract refuses, and why
    parts.py        one part: read, encode, explain, answer, write
    output.py       the output folder, and what binds it to its input
    run.py          the whole way from files to summary
    local.py        make parts in processes of this machine
    cluster.py      make parts on a Ray cluster

`churn.reading` finds, cuts and reads the files. Answering knows no processes; the engines know no subscribers.
"""
