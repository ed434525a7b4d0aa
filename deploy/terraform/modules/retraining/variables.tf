variable "name" {
  description = "Of the platform; all of retraining is named after it."
  type        = string
}

variable "network" {
  description = "Where the task runs, and the security group of the endpoints by which it reaches AWS."
  type        = object({ vpc_id = string, subnet_ids = list(string), endpoints_security_group_id = string })
}

variable "cluster_arn" {
  description = "The cluster that the task runs in."
  type        = string
}

variable "kms_key_arn" {
  description = "The key that the task's log is encrypted with."
  type        = string
}

variable "log_retention_days" {
  description = "How long the task's log is kept."
  type        = number
}

variable "log_url" {
  description = "Where predictions are logged."
  type        = string
}

variable "log_kept_days" {
  description = "How many days predictions are kept."
  type        = number
}

variable "prediction_log" {
  description = "What it reads of the prediction log."
  type        = object({ bucket_arn = string, prefix = string, kms_key_arn = string })
}

variable "salt_arn" {
  description = "The secret that holds PREDICTION_LOG_SALT."
  type        = string
}

variable "salt_key_arn" {
  description = "The key of that secret, if it is not AWS's own."
  type        = string
  default     = null
}

variable "retraining" {
  description = "When it is started, which image has `churn` with the extras training and rollout, where CHURN_HOME and MLflow are, and which plan in CHURN_HOME counts."
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

  validation {
    condition     = can(regex("^(cron\\([^()]+\\)|rate\\([1-9][0-9]* (hours?|days?)\\))$", var.retraining.schedule))
    error_message = "retraining.schedule must be EventBridge's cron(...) or rate(...), in hours or days: the command says itself whether it is due."
  }

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.retraining.image))
    error_message = "retraining.image must name an image by its digest, REPOSITORY@sha256:..., so that each attempt is of the same code."
  }

  validation {
    condition     = can(regex("^https?://[^@/ ]+(/[^@ ]*)?$", var.retraining.mlflow.tracking_uri))
    error_message = "retraining.mlflow.tracking_uri must be an address without a password: all who may see a task definition see it."
  }
}
