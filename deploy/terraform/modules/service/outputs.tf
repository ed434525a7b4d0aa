output "cluster" {
  description = "The cluster's name and ARN."
  value       = { name = aws_ecs_cluster.this.name, arn = aws_ecs_cluster.this.arn }
}

output "services" {
  description = "Names of the services, by track; the families of task definitions of stable and canary have the same."
  value       = { for track, service in aws_ecs_service.this : track => service.name }
}

output "service_arns" {
  description = "By track."
  value       = { for track, service in aws_ecs_service.this : track => service.id }
}

output "security_group_id" {
  description = "Of the tasks."
  value       = aws_security_group.tasks.id
}

output "role_arns" {
  description = "What a task definition hands to ECS."
  value       = [aws_iam_role.execution.arn, aws_iam_role.task.arn]
}

output "log_group" {
  description = "Where the log is."
  value       = aws_cloudwatch_log_group.this.name
}

output "secret_arns" {
  description = "By setting: the secret whose value tasks get."
  value       = local.secret_arns
}

output "salt_key_arn" {
  description = "The key of the secret that holds the salt; null if that is AWS's own, or if there is no salt."
  value       = try(var.secrets["PREDICTION_LOG_SALT"].arn == null ? var.kms_key_arn : var.secrets["PREDICTION_LOG_SALT"].kms_key_arn, null)
}
