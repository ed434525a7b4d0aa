# The bucket of the prediction log. Tasks only put objects there, which the module `service` allows them; who reads and erases
# takes the role in keeper.tf. Rules remove what is too old.

data "aws_caller_identity" "current" {}

locals {
  prefix = "predictions"
}

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_21:A version would keep what was erased of a subscriber; each object is written once, under a name of its own.
  # checkov:skip=CKV_AWS_144:Another region would be another place of personal data, where erasing has to reach too.
  # checkov:skip=CKV_AWS_18:Reading needs the key, and who used that stands in CloudTrail.
  # checkov:skip=CKV2_AWS_62:Nobody waits for a record.
  bucket        = "${var.name}-predictions-${data.aws_caller_identity.current.account_id}"
  force_destroy = !var.protected
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    object_ownership = "BucketOwnerEnforced" # no access lists
  }
}

# With a key of our own, a right on the bucket is not enough to read: it takes one on the key, which tasks do not have.
resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    bucket_key_enabled = true # fewer requests to KMS
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

data "aws_iam_policy_document" "bucket" {
  statement {
    sid       = "OnlyTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket     = aws_s3_bucket.this.id
  policy     = data.aws_iam_policy_document.bucket.json
  depends_on = [aws_s3_bucket_public_access_block.this]
}

# S3 counts from the day on which an object was made. A task makes it minutes after its records. A command that writes it
# anew days later tags it with the days that are left; each number of days has its rule, and the earliest rule wins.
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "records"
    status = "Enabled"
    filter {
      prefix = "${local.prefix}/"
    }
    expiration {
      days = var.retention_days
    }
  }

  dynamic "rule" {
    for_each = range(1, var.retention_days)
    content {
      id     = "written-anew-${rule.value}"
      status = "Enabled"
      filter {
        tag {
          key   = "kept-days"
          value = rule.value
        }
      }
      expiration {
        days = rule.value
      }
    }
  }

  rule {
    id     = "unfinished"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}
