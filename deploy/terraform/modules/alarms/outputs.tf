output "names" {
  description = "Of all alarms, sorted."
  value = sort(concat(
    [aws_cloudwatch_metric_alarm.unanswered.alarm_name, aws_cloudwatch_metric_alarm.too_few.alarm_name],
    aws_cloudwatch_metric_alarm.prediction_log[*].alarm_name,
    [for alarm in aws_cloudwatch_metric_alarm.slow : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.failing : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.unhealthy : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.saturated : alarm.alarm_name],
  ))
}
