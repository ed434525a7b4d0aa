# What somebody should hear of. docs/runbook.md says what each means and what to do.

locals {
  tracks = toset(["stable", "canary", "baseline"])
  # As CloudWatch names what it has figures of.
  behind = { for track in local.tracks : track => {
    LoadBalancer = var.dimensions.load_balancer, TargetGroup = var.dimensions.target_groups[track]
  } }
  tasks = { for track in local.tracks : track => { ClusterName = var.cluster, ServiceName = var.services[track] } }
}

resource "aws_cloudwatch_metric_alarm" "slow" {
  for_each                              = local.tracks
  alarm_name                            = "${var.name}-${each.key}-slow"
  alarm_description                     = "p99 of ${each.key} is above ${var.p99_limit_ms} ms."
  namespace                             = "AWS/ApplicationELB"
  metric_name                           = "TargetResponseTime"
  dimensions                            = local.behind[each.key]
  extended_statistic                    = "p99"
  evaluate_low_sample_count_percentiles = "ignore"
  comparison_operator                   = "GreaterThanThreshold"
  threshold                             = var.p99_limit_ms / 1000 # the metric is in seconds
  period                                = 60
  evaluation_periods                    = 5
  datapoints_to_alarm                   = 3
  treat_missing_data                    = "notBreaching"
  alarm_actions                         = var.topic_arns
  ok_actions                            = var.topic_arns
}

resource "aws_cloudwatch_metric_alarm" "failing" {
  for_each            = local.tracks
  alarm_name          = "${var.name}-${each.key}-failing"
  alarm_description   = "More than ${var.failing_limit_percent} % of ${each.key}'s answers are 5xx."
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.failing_limit_percent
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.topic_arns
  ok_actions          = var.topic_arns

  metric_query {
    id          = "share"
    label       = "5xx in percent, of 100 requests a minute or more"
    expression  = "IF(requests >= 100, 100 * FILL(errors, 0) / requests, 0)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { requests = "RequestCount", errors = "HTTPCode_Target_5XX_Count" }
    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value
        dimensions  = local.behind[each.key]
        stat        = "Sum"
        period      = 60
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "unanswered" {
  alarm_name          = "${var.name}-unanswered"
  alarm_description   = "The load balancer answers 5xx itself: no task did."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HTTPCode_ELB_5XX_Count"
  dimensions          = { LoadBalancer = var.dimensions.load_balancer }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 5
  period              = 60
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.topic_arns
  ok_actions          = var.topic_arns
}

resource "aws_cloudwatch_metric_alarm" "unhealthy" {
  for_each            = local.tracks
  alarm_name          = "${var.name}-${each.key}-unhealthy"
  alarm_description   = "A task of ${each.key} does not answer its health check."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "UnHealthyHostCount"
  dimensions          = local.behind[each.key]
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.topic_arns
  ok_actions          = var.topic_arns
}

resource "aws_cloudwatch_metric_alarm" "too_few" {
  alarm_name          = "${var.name}-stable-too-few"
  alarm_description   = "Fewer than ${var.tasks_minimum} stable tasks are healthy."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HealthyHostCount"
  dimensions          = local.behind["stable"]
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = var.tasks_minimum
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "breaching" # with no task at all there is no figure
  alarm_actions       = var.topic_arns
  ok_actions          = var.topic_arns
}

resource "aws_cloudwatch_metric_alarm" "saturated" {
  for_each = merge([for track in local.tracks : {
    "${track}-cpu"    = { track = track, metric = "CPUUtilization", limit_percent = 85, minutes = 10 }
    "${track}-memory" = { track = track, metric = "MemoryUtilization", limit_percent = 80, minutes = 5 }
  }]...)
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.metric} of ${each.value.track} is above ${each.value.limit_percent} %."
  namespace           = "AWS/ECS"
  metric_name         = each.value.metric
  dimensions          = local.tasks[each.value.track]
  statistic           = "Average"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.limit_percent
  period              = 60
  evaluation_periods  = each.value.minutes
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.topic_arns
  ok_actions          = var.topic_arns
}
