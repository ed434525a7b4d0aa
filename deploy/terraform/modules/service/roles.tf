# Two roles: what ECS may do to start a task, and what the service in it may do: put its predictions into the bucket, if there
# is one, and nothing else.

data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
    # Not on behalf of another account's tasks.
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  description        = "Lets ECS pull the image, read the secret settings and write the log"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "execution" {
  # checkov:skip=CKV_AWS_356:A login to the registry is not a right on any one resource; AWS takes only * for it.
  statement {
    sid       = "LogIn"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }
  statement {
    sid       = "Pull"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [var.repository_arn]
  }
  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }
  dynamic "statement" {
    for_each = length(var.secrets) == 0 ? [] : ["ReadSecrets"]
    content {
      sid       = statement.value
      actions   = ["secretsmanager:GetSecretValue"]
      resources = values(local.secret_arns)
    }
  }
  dynamic "statement" {
    for_each = length(local.secret_keys) == 0 ? [] : ["DecryptSecrets"]
    content {
      sid       = statement.value
      actions   = ["kms:Decrypt"]
      resources = local.secret_keys
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["secretsmanager.${data.aws_region.current.name}.amazonaws.com"]
      }
    }
  }
}

resource "aws_iam_role_policy" "execution" {
  name   = "pull-and-log"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}

resource "aws_iam_role" "task" {
  name               = "${var.name}-task"
  description        = "What the service itself may do at AWS: put its predictions, if they are logged"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

# It may not read, list or remove them: who takes a task over finds nobody's data there.
data "aws_iam_policy_document" "task" {
  count = var.prediction_log == null ? 0 : 1
  statement {
    sid       = "PutPredictions"
    actions   = ["s3:PutObject"]
    resources = [var.prediction_log.objects_arn]
  }
  statement {
    sid       = "EncryptPredictions"
    actions   = ["kms:GenerateDataKey"]
    resources = [var.kms_key_arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${data.aws_region.current.name}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "task" {
  count  = var.prediction_log == null ? 0 : 1
  name   = "put-predictions"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task[0].json
}
