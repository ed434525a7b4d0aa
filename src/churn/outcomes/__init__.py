"""What became of those who were predicted: labels that come late, joined to the prediction log: docs/outcomes.md."""
