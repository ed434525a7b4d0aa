output "platform" {
  description = "What the commands of docs/runbook.md need."
  value       = module.platform.platform
}

output "github" {
  description = "Variables for the workflow deliver."
  value       = module.platform.github
}
