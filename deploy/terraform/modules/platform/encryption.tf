# One key, for images, logs, secrets and predictions. AWS turns it every year.

data "aws_partition" "current" {}

resource "aws_kms_key" "this" {
  description             = "Images, logs, secrets and predictions of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.id
}

data "aws_iam_policy_document" "key" {
  # checkov:skip=CKV_AWS_109:A key's policy speaks of that key alone, and without the account in it nobody could administer it.
  # checkov:skip=CKV_AWS_111:Likewise, it speaks of that key alone.
  # checkov:skip=CKV_AWS_356:In a key's policy * is the key.
  statement {
    sid       = "AccountDecides"
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${local.account}:root"]
    }
  }
  statement {
    sid       = "LogsOfTheService"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = [for group in concat([var.name], var.retraining == null ? [] : ["${var.name}-retraining"]) : "arn:${data.aws_partition.current.partition}:logs:${local.region}:${local.account}:log-group:/ecs/${group}"]
    }
  }
}

resource "aws_kms_key_policy" "this" {
  key_id = aws_kms_key.this.id
  policy = data.aws_iam_policy_document.key.json
}
