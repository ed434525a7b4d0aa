# Three roles: what EventBridge may start, what ECS may do to start it, and what the task itself may do: read the log.

data "aws_iam_policy_document" "events_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    # Not on behalf of another account's rules, and not of another rule.
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = ["arn:${data.aws_partition.current.partition}:events:${data.aws_region.current.name}:${local.account}:rule/${local.full_name}"]
    }
  }
}

resource "aws_iam_role" "schedule" {
  name               = "${local.full_name}-schedule"
  description        = "Lets EventBridge start the task of retraining"
  assume_role_policy = data.aws_iam_policy_document.events_trust.json
}

data "aws_iam_policy_document" "schedule" {
  statement {
    sid       = "StartTask"
    actions   = ["ecs:RunTask"]
    resources = [aws_ecs_task_definition.this.arn]
    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [var.cluster_arn]
    }
  }
  statement {
    sid       = "TagTask"
    actions   = ["ecs:TagResource"]
    resources = ["${replace(var.cluster_arn, ":cluster/", ":task/")}/*"]
    condition {
      test     = "StringEquals"
      variable = "ecs:CreateAction"
      values   = ["RunTask"]
    }
  }
  statement {
    sid       = "HandOverRoles"
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.execution.arn, aws_iam_role.task.arn]
    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "schedule" {
  name   = "start-retraining"
  role   = aws_iam_role.schedule.id
  policy = data.aws_iam_policy_document.schedule.json
}

data "aws_iam_policy_document" "task_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role" "execution" {
  name               = "${local.full_name}-execution"
  description        = "Lets ECS pull the image of retraining, read the salt and write the log"
  assume_role_policy = data.aws_iam_policy_document.task_trust.json
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
    resources = [var.retraining.repository_arn]
  }
  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }
  statement {
    sid       = "ReadSalt"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.salt_arn]
  }
  dynamic "statement" {
    for_each = var.salt_key_arn[*]
    content {
      sid       = "DecryptSalt"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
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
  name               = "${local.full_name}-task"
  description        = "What a retraining may do at AWS: read the prediction log, and use its home"
  assume_role_policy = data.aws_iam_policy_document.task_trust.json
}

# It reads records and changes none.
data "aws_iam_policy_document" "task" {
  statement {
    sid       = "ListLog"
    actions   = ["s3:ListBucket"]
    resources = [var.prediction_log.bucket_arn]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.prediction_log.prefix}/*"]
    }
  }
  statement {
    sid       = "ReadLog"
    actions   = ["s3:GetObject"]
    resources = ["${var.prediction_log.bucket_arn}/${var.prediction_log.prefix}/*"]
  }
  statement {
    sid       = "UseKeyOfLog"
    actions   = ["kms:Decrypt"]
    resources = [var.prediction_log.kms_key_arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${data.aws_region.current.name}.amazonaws.com"]
    }
  }
  statement {
    sid       = "UseHome"
    actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    resources = ["arn:${data.aws_partition.current.partition}:elasticfilesystem:${data.aws_region.current.name}:${local.account}:file-system/${var.retraining.home.file_system_id}"]
    condition {
      test     = "StringEquals"
      variable = "elasticfilesystem:AccessPointArn"
      values   = ["arn:${data.aws_partition.current.partition}:elasticfilesystem:${data.aws_region.current.name}:${local.account}:access-point/${var.retraining.home.access_point_id}"]
    }
  }
}

resource "aws_iam_role_policy" "task" {
  name   = "read-log"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task.json
}
