"""What two models said of the same subscribers: read from the prediction log, summed up, judged. docs/shadow.md."""
