output "repository" {
  description = "The repository's address for Docker, and its ARN."
  value       = { url = aws_ecr_repository.this.repository_url, arn = aws_ecr_repository.this.arn }
}
