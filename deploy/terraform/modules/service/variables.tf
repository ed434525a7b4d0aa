variable "name" {
  description = "Of the cluster, the stable service and its task definitions. The canary's have -canary behind it, and the baseline's service has -baseline."
  type        = string
}

variable "network" {
  description = "Where tasks run, and the security group of the endpoints by which they reach AWS."
  type        = object({ vpc_id = string, subnet_ids = list(string), endpoints_security_group_id = string })
}

variable "repository_arn" {
  description = "The repository that images are pulled from."
  type        = string
}

variable "image" {
  description = "What the first revision of each task definition names. A release names its own image in the next one."
  type        = string
}

variable "kms_key_arn" {
  description = "The key that the log, secrets and predictions are encrypted with."
  type        = string
}

variable "load_balancer_security_group_id" {
  description = "The security group of those who ask the tasks."
  type        = string
}

variable "target_group_arns" {
  description = "Where the tasks of each track are entered."
  type        = object({ stable = string, canary = string, baseline = string })
}

variable "container_port" {
  description = "Where the service listens."
  type        = number
}

variable "task" {
  description = "Size of a task: CPU in units of 1/1024 vCPU, memory in MiB."
  type        = object({ cpu = number, memory_mib = number })
  default     = { cpu = 1024, memory_mib = 2048 }

  validation {
    condition = contains(
      lookup({
        256   = [512, 1024, 2048]
        512   = range(1024, 4097, 1024)
        1024  = range(2048, 8193, 1024)
        2048  = range(4096, 16385, 1024)
        4096  = range(8192, 30721, 1024)
        8192  = range(16384, 61441, 4096)
        16384 = range(32768, 122881, 8192)
      }, tostring(var.task.cpu), []),
      var.task.memory_mib
    )
    error_message = "task must be a pair that Fargate has, such as 256 with 512, 1024 or 2048; 512 with 1024 to 4096; 1024 with 2048 to 8192; 2048 with 4096 to 16384; 4096 with 8192 to 30720 (in steps of 1024)."
  }
}

variable "environment" {
  description = "Settings of the service; docs/settings.md lists them. No secrets: whoever may see a task definition sees them."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setintersection(keys(var.environment), ["DRAIN_SECONDS", "HOST", "MODEL_PATH", "MODEL_VERSION", "PORT"])) == 0
    error_message = "environment must not set DRAIN_SECONDS, which drain_seconds sets; HOST, MODEL_PATH or PORT, which the image sets; or MODEL_VERSION, which a release sets."
  }

  validation {
    condition     = length(setintersection(keys(var.environment), ["API_KEYS", "PREDICTION_LOG_SALT"])) == 0
    error_message = "environment must not set API_KEYS or PREDICTION_LOG_SALT: whoever may see a task definition would see them. Name them in secrets."
  }

  validation {
    condition     = length(setintersection(keys(var.environment), ["AWS_REGION", "CHURN_HOME", "PREDICTION_LOG", "PREDICTION_LOG_REMOVED_BY", "PREDICTION_LOG_RETENTION_DAYS"])) == 0
    error_message = "environment must not set AWS_REGION, CHURN_HOME, PREDICTION_LOG, PREDICTION_LOG_REMOVED_BY or PREDICTION_LOG_RETENTION_DAYS: prediction_log sets them, together with the bucket."
  }

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Z][A-Z0-9_]*$", name))])
    error_message = "environment must have names such as CHURN_THRESHOLD: capital letters, digits and underscores."
  }
}

variable "secrets" {
  description = "Settings that are secret, PREDICTION_LOG_SALT and API_KEYS: each with the ARN of a secret that holds it, and of its key if that is not AWS's own; or {}, and a secret is made for it, without a value."
  type        = map(object({ arn = optional(string), kms_key_arn = optional(string) }))
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.secrets), ["API_KEYS", "PREDICTION_LOG_SALT"])) == 0
    error_message = "secrets may have API_KEYS and PREDICTION_LOG_SALT; all else that the service can be told is no secret and stands in environment."
  }

  validation {
    condition     = alltrue([for secret in values(var.secrets) : secret.arn == null || can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}$", secret.arn))])
    error_message = "secrets must name a secret by its whole ARN with the six signs that AWS puts at its end, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-a1B2c3, without wildcards."
  }

  validation {
    condition     = alltrue([for secret in values(var.secrets) : secret.kms_key_arn == null || secret.arn != null && can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", secret.kms_key_arn))])
    error_message = "secrets may name a key only beside the ARN of a secret of your own, and by its ARN, arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

variable "prediction_log" {
  description = "Where predictions are logged; the module prediction_log says so. Null if they are not."
  type        = object({ url = string, objects_arn = string, retention_days = number })
  default     = null
}

variable "protected" {
  description = "Whether a secret that was removed can be got back for 30 days."
  type        = bool
}

variable "drain_seconds" {
  description = "How long a task that was told to stop says so on its health paths and still answers."
  type        = number
  default     = 5

  validation {
    condition     = var.drain_seconds >= 0
    error_message = "drain_seconds must not be negative."
  }
}

variable "stop_timeout_seconds" {
  description = "How long a task may take to stop before it is killed: draining, up to 20 s for requests in flight, then up to 20 s to put the last predictions."
  type        = number
  default     = 60

  validation {
    condition     = var.stop_timeout_seconds > var.drain_seconds + 20 && var.stop_timeout_seconds <= 120
    error_message = "stop_timeout_seconds must be longer than drain_seconds and 20 s for requests in flight together, else those are lost; Fargate takes at most 120."
  }

  validation {
    condition     = var.prediction_log == null || var.stop_timeout_seconds > var.drain_seconds + 40
    error_message = "stop_timeout_seconds must be longer than drain_seconds, 20 s for requests in flight and 20 s to put the last predictions together, else those are lost with the task."
  }
}

variable "log_retention_days" {
  description = "How long the log is kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days must be a number that CloudWatch takes: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731."
  }
}
