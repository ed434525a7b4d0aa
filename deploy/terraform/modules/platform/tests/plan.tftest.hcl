# What is planned, where AWS is not asked.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

run "an_existing_network_is_left_as_it_is" {
  command = plan
  variables {
    existing_network         = { vpc_id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"], endpoints_security_group_id = "sg-1" }
    portal_security_group_id = "sg-2"
  }
  assert {
    condition     = length(module.network) == 0 && length(aws_security_group.portal) == 0
    error_message = "a VPC or a group was made although there is one"
  }
  assert {
    condition     = output.platform.portal_security_group_id == "sg-2"
    error_message = "another group than the portal's would be let in"
  }
  assert {
    condition     = length(module.delivery) == 0 && output.github == null
    error_message = "a role for GitHub was made that nobody asked for"
  }
}

run "a_listener_without_a_certificate_speaks_http_and_with_one_tls" {
  command = plan
  module { source = "../load_balancer" }
  variables {
    name                     = "churn"
    network                  = { vpc_id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"] }
    portal_security_group_id = "sg-1"
    container_port           = 8000
    protected                = true
  }
  assert {
    condition     = aws_lb_listener.this.protocol == "HTTP" && aws_lb_listener.this.port == 80
    error_message = "not HTTP on 80"
  }
  assert {
    condition     = aws_lb.this.internal && aws_lb.this.drop_invalid_header_fields && aws_lb.this.idle_timeout < 75
    error_message = "the load balancer is public, takes invalid headers, or outlives the service's idle connections"
  }
}

run "tls" {
  command = plan
  module { source = "../load_balancer" }
  variables {
    name                     = "churn"
    network                  = { vpc_id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"] }
    portal_security_group_id = "sg-1"
    container_port           = 8000
    protected                = true
    tls                      = { certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/one", host_name = "churn.example.com" }
  }
  assert {
    condition     = aws_lb_listener.this.protocol == "HTTPS" && aws_lb_listener.this.port == 443 && output.url == "https://churn.example.com"
    error_message = "not TLS on 443 under the certificate's name"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.portal.from_port == 443 && aws_vpc_security_group_ingress_rule.portal.to_port == 443
    error_message = "the portal is let in elsewhere than at the listener"
  }
}

run "a_name_of_25_characters_is_just_short_enough" {
  command = plan
  module { source = "../load_balancer" }
  variables {
    name                     = "streamflow-churn-api-test"
    network                  = { vpc_id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"] }
    portal_security_group_id = "sg-1"
    container_port           = 8000
    protected                = true
  }
  assert {
    condition     = length(aws_lb_target_group.this["canary"].name) == 32
    error_message = "the rule for names is not the one of target groups"
  }
}

run "no_network" {
  command         = plan
  expect_failures = [var.network]
}

run "two_networks" {
  command = plan
  variables {
    network          = { availability_zones = ["us-east-1a", "us-east-1b"] }
    existing_network = { vpc_id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"], endpoints_security_group_id = "sg-1" }
  }
  expect_failures = [var.network]
}
