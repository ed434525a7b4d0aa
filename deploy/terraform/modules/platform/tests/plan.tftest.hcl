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
    condition     = max([for group in aws_lb_target_group.this : length(group.name)]...) == 32
    error_message = "the rule for names is not the one of target groups"
  }
  assert {
    condition     = { for track, group in aws_lb_target_group.this : track => trimprefix(group.name, "streamflow-churn-api-test-") } == { stable = "stable", canary = "canary", baseline = "base" }
    error_message = "the rollout would not find the track of a target group by its name"
  }
  assert {
    condition     = var.initial_weights == { stable = 100, canary = 0, baseline = 0 }
    error_message = "a canary or a baseline gets requests before there is a rollout"
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

run "without_a_log_and_secrets_a_task_may_do_nothing_and_gets_no_volume" {
  command = plan
  variables {
    network = { availability_zones = ["us-east-1a", "us-east-1b"] }
  }
  assert {
    condition     = length(module.prediction_log) == 0 && output.platform.prediction_log == null && output.platform.secret_arns == {}
    error_message = "a bucket or a secret was made that nobody asked for"
  }
}

run "a_log_that_nobody_may_read_has_no_role" {
  command = plan
  module { source = "../prediction_log" }
  variables {
    name           = "churn"
    kms_key_arn    = "arn:aws:kms:us-east-1:123456789012:key/one"
    retention_days = 7
    keeper_arns    = []
    protected      = true
  }
  assert {
    condition     = length(aws_iam_role.keeper) == 0 && output.keeper_role_arn == null
    error_message = "a role was made that nobody may take, or anybody"
  }
  assert {
    condition     = !aws_s3_bucket.this.force_destroy && length(aws_s3_bucket_lifecycle_configuration.this.rule) == 8
    error_message = "records can be destroyed with the bucket, or a day has no rule"
  }
}

run "a_secret_of_ones_own_is_taken_and_none_is_made" {
  command = plan
  module { source = "../service" }
  variables {
    name                            = "churn"
    network                         = { vpc_id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"], endpoints_security_group_id = "sg-1" }
    load_balancer_security_group_id = "sg-1"
    target_group_arns               = { stable = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/stable/1", canary = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/canary/1", baseline = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/base/1" }
    container_port                  = 8000
    protected                       = true
    kms_key_arn                     = "arn:aws:kms:us-east-1:123456789012:key/one"
    repository_arn                  = "arn:aws:ecr:us-east-1:123456789012:repository/churn"
    image                           = "churn:unreleased"
    secrets                         = { API_KEYS = { arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:keys-a1B2c3" } }
  }
  assert {
    condition     = length(aws_secretsmanager_secret.this) == 0 && length(local.secret_keys) == 0
    error_message = "a secret was made beside the one that is named, or a key may be used that it does not have"
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this["canary"].container_definitions)[0].secrets == [{ name = "API_KEYS", valueFrom = "arn:aws:secretsmanager:us-east-1:123456789012:secret:keys-a1B2c3" }]
    error_message = "the task does not get the secret that is named"
  }
  assert {
    condition     = length(aws_iam_role_policy.task) == 0 && length(aws_ecs_task_definition.this["canary"].volume) == 0
    error_message = "a task without a log has a right or a volume"
  }
  assert {
    condition     = { for track, service in aws_ecs_service.this : track => "${service.name} ${service.desired_count}" } == { stable = "churn 0", canary = "churn-canary 0", baseline = "churn-baseline 0" }
    error_message = "a track has no service, or tasks before there is a release"
  }
  assert {
    condition     = keys(aws_ecs_task_definition.this) == ["canary", "stable"]
    error_message = "a baseline has task definitions of its own, so it might not run what stable does"
  }
}

run "a_rollout_may_change_the_three_services_and_register_for_stable_only" {
  command = plan
  module { source = "../rollout" }
  variables {
    name                        = "churn"
    vpc_id                      = "vpc-1"
    tasks_security_group_id     = "sg-1"
    container_port              = 8000
    cluster_arn                 = "arn:aws:ecs:us-east-1:123456789012:cluster/churn"
    service_arns                = { stable = "arn:stable", canary = "arn:canary", baseline = "arn:baseline" }
    listener_arn                = "arn:listener"
    stable_task_definitions_arn = "arn:definitions"
    role_arns                   = ["arn:role"]
    prediction_log              = null
  }
  assert {
    condition     = { for statement in data.aws_iam_policy_document.this.statement : statement.sid => join(" ", sort(statement.resources)) if !contains(statement.resources, "*") } == { MoveWeights = "arn:listener", RunVersions = "arn:baseline arn:canary arn:stable", TagWhatIsRegistered = "arn:definitions", HandOverRoles = "arn:role" }
    error_message = "a rollout has another right than on the listener, the three services and what it hands over"
  }
}

run "nothing_is_scheduled_that_nobody_asked_for" {
  command = plan
  variables {
    network = { availability_zones = ["us-east-1a", "us-east-1b"] }
  }
  assert {
    condition     = length(module.retraining) == 0 && output.platform.retraining == null
    error_message = "a retraining is scheduled that nobody asked for"
  }
}

run "retraining_without_a_log" {
  command = plan
  variables {
    network = { availability_zones = ["us-east-1a", "us-east-1b"] }
    retraining = {
      image          = "123456789012.dkr.ecr.us-east-1.amazonaws.com/training@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      repository_arn = "arn:aws:ecr:us-east-1:123456789012:repository/training"
      home           = { file_system_id = "fs-1", access_point_id = "fsap-1", security_group_id = "sg-3" }
      mlflow         = { tracking_uri = "https://mlflow.example.com", security_group_id = "sg-4" }
    }
  }
  expect_failures = [var.retraining]
}

run "a_retraining_reads_the_log_and_may_change_nothing_at_aws" {
  command = plan
  module { source = "../retraining" }
  variables {
    name               = "churn"
    network            = { vpc_id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"], endpoints_security_group_id = "sg-1" }
    cluster_arn        = "arn:aws:ecs:us-east-1:123456789012:cluster/churn"
    kms_key_arn        = "arn:aws:kms:us-east-1:123456789012:key/one"
    log_retention_days = 30
    log_url            = "s3://bucket/predictions"
    log_kept_days      = 90
    prediction_log     = { bucket_arn = "arn:aws:s3:::bucket", prefix = "predictions", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/one" }
    salt_arn           = "arn:aws:secretsmanager:us-east-1:123456789012:secret:salt-a1B2c3"
    retraining = {
      image          = "123456789012.dkr.ecr.us-east-1.amazonaws.com/training@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      repository_arn = "arn:aws:ecr:us-east-1:123456789012:repository/training"
      home           = { file_system_id = "fs-1", access_point_id = "fsap-1", security_group_id = "sg-3" }
      mlflow         = { tracking_uri = "https://mlflow.example.com", security_group_id = "sg-4" }
    }
  }
  assert {
    condition     = sort(flatten(data.aws_iam_policy_document.task.statement[*].actions)) == tolist(["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite", "kms:Decrypt", "s3:GetObject", "s3:ListBucket"])
    error_message = "the task may do more than read the log and use its home"
  }
  assert {
    condition     = sort(flatten(data.aws_iam_policy_document.schedule.statement[*].actions)) == tolist(["ecs:RunTask", "ecs:TagResource", "iam:PassRole"])
    error_message = "the schedule may do more than start the task"
  }
  assert {
    condition     = { for each in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment : each.name => each.value if each.name != "AWS_REGION" } == { CHURN_CONTRACT = "streamflow", CHURN_HOME = "/data", MLFLOW_TRACKING_URI = "https://mlflow.example.com", PREDICTION_LOG = "s3://bucket/predictions", PREDICTION_LOG_REMOVED_BY = "bucket", PREDICTION_LOG_RETENTION_DAYS = "90" }
    error_message = "the task does not find log, home or MLflow"
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].command == ["retrain", "--plan", "defaults"] && aws_cloudwatch_event_rule.this.schedule_expression == "cron(0 5 ? * MON *)" && aws_cloudwatch_event_target.this.ecs_target[0].task_count == 1
    error_message = "another command, another time, or more than one task"
  }
  assert {
    condition     = aws_cloudwatch_event_target.this.ecs_target[0].network_configuration[0].assign_public_ip == false
    error_message = "the task has a public address"
  }
}
