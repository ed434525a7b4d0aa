# All of it, put together; envs/ has one call of this for each account.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  account        = data.aws_caller_identity.current.account_id
  region         = data.aws_region.current.name
  container_port = 8000
  # All of the account.
  task_definitions = "arn:${data.aws_partition.current.partition}:ecs:${local.region}:${local.account}:task-definition"
  network          = var.existing_network != null ? var.existing_network : one(module.network[*].network)
  prediction_log   = one(module.prediction_log[*].log)
  portal           = var.portal_security_group_id != null ? var.portal_security_group_id : one(aws_security_group.portal[*].id)
}

module "network" {
  source             = "../network"
  count              = var.network == null ? 0 : 1
  name               = var.name
  cidr               = var.network.cidr
  availability_zones = var.network.availability_zones

  with_secrets           = length(var.secrets) > 0
  prediction_objects_arn = try(local.prediction_log.objects_arn, null)
}

# For the portal to put on, where it has no group of its own in this VPC.
resource "aws_security_group" "portal" {
  # checkov:skip=CKV2_AWS_5:The portal attaches it.
  count       = var.portal_security_group_id == null ? 1 : 0
  name        = "${var.name}-portal"
  description = "Whoever has this group may ask ${var.name}"
  vpc_id      = local.network.vpc_id
  tags        = { Name = "${var.name}-portal" }
}

module "registry" {
  source      = "../registry"
  name        = var.name
  kms_key_arn = aws_kms_key.this.arn
  protected   = var.protected
}

module "prediction_log" {
  source         = "../prediction_log"
  count          = var.prediction_log == null ? 0 : 1
  name           = var.name
  kms_key_arn    = aws_kms_key.this.arn
  retention_days = var.prediction_log.retention_days
  keeper_arns    = var.prediction_log.keeper_arns
  protected      = var.protected
}

module "load_balancer" {
  source                   = "../load_balancer"
  name                     = var.name
  network                  = local.network
  portal_security_group_id = local.portal
  container_port           = local.container_port
  tls                      = var.tls
  access_logs_bucket       = var.access_logs_bucket
  protected                = var.protected
}

module "service" {
  source                          = "../service"
  name                            = var.name
  network                         = local.network
  repository_arn                  = module.registry.repository.arn
  image                           = "${module.registry.repository.url}:unreleased" # the first release names a real one
  kms_key_arn                     = aws_kms_key.this.arn
  load_balancer_security_group_id = module.load_balancer.security_group_id
  target_group_arns               = module.load_balancer.target_group_arns
  container_port                  = local.container_port
  task                            = var.task
  environment                     = var.environment
  secrets                         = var.secrets
  prediction_log                  = local.prediction_log
  log_retention_days              = var.log_retention_days
  protected                       = var.protected

  depends_on = [aws_kms_key_policy.this] # else the log group may not use the key yet
}

module "scaling" {
  source  = "../scaling"
  cluster = module.service.cluster.name
  service = module.service.services.stable
  tasks   = var.tasks
}

module "alarms" {
  source        = "../alarms"
  name          = var.name
  dimensions    = module.load_balancer.dimensions
  cluster       = module.service.cluster.name
  services      = module.service.services
  tasks_minimum = var.tasks.minimum
  topic_arns    = var.alarm_topic_arns

  prediction_log_group = var.prediction_log == null ? null : module.service.log_group
}

module "delivery" {
  source                      = "../delivery"
  count                       = var.github == null ? 0 : 1
  name                        = var.name
  github                      = var.github
  repository_arn              = module.registry.repository.arn
  canary_service_arn          = module.service.service_arns.canary
  canary_task_definitions_arn = "${local.task_definitions}/${module.service.services.canary}:*"
  role_arns                   = module.service.role_arns
}

module "rollout" {
  source                      = "../rollout"
  name                        = var.name
  vpc_id                      = local.network.vpc_id
  tasks_security_group_id     = module.service.security_group_id
  container_port              = local.container_port
  cluster_arn                 = module.service.cluster.arn
  service_arns                = module.service.service_arns
  listener_arn                = module.load_balancer.listener_arn
  stable_task_definitions_arn = "${local.task_definitions}/${module.service.services.stable}:*"
  role_arns                   = module.service.role_arns
  prediction_log              = one(module.prediction_log[*].reading)
}

module "retraining" {
  source             = "../retraining"
  count              = var.retraining == null ? 0 : 1
  name               = var.name
  network            = local.network
  cluster_arn        = module.service.cluster.arn
  kms_key_arn        = aws_kms_key.this.arn
  log_retention_days = var.log_retention_days
  log_url            = local.prediction_log.url
  log_kept_days      = local.prediction_log.retention_days
  prediction_log     = one(module.prediction_log[*].reading)
  salt_arn           = module.service.secret_arns["PREDICTION_LOG_SALT"]
  salt_key_arn       = module.service.salt_key_arn
  retraining         = var.retraining

  depends_on = [aws_kms_key_policy.this] # else the log group may not use the key yet
}
