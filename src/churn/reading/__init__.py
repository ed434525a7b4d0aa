"""Reading of subscriber files of any size, part by part, in the order of their rows.

    sources.py      find the files, check their columns, cut them into parts
    blocks.py       where rows lie in a file, and rows that were read
    recognition.py  what a file is that is no CSV file, in a sentence
    days.py         the day to which dates are counted
    whole.py        small CSV files, whole
    csv_rows.py     CSV files
    arrow_rows.py   row groups of Parquet files, record batches of Arrow files

This room does not know what a row means. `churn.contract.cells` and the contract know.
"""
