# `churn retrain` by a schedule: a rule of EventBridge starts one task, which ends by itself. CHURN_HOME is a file system of
# yours, for the training file and the outcomes must outlive a task.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  full_name = "${var.name}-retraining"
  home      = "/data"
  account   = data.aws_caller_identity.current.account_id
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_338:How long logs are kept is a variable of the platform; what became of an attempt stands in MLflow.
  name              = "/ecs/${local.full_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_ecs_task_definition" "this" {
  # checkov:skip=CKV_AWS_336:MLflow and the export write temporary files; nothing of the image's own files can be written by its user.
  family                   = local.full_name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.retraining.task.cpu
  memory                   = var.retraining.task.memory_mib
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }

  volume {
    name = "home"
    efs_volume_configuration {
      file_system_id     = var.retraining.home.file_system_id
      transit_encryption = "ENABLED"
      authorization_config {
        access_point_id = var.retraining.home.access_point_id
        iam             = "ENABLED"
      }
    }
  }

  container_definitions = jsonencode([{
    name            = "retraining"
    image           = var.retraining.image
    essential       = true
    user            = "10001:10001"
    command         = ["retrain", "--plan", var.retraining.plan]
    mountPoints     = [{ sourceVolume = "home", containerPath = local.home, readOnly = false }]
    linuxParameters = { capabilities = { drop = ["ALL"] } }
    environment = [
      { name = "AWS_REGION", value = data.aws_region.current.name },
      { name = "CHURN_CONTRACT", value = var.retraining.contract },
      { name = "CHURN_HOME", value = local.home },
      { name = "MLFLOW_TRACKING_URI", value = var.retraining.mlflow.tracking_uri },
      { name = "PREDICTION_LOG", value = var.log_url },
      { name = "PREDICTION_LOG_REMOVED_BY", value = "bucket" },
      { name = "PREDICTION_LOG_RETENTION_DAYS", value = tostring(var.log_kept_days) },
    ]
    secrets = [{ name = "PREDICTION_LOG_SALT", valueFrom = var.salt_arn }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = data.aws_region.current.name
        awslogs-stream-prefix = "retraining"
      }
    }
  }])
}

resource "aws_cloudwatch_event_rule" "this" {
  name                = local.full_name
  description         = "Starts churn retrain, which says itself whether it is due"
  schedule_expression = var.retraining.schedule
}

resource "aws_cloudwatch_event_target" "this" {
  rule     = aws_cloudwatch_event_rule.this.name
  arn      = var.cluster_arn
  role_arn = aws_iam_role.schedule.arn

  ecs_target {
    task_definition_arn     = aws_ecs_task_definition.this.arn
    launch_type             = "FARGATE"
    platform_version        = "LATEST"
    task_count              = 1
    enable_ecs_managed_tags = true
    propagate_tags          = "TASK_DEFINITION"

    network_configuration {
      subnets          = var.network.subnet_ids
      security_groups  = [aws_security_group.this.id]
      assign_public_ip = false
    }
  }

  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 3
  }
}
