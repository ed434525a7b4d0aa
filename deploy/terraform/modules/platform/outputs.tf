output "platform" {
  description = "What the commands of docs/runbook.md need."
  value = {
    region                   = local.region
    cluster                  = module.service.cluster.name
    services                 = module.service.services
    listener_arn             = module.load_balancer.listener_arn
    target_group_arns        = module.load_balancer.target_group_arns
    url                      = module.load_balancer.url
    load_balancer_dns_name   = module.load_balancer.dns_name
    log_group                = module.service.log_group
    secret_arns              = module.service.secret_arns
    prediction_log           = one([for made in module.prediction_log : { url = made.log.url, retention_days = made.log.retention_days, keeper_role_arn = made.keeper_role_arn }])
    repository_url           = module.registry.repository.url
    portal_security_group_id = local.portal
    tasks_minimum            = var.tasks.minimum
    alarms                   = module.alarms.names
    retraining               = one(module.retraining[*].names)
    rollout                  = { policy_arn = module.rollout.policy_arn, security_group_id = module.rollout.security_group_id }
  }
}

output "github" {
  description = "Variables for the workflow deliver; null without a GitHub repository."
  value = var.github == null ? null : {
    AWS_REGION         = local.region
    AWS_ROLE_ARN       = one(module.delivery[*].role_arn)
    ECS_CLUSTER        = module.service.cluster.name
    ECS_CANARY_SERVICE = module.service.services.canary
  }
}
