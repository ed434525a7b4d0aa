# Settings that are secret. Only where they are kept is made here; a person puts the values, so that they stand in no state.

locals {
  made_secrets = toset([for name, secret in var.secrets : name if secret.arn == null])
  secret_arns = merge(
    { for name, secret in var.secrets : name => secret.arn if secret.arn != null },
    { for name, secret in aws_secretsmanager_secret.this : name => secret.arn },
  )
  secret_keys = distinct(compact([for secret in var.secrets : secret.arn == null ? var.kms_key_arn : secret.kms_key_arn]))
}

resource "aws_secretsmanager_secret" "this" {
  # checkov:skip=CKV2_AWS_57:The salt must stay as it is, or nobody's records are found any more; keys of callers are turned by hand, one beside the other.
  for_each                = local.made_secrets
  name                    = "${var.name}/${each.key}"
  description             = "The setting ${each.key} of ${var.name}"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.protected ? 30 : 0
}
