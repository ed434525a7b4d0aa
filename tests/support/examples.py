"""The contract that most tests speak of, and its example of a subscriber."""

from churn.businesses import find_contract

STREAMFLOW = find_contract("streamflow")
EXAMPLE = STREAMFLOW.example()
