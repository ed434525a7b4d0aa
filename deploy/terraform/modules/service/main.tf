# The cluster, and in it one service for each track: what most subscribers get, the canary, and its baseline. After creation,
# which revision runs and how many tasks are the rollout's: see docs/decisions/0017.

data "aws_region" "current" {}

locals {
  # A family of task definitions has the name of its service. A baseline runs what stable does, so it has no family.
  families = { stable = var.name, canary = "${var.name}-canary" }
  services = merge(local.families, { baseline = "${var.name}-baseline" })
  home     = "/data" # in the image a volume that the service's user owns
  settings = merge(var.environment, { DRAIN_SECONDS = tostring(var.drain_seconds) }, var.prediction_log == null ? {} : {
    AWS_REGION                    = data.aws_region.current.name
    CHURN_HOME                    = local.home
    PREDICTION_LOG                = var.prediction_log.url
    PREDICTION_LOG_REMOVED_BY     = "bucket"
    PREDICTION_LOG_RETENTION_DAYS = tostring(var.prediction_log.retention_days)
  })
}

resource "aws_ecs_cluster" "this" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_338:How long logs are kept is a variable, validated; a year of each request's line is nobody's need.
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_ecs_task_definition" "this" {
  for_each                 = local.families
  family                   = each.value
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.task.cpu
  memory                   = var.task.memory_mib
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }

  dynamic "volume" {
    for_each = var.prediction_log[*]
    content {
      name = "home" # of the task, and gone with it
    }
  }

  container_definitions = jsonencode([{
    name      = "service"
    image     = var.image
    essential = true
    user      = "10001:10001"
    # The service writes no file but the journals of its predictions, until they are closed and put into the bucket.
    readonlyRootFilesystem = true
    mountPoints            = var.prediction_log == null ? null : [{ sourceVolume = "home", containerPath = local.home, readOnly = false }]
    linuxParameters        = { capabilities = { drop = ["ALL"] } }
    portMappings           = [{ containerPort = var.container_port, protocol = "tcp" }]
    environment            = [for name, value in local.settings : { name = name, value = value }]
    secrets                = length(var.secrets) == 0 ? null : [for name, arn in local.secret_arns : { name = name, valueFrom = arn }]
    stopTimeout            = var.stop_timeout_seconds
    # As in the image, of which ECS takes no health check.
    healthCheck = {
      command     = ["CMD", "/opt/churn/bin/python", "-I", "-S", "/opt/churn/healthy.py"]
      interval    = 30
      timeout     = 5
      retries     = 3
      startPeriod = 10
    }
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = data.aws_region.current.name
        awslogs-stream-prefix = each.key
        # Should CloudWatch be slow, no request waits for it.
        mode            = "non-blocking"
        max-buffer-size = "25m"
      }
    }
  }])
}

resource "aws_ecs_service" "this" {
  for_each                           = local.services
  name                               = each.value
  cluster                            = aws_ecs_cluster.this.id
  task_definition                    = aws_ecs_task_definition.this[each.key == "baseline" ? "stable" : each.key].arn
  desired_count                      = 0 # nothing is released yet
  launch_type                        = "FARGATE"
  platform_version                   = "LATEST"
  propagate_tags                     = "SERVICE"
  enable_ecs_managed_tags            = true
  availability_zone_rebalancing      = "ENABLED"
  health_check_grace_period_seconds  = 60
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.network.subnet_ids
    security_groups  = [aws_security_group.tasks.id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = var.target_group_arns[each.key]
    container_name   = "service"
    container_port   = var.container_port
  }

  lifecycle {
    ignore_changes = [desired_count, task_definition]
  }

  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.task]
}
