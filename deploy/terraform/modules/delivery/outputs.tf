output "role_arn" {
  description = "What the workflow takes."
  value       = aws_iam_role.this.arn
}
