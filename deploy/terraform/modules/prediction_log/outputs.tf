output "log" {
  description = "Where the service writes: the URL for PREDICTION_LOG, what it may put there, and how long that is kept."
  value = {
    url            = "s3://${aws_s3_bucket.this.id}/${local.prefix}"
    objects_arn    = "${aws_s3_bucket.this.arn}/${local.prefix}/*"
    retention_days = var.retention_days
  }
  # Not before it is closed and encrypted.
  depends_on = [
    aws_s3_bucket_policy.this, aws_s3_bucket_public_access_block.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
  ]
}

output "reading" {
  description = "What whoever reads the log is given rights on: the bucket, what lies in it below a prefix, and the key."
  value = {
    bucket_arn  = aws_s3_bucket.this.arn
    prefix      = local.prefix
    kms_key_arn = var.kms_key_arn
  }
}

output "keeper_role_arn" {
  description = "The role that reads and erases; null if nobody may take it."
  value       = one(aws_iam_role.keeper[*].arn)
}
