"""What AWS's library raises becomes a sentence, whatever the answer holds."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from churn.errors import ChurnError
from churn.release.session import translate_aws_errors


@pytest.mark.parametrize(
    ("response", "said"),
    [
        ({"Error": {"Code": "AccessDenied", "Message": "you may not"}}, "AWS says AccessDenied: you may not"),
        ({"Error": {}}, "AWS says nothing"),
        ({}, "AWS says nothing"),  # of a status without a body
    ],
)
def test_a_refusal_of_aws_is_told_with_what_it_says(response: Any, said: str) -> None:
    with pytest.raises(ChurnError, match=said), translate_aws_errors("look", ChurnError, check="the policy"):
        raise ClientError(response, "DescribeServices")
