# What is refused, each for one reason. A run plans the module that has the rule.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

# Beside what is refused, everything is as it may be.
variables {
  name                            = "churn"
  cidr                            = "10.40.0.0/16"
  availability_zones              = ["us-east-1a", "us-east-1b"]
  network                         = { vpc_id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"], endpoints_security_group_id = "sg-1" }
  portal_security_group_id        = "sg-1"
  load_balancer_security_group_id = "sg-1"
  target_group_arns               = { stable = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/stable/1", canary = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/canary/1", baseline = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/base/1" }
  container_port                  = 8000
  protected                       = true
  kms_key_arn                     = "arn:aws:kms:us-east-1:123456789012:key/one"
  repository_arn                  = "arn:aws:ecr:us-east-1:123456789012:repository/churn"
  image                           = "churn:unreleased"
  cluster                         = "churn"
  service                         = "churn"
  services                        = { stable = "churn", canary = "churn-canary", baseline = "churn-baseline" }
  tasks                           = { minimum = 3, maximum = 12 }
  tasks_minimum                   = 3
  dimensions                      = { load_balancer = "app/churn/1", target_groups = { stable = "targetgroup/stable/1", canary = "targetgroup/canary/1", baseline = "targetgroup/base/1" } }
  canary_service_arn              = "arn:aws:ecs:us-east-1:123456789012:service/churn/churn-canary"
  canary_task_definitions_arn     = "arn:aws:ecs:us-east-1:123456789012:task-definition/churn-canary:*"
  role_arns                       = []
  retention_days                  = 90
  keeper_arns                     = ["arn:aws:iam::123456789012:role/on-call"]
}

run "a_network_of_one_zone" {
  command = plan
  module { source = "../network" }
  variables {
    availability_zones = ["us-east-1a"]
  }
  expect_failures = [var.availability_zones]
}

run "a_zone_twice" {
  command = plan
  module { source = "../network" }
  variables {
    availability_zones = ["us-east-1a", "us-east-1a"]
  }
  expect_failures = [var.availability_zones]
}

run "addresses_that_are_too_few" {
  command = plan
  module { source = "../network" }
  variables {
    cidr = "10.40.0.0/26"
  }
  expect_failures = [var.cidr]
}

run "so_few_images_that_one_which_runs_might_expire" {
  command = plan
  module { source = "../registry" }
  variables {
    images_kept = 3
  }
  expect_failures = [var.images_kept]
}

run "a_name_that_target_groups_could_not_have" {
  command = plan
  module { source = "../load_balancer" }
  variables {
    name = "streamflow-churn-api-trial" # 26 characters
  }
  expect_failures = [var.name]
}

run "a_load_balancer_in_one_subnet" {
  command = plan
  module { source = "../load_balancer" }
  variables {
    network = { vpc_id = "vpc-1", subnet_ids = ["subnet-1"] }
  }
  expect_failures = [var.network]
}

run "weights_that_are_not_all_of_the_requests" {
  command = plan
  module { source = "../load_balancer" }
  variables {
    initial_weights = { stable = 90, canary = 5 }
  }
  expect_failures = [var.initial_weights]
}

run "a_negative_weight" {
  command = plan
  module { source = "../load_balancer" }
  variables {
    initial_weights = { stable = 101, canary = 0, baseline = -1 }
  }
  expect_failures = [var.initial_weights]
}

run "tls_without_a_certificate_and_without_a_name" {
  command = plan
  module { source = "../load_balancer" }
  variables {
    tls = { certificate_arn = "", host_name = "" }
  }
  expect_failures = [var.tls]
}

run "a_task_that_fargate_does_not_have" {
  command = plan
  module { source = "../service" }
  variables {
    task = { cpu = 1024, memory_mib = 1024 }
  }
  expect_failures = [var.task]
}

run "a_cpu_that_fargate_does_not_have" {
  command = plan
  module { source = "../service" }
  variables {
    task = { cpu = 1000, memory_mib = 2048 }
  }
  expect_failures = [var.task]
}

run "killing_before_the_last_request_is_answered" {
  command = plan
  module { source = "../service" }
  variables {
    drain_seconds        = 10
    stop_timeout_seconds = 30
  }
  expect_failures = [var.stop_timeout_seconds]
}

run "killing_before_the_last_predictions_are_put" {
  command = plan
  module { source = "../service" }
  variables {
    prediction_log       = { url = "s3://bucket/predictions", objects_arn = "arn:aws:s3:::bucket/predictions/*", retention_days = 90 }
    stop_timeout_seconds = 45
  }
  expect_failures = [var.stop_timeout_seconds]
}

run "a_negative_time_of_draining" {
  command = plan
  module { source = "../service" }
  variables {
    drain_seconds = -1
  }
  expect_failures = [var.drain_seconds]
}

run "a_version_that_a_release_would_set" {
  command = plan
  module { source = "../service" }
  variables {
    environment = { MODEL_VERSION = "v1" }
  }
  expect_failures = [var.environment]
}

run "a_setting_that_has_no_such_name" {
  command = plan
  module { source = "../service" }
  variables {
    environment = { "churn-threshold" = "0.7" }
  }
  expect_failures = [var.environment]
}

run "a_retention_that_cloudwatch_does_not_have" {
  command = plan
  module { source = "../service" }
  variables {
    log_retention_days = 31
  }
  expect_failures = [var.log_retention_days]
}

run "more_tasks_at_least_than_at_most" {
  command = plan
  module { source = "../scaling" }
  variables {
    tasks = { minimum = 4, maximum = 3 }
  }
  expect_failures = [var.tasks]
}

run "one_task_alone" {
  command = plan
  module { source = "../scaling" }
  variables {
    tasks = { minimum = 1, maximum = 3 }
  }
  expect_failures = [var.tasks]
}

run "a_target_without_room" {
  command = plan
  module { source = "../scaling" }
  variables {
    cpu_target_percent = 95
  }
  expect_failures = [var.cpu_target_percent]
}

run "alarms_that_tell_nobody_who_exists" {
  command = plan
  module { source = "../alarms" }
  variables {
    topic_arns = ["on-call"]
  }
  expect_failures = [var.topic_arns]
}

run "a_limit_in_seconds_or_none" {
  command = plan
  module { source = "../alarms" }
  variables {
    p99_limit_ms = 0
  }
  expect_failures = [var.p99_limit_ms]
}

run "a_share_of_all" {
  command = plan
  module { source = "../alarms" }
  variables {
    failing_limit_percent = 100
  }
  expect_failures = [var.failing_limit_percent]
}

run "any_repository_of_an_owner" {
  command = plan
  module { source = "../delivery" }
  variables {
    github = { repository = "owner/*" }
  }
  expect_failures = [var.github]
}

run "any_environment" {
  command = plan
  module { source = "../delivery" }
  variables {
    github = { repository = "owner/name", environment = "*" }
  }
  expect_failures = [var.github]
}

run "a_secret_in_the_task_definition" {
  command = plan
  module { source = "../service" }
  variables {
    environment = { PREDICTION_LOG_SALT = "0123456789abcdef" }
  }
  expect_failures = [var.environment]
}

run "a_log_elsewhere_than_in_the_bucket" {
  command = plan
  module { source = "../service" }
  variables {
    environment = { PREDICTION_LOG = "s3://another/place" }
  }
  expect_failures = [var.environment]
}

run "a_secret_that_is_none" {
  command = plan
  module { source = "../service" }
  variables {
    secrets = { CHURN_THRESHOLD = {} }
  }
  expect_failures = [var.secrets]
}

run "secrets_of_any_name" {
  command = plan
  module { source = "../service" }
  variables {
    secrets = { API_KEYS = { arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:*" } }
  }
  expect_failures = [var.secrets]
}

run "a_key_without_its_secret" {
  command = plan
  module { source = "../service" }
  variables {
    secrets = { API_KEYS = { kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/one" } }
  }
  expect_failures = [var.secrets]
}

run "more_days_than_a_bucket_has_rules" {
  command = plan
  module { source = "../prediction_log" }
  variables {
    retention_days = 1000
  }
  expect_failures = [var.retention_days]
}

run "no_day" {
  command = plan
  module { source = "../prediction_log" }
  variables {
    retention_days = 0
  }
  expect_failures = [var.retention_days]
}

run "anybody_who_reads_the_log" {
  command = plan
  module { source = "../prediction_log" }
  variables {
    keeper_arns = ["*"]
  }
  expect_failures = [var.keeper_arns]
}

run "a_whole_account_that_reads_the_log" {
  command = plan
  module { source = "../prediction_log" }
  variables {
    keeper_arns = ["arn:aws:iam::123456789012:root"]
  }
  expect_failures = [var.keeper_arns]
}

run "a_retraining_every_minute" {
  command = plan
  module { source = "../retraining" }
  variables {
    cluster_arn        = "arn:aws:ecs:us-east-1:123456789012:cluster/churn"
    log_url            = "s3://bucket/predictions"
    log_kept_days      = 90
    log_retention_days = 30
    prediction_log     = { bucket_arn = "arn:aws:s3:::bucket", prefix = "predictions", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/one" }
    salt_arn           = "arn:aws:secretsmanager:us-east-1:123456789012:secret:salt-a1B2c3"
    retraining = {
      schedule       = "rate(1 minute)"
      image          = "123456789012.dkr.ecr.us-east-1.amazonaws.com/training@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      repository_arn = "arn:aws:ecr:us-east-1:123456789012:repository/training"
      home           = { file_system_id = "fs-1", access_point_id = "fsap-1", security_group_id = "sg-3" }
      mlflow         = { tracking_uri = "https://mlflow.example.com", security_group_id = "sg-4" }
    }
  }
  expect_failures = [var.retraining]
}

run "an_image_that_may_change" {
  command = plan
  module { source = "../retraining" }
  variables {
    cluster_arn        = "arn:aws:ecs:us-east-1:123456789012:cluster/churn"
    log_url            = "s3://bucket/predictions"
    log_kept_days      = 90
    log_retention_days = 30
    prediction_log     = { bucket_arn = "arn:aws:s3:::bucket", prefix = "predictions", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/one" }
    salt_arn           = "arn:aws:secretsmanager:us-east-1:123456789012:secret:salt-a1B2c3"
    retraining = {
      schedule       = "cron(0 5 ? * MON *)"
      image          = "123456789012.dkr.ecr.us-east-1.amazonaws.com/training:latest"
      repository_arn = "arn:aws:ecr:us-east-1:123456789012:repository/training"
      home           = { file_system_id = "fs-1", access_point_id = "fsap-1", security_group_id = "sg-3" }
      mlflow         = { tracking_uri = "https://mlflow.example.com", security_group_id = "sg-4" }
    }
  }
  expect_failures = [var.retraining]
}

run "a_password_in_an_address" {
  command = plan
  module { source = "../retraining" }
  variables {
    cluster_arn        = "arn:aws:ecs:us-east-1:123456789012:cluster/churn"
    log_url            = "s3://bucket/predictions"
    log_kept_days      = 90
    log_retention_days = 30
    prediction_log     = { bucket_arn = "arn:aws:s3:::bucket", prefix = "predictions", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/one" }
    salt_arn           = "arn:aws:secretsmanager:us-east-1:123456789012:secret:salt-a1B2c3"
    retraining = {
      schedule       = "cron(0 5 ? * MON *)"
      image          = "123456789012.dkr.ecr.us-east-1.amazonaws.com/training@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      repository_arn = "arn:aws:ecr:us-east-1:123456789012:repository/training"
      home           = { file_system_id = "fs-1", access_point_id = "fsap-1", security_group_id = "sg-3" }
      mlflow         = { tracking_uri = "https://me:secret@mlflow.example.com", security_group_id = "sg-4" }
    }
  }
  expect_failures = [var.retraining]
}
