output "network" {
  description = "Where tasks and load balancer run; the same shape as the platform's variable existing_network."
  value = {
    vpc_id                      = aws_vpc.this.id
    subnet_ids                  = [for zone in var.availability_zones : aws_subnet.private[zone].id]
    endpoints_security_group_id = aws_security_group.endpoints.id
  }
}
