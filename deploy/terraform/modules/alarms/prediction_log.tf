# What only the service's own log tells: that it cannot keep its predictions.

resource "aws_cloudwatch_log_metric_filter" "prediction_log" {
  count          = var.prediction_log_group == null ? 0 : 1
  name           = "${var.name}-prediction-log"
  log_group_name = var.prediction_log_group
  pattern        = "{ $.level = \"warning\" && ($.event = \"*the prediction log*\" || $.event = \"not all predictions*\") }"

  metric_transformation {
    namespace = var.name
    name      = "PredictionLogTrouble"
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "prediction_log" {
  count               = length(aws_cloudwatch_log_metric_filter.prediction_log)
  alarm_name          = "${var.name}-prediction-log"
  alarm_description   = "Predictions are not logged, or cannot be put into the bucket."
  namespace           = var.name
  metric_name         = "PredictionLogTrouble"
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.topic_arns
  ok_actions          = var.topic_arns
}
