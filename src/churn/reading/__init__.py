"""Files of subscribers, read a stretch at a time; rows of any size of file, in the order in which they stand.

    sources.py      which files there are, whether they hold what the contract needs, and their parts
    blocks.py       where rows lie in a file, and rows that were read
    csv_rows.py     a stretch of a CSV file
    arrow_rows.py   row groups of Parquet files, record batches of Arrow files

What a row means is not known here: that is for `churn.contract.cells` and the contract to say.
"""
