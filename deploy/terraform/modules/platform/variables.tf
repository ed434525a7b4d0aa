# What each means in detail, and what is refused, stands in the module that uses it.

variable "name" {
  description = "What everything is named after. Another one lets a second platform live in the same account."
  type        = string
  default     = "streamflow-churn-api"
}

variable "network" {
  description = "A VPC to be made: its addresses, and the zones to use."
  type        = object({ cidr = optional(string, "10.40.0.0/16"), availability_zones = list(string) })
  default     = null

  validation {
    condition     = (var.network == null) != (var.existing_network == null)
    error_message = "Give either network, for a VPC to be made, or existing_network, and not both."
  }
}

variable "existing_network" {
  description = "A VPC that is there: private subnets in two zones or more, endpoints for ecr.api, ecr.dkr, logs, s3 (gateway, which lets predictions through to their bucket) and, with secrets, secretsmanager; and the security group of the former."
  type        = object({ vpc_id = string, subnet_ids = list(string), endpoints_security_group_id = string })
  default     = null
}

variable "portal_security_group_id" {
  description = "The portal's security group, which alone may send requests. If not given, one is made for the portal to put on."
  type        = string
  default     = null
}

variable "tls" {
  description = "The certificate in ACM, and the name that it is for. Plain HTTP within the VPC where there is none."
  type        = object({ certificate_arn = string, host_name = string })
  default     = null
}

variable "access_logs_bucket" {
  description = "A bucket that takes the load balancer's access logs, if they are wanted."
  type        = string
  default     = null
}

variable "task" {
  description = "Size of a task: CPU in units of 1/1024 vCPU, memory in MiB."
  type        = object({ cpu = number, memory_mib = number })
  default     = { cpu = 1024, memory_mib = 2048 }
}

variable "tasks" {
  description = "How many stable tasks there are at least and at most."
  type        = object({ minimum = number, maximum = number })
  default     = { minimum = 3, maximum = 12 }
}

variable "environment" {
  description = "Settings of the service; docs/settings.md lists them."
  type        = map(string)
  default     = {}
}

variable "secrets" {
  description = "Settings that are secret, PREDICTION_LOG_SALT and API_KEYS: each with the ARN of a secret of yours, or {}, and an empty one is made."
  type        = map(object({ arn = optional(string), kms_key_arn = optional(string) }))
  default     = {}
}

variable "prediction_log" {
  description = "How many days predictions are kept, and the ARNs of those who may read them and erase from them. Without it there is no bucket, and they are not logged."
  type        = object({ retention_days = optional(number, 90), keeper_arns = optional(list(string), []) })
  default     = null
}

variable "log_retention_days" {
  description = "How long the log of requests is kept."
  type        = number
  default     = 30
}

variable "alarm_topic_arns" {
  description = "SNS topics that are told of alarms."
  type        = list(string)
  default     = []
}

variable "github" {
  description = "The repository whose workflow releases, as OWNER/NAME, and its environment. oidc_provider_arn where the account has GitHub's provider already."
  type = object({
    repository        = string
    environment       = optional(string, "production")
    oidc_provider_arn = optional(string)
  })
  default = null
}

variable "retraining" {
  description = "churn retrain by a schedule: an image of yours by its digest, where CHURN_HOME (EFS) and MLflow are, and the plan. Nothing is scheduled if not given."
  type = object({
    schedule       = optional(string, "cron(0 5 ? * MON *)")
    image          = string
    repository_arn = string
    contract       = optional(string, "streamflow")
    plan           = optional(string, "defaults")
    task           = optional(object({ cpu = number, memory_mib = number }), { cpu = 2048, memory_mib = 8192 })
    home           = object({ file_system_id = string, access_point_id = string, security_group_id = string })
    mlflow         = object({ tracking_uri = string, security_group_id = string, port = optional(number, 443) })
  })
  default = null

  validation {
    condition     = var.retraining == null || (var.prediction_log != null && contains(keys(var.secrets), "PREDICTION_LOG_SALT"))
    error_message = "retraining needs prediction_log, which it learns from, and PREDICTION_LOG_SALT among secrets, by which it knows who is who."
  }
}

variable "protected" {
  description = "Whether a load balancer and a repository with images are kept from being destroyed."
  type        = bool
  default     = true
}
