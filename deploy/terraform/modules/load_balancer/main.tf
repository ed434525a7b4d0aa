# An internal load balancer that splits requests by weight between the stable version, a canary, and the canary's baseline.

locals {
  port = var.tls == null ? 80 : 443
  # Behind the name. A baseline's is short, since a target group's name takes 32 characters.
  groups = { stable = "stable", canary = "canary", baseline = "base" }
}

resource "aws_security_group" "this" {
  name        = "${var.name}-load-balancer"
  description = "The load balancer of ${var.name}"
  vpc_id      = var.network.vpc_id
  tags        = { Name = "${var.name}-load-balancer" }
}

resource "aws_vpc_security_group_ingress_rule" "portal" {
  security_group_id            = aws_security_group.this.id
  description                  = "The portal, and nobody else"
  referenced_security_group_id = var.portal_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}

resource "aws_lb" "this" {
  # checkov:skip=CKV_AWS_150:Whether it is protected is a variable, true by default and in production.
  # checkov:skip=CKV_AWS_91:The service logs each request; the load balancer's own log needs a bucket, which access_logs_bucket names.
  # checkov:skip=CKV2_AWS_20:It has one listener, TLS where a certificate is given; there is none to redirect from.
  name                       = var.name
  internal                   = true
  load_balancer_type         = "application"
  subnets                    = var.network.subnet_ids
  security_groups            = [aws_security_group.this.id]
  idle_timeout               = 60 # seconds; the service hangs up after 75, so it never does so first
  drop_invalid_header_fields = true
  enable_deletion_protection = var.protected

  dynamic "access_logs" {
    for_each = var.access_logs_bucket[*]
    content {
      bucket  = access_logs.value
      prefix  = var.name
      enabled = true
    }
  }
}

# Without slow start: the first request is as fast as any, since nothing is loaded or compiled after a task is healthy.
# Without stickiness: a subscriber's cookie would override the weights.
resource "aws_lb_target_group" "this" {
  # checkov:skip=CKV_AWS_378:TLS ends at the load balancer; behind it, security groups let in nobody else.
  for_each             = local.groups
  name                 = "${var.name}-${each.value}"
  vpc_id               = var.network.vpc_id
  target_type          = "ip"
  protocol             = "HTTP"
  port                 = var.container_port
  deregistration_delay = 15 # seconds; an answer takes milliseconds
  slow_start           = 0

  health_check {
    path                = "/health"
    matcher             = "200"
    interval            = 30
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_lb_listener" "this" {
  # checkov:skip=CKV_AWS_2:TLS is on where a certificate is given, as in production.
  # checkov:skip=CKV_AWS_103:The policy below takes TLS 1.2 and newer where TLS is on.
  load_balancer_arn = aws_lb.this.arn
  port              = local.port
  protocol          = var.tls == null ? "HTTP" : "HTTPS"
  certificate_arn   = try(var.tls.certificate_arn, null)
  ssl_policy        = var.tls == null ? null : "ELBSecurityPolicy-TLS13-1-2-2021-06"

  default_action {
    type = "forward"
    forward {
      dynamic "target_group" {
        for_each = var.initial_weights
        content {
          arn    = aws_lb_target_group.this[target_group.key].arn
          weight = target_group.value
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [default_action] # the weights are the rollout's
  }
}
