# The task asks AWS's endpoints, its home and MLflow. Nobody asks it.

data "aws_ec2_managed_prefix_list" "s3" {
  name = "com.amazonaws.${data.aws_region.current.name}.s3"
}

locals {
  asked = {
    endpoints = { group = var.network.endpoints_security_group_id, port = 443 }
    home      = { group = var.retraining.home.security_group_id, port = 2049 }
    mlflow    = { group = var.retraining.mlflow.security_group_id, port = var.retraining.mlflow.port }
  }
}

resource "aws_security_group" "this" {
  name        = local.full_name
  description = "The task of ${local.full_name}"
  vpc_id      = var.network.vpc_id
  tags        = { Name = local.full_name }
}

resource "aws_vpc_security_group_egress_rule" "asks" {
  for_each                     = local.asked
  security_group_id            = aws_security_group.this.id
  description                  = "To ${each.key}"
  referenced_security_group_id = each.value.group
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_ingress_rule" "is_asked" {
  for_each                     = local.asked
  security_group_id            = each.value.group
  description                  = "From ${local.full_name}"
  referenced_security_group_id = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "to_s3" {
  security_group_id = aws_security_group.this.id
  description       = "Layers of images, and the prediction log, in S3"
  prefix_list_id    = data.aws_ec2_managed_prefix_list.s3.id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
