# What `churn rollout` needs where it runs: a policy for its role, and a security group by which it may ask the tasks for
# their counts. Both do nothing until somebody puts them on.

data "aws_region" "current" {}

data "aws_iam_policy_document" "this" {
  # checkov:skip=CKV_AWS_356:For what stands under * AWS knows no narrower resource, or knows the cluster only, which is asked for.
  # checkov:skip=CKV_AWS_111:Registering a task definition is the one such right that writes, and PassRole below says what it may hand over.
  statement {
    sid = "NoNarrowerResource"
    actions = [
      "ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition", "elasticloadbalancing:DescribeListeners",
      "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
    ]
    resources = ["*"]
  }
  statement {
    sid       = "SeeTasks"
    actions   = ["ecs:DescribeTasks", "ecs:ListServices", "ecs:ListTasks"]
    resources = ["*"]
    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [var.cluster_arn]
    }
  }
  statement {
    sid       = "MoveWeights"
    actions   = ["elasticloadbalancing:ModifyListener"]
    resources = [var.listener_arn]
  }
  statement {
    sid       = "RunVersions"
    actions   = ["ecs:DescribeServices", "ecs:UpdateService"]
    resources = values(var.service_arns)
  }
  statement {
    sid       = "TagWhatIsRegistered"
    actions   = ["ecs:TagResource"]
    resources = [var.stable_task_definitions_arn]
    condition {
      test     = "StringEquals"
      variable = "ecs:CreateAction"
      values   = ["RegisterTaskDefinition"]
    }
  }
  statement {
    sid       = "HandOverRoles"
    actions   = ["iam:PassRole"]
    resources = var.role_arns
    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
  # The judge compares what both versions said of the same subscribers. It reads their records, and changes none.
  dynamic "statement" {
    for_each = var.prediction_log[*]
    content {
      sid       = "ListLog"
      actions   = ["s3:ListBucket"]
      resources = [statement.value.bucket_arn]
      condition {
        test     = "StringLike"
        variable = "s3:prefix"
        values   = ["${statement.value.prefix}/*"]
      }
    }
  }
  dynamic "statement" {
    for_each = var.prediction_log[*]
    content {
      sid       = "ReadLog"
      actions   = ["s3:GetObject"]
      resources = ["${statement.value.bucket_arn}/${statement.value.prefix}/*"]
    }
  }
  dynamic "statement" {
    for_each = var.prediction_log[*]
    content {
      sid       = "UseKeyOfLog"
      actions   = ["kms:Decrypt"]
      resources = [statement.value.kms_key_arn]
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${data.aws_region.current.name}.amazonaws.com"]
      }
    }
  }
}

resource "aws_iam_policy" "this" {
  name        = "${var.name}-rollout"
  description = "Moves weights between the versions of ${var.name}, and starts and stops their tasks"
  policy      = data.aws_iam_policy_document.this.json
}

resource "aws_security_group" "this" {
  # checkov:skip=CKV2_AWS_5:The machine that carries rollouts out attaches it.
  name        = "${var.name}-rollout"
  description = "Whoever has this group may ask the tasks of ${var.name}"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-rollout" }
}

resource "aws_vpc_security_group_egress_rule" "to_tasks" {
  security_group_id            = aws_security_group.this.id
  description                  = "Counts of each task"
  referenced_security_group_id = var.tasks_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = var.container_port
  to_port                      = var.container_port
}

resource "aws_vpc_security_group_ingress_rule" "tasks_from_rollout" {
  security_group_id            = var.tasks_security_group_id
  description                  = "Counts of each task"
  referenced_security_group_id = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = var.container_port
  to_port                      = var.container_port
}
