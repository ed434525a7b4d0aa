output "security_group_id" {
  description = "The load balancer's security group."
  value       = aws_security_group.this.id
}

output "listener_arn" {
  description = "The listener that has the weights."
  value       = aws_lb_listener.this.arn
}

output "target_group_arns" {
  description = "By track."
  value       = { for track, group in aws_lb_target_group.this : track => group.arn }
  depends_on  = [aws_lb_listener.this] # ECS takes only target groups that a load balancer has
}

output "dimensions" {
  description = "What CloudWatch calls the load balancer and its target groups."
  value = {
    load_balancer = aws_lb.this.arn_suffix
    target_groups = { for track, group in aws_lb_target_group.this : track => group.arn_suffix }
  }
}

output "dns_name" {
  description = "The load balancer's own name."
  value       = aws_lb.this.dns_name
}

output "url" {
  description = "Where the portal sends its requests."
  value       = var.tls == null ? "http://${aws_lb.this.dns_name}" : "https://${var.tls.host_name}"
}
