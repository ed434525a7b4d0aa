output "names" {
  description = "The rule, and the family of task definitions."
  value       = { rule = aws_cloudwatch_event_rule.this.name, family = aws_ecs_task_definition.this.family }
}
