output "policy_arn" {
  description = "What whoever carries rollouts out may do."
  value       = aws_iam_policy.this.arn
}

output "security_group_id" {
  description = "What the machine puts on that carries them out."
  value       = aws_security_group.this.id
}
