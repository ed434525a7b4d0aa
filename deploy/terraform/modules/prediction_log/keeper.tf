# The role of whoever reads the log, closes it and erases from it: `churn predictions`, `churn subscriber`, `churn replay`.

data "aws_region" "current" {}

data "aws_iam_policy_document" "trust" {
  count = length(var.keeper_arns) > 0 ? 1 : 0
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = var.keeper_arns
    }
  }
}

resource "aws_iam_role" "keeper" {
  count                = length(var.keeper_arns) > 0 ? 1 : 0
  name                 = "${var.name}-log-keeper"
  description          = "Reads the prediction log and erases from it"
  assume_role_policy   = data.aws_iam_policy_document.trust[0].json
  max_session_duration = 3600
}

data "aws_iam_policy_document" "keeper" {
  statement {
    sid       = "List"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.this.arn]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${local.prefix}/*"]
    }
  }
  # Erasing writes a segment anew without the subscriber, tags it with the days that are left, and removes the old one.
  statement {
    sid       = "ReadAndErase"
    actions   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"]
    resources = ["${aws_s3_bucket.this.arn}/${local.prefix}/*"]
  }
  statement {
    sid       = "UseKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.kms_key_arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${data.aws_region.current.name}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "keeper" {
  count  = length(aws_iam_role.keeper)
  name   = "read-and-erase"
  role   = aws_iam_role.keeper[count.index].id
  policy = data.aws_iam_policy_document.keeper.json
}
