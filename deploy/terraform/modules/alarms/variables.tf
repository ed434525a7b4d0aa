variable "name" {
  description = "What the alarms' names begin with."
  type        = string
}

variable "dimensions" {
  description = "What CloudWatch calls the load balancer and its target groups; the module load_balancer says so."
  type        = object({ load_balancer = string, target_groups = object({ stable = string, canary = string, baseline = string }) })
}

variable "cluster" {
  description = "The cluster's name."
  type        = string
}

variable "services" {
  description = "The services' names."
  type        = object({ stable = string, canary = string, baseline = string })
}

variable "tasks_minimum" {
  description = "How many healthy stable tasks there should be at least."
  type        = number
}

variable "prediction_log_group" {
  description = "The log group in whose lines the service says that it cannot keep its predictions; null where they are not logged."
  type        = string
  default     = null
}

variable "p99_limit_ms" {
  description = "What 99 % of the answers must keep, as the load balancer sees it, in milliseconds."
  type        = number
  default     = 200

  validation {
    condition     = var.p99_limit_ms > 0 && var.p99_limit_ms <= 10000
    error_message = "p99_limit_ms is in milliseconds, above 0 and at most 10000."
  }
}

variable "failing_limit_percent" {
  description = "The share of 5xx answers that is one too many, in percent."
  type        = number
  default     = 1

  validation {
    condition     = var.failing_limit_percent > 0 && var.failing_limit_percent < 100
    error_message = "failing_limit_percent is a percentage, above 0 and below 100."
  }
}

variable "topic_arns" {
  description = "SNS topics that are told when an alarm rises or ends."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.topic_arns : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$", arn))])
    error_message = "topic_arns must be ARNs of SNS topics: arn:aws:sns:REGION:ACCOUNT:NAME."
  }
}
