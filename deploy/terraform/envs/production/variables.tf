variable "tls" {
  description = "The certificate in ACM, and the name that it is for."
  type        = object({ certificate_arn = string, host_name = string })
}

variable "alarm_topic_arns" {
  description = "SNS topics that are told of alarms."
  type        = list(string)
}

variable "github" {
  description = "The repository whose workflow releases: repository = OWNER/NAME."
  type        = object({ repository = string, oidc_provider_arn = optional(string) })
}

variable "secrets" {
  description = "Settings that are secret. PREDICTION_LOG_SALT hashes subscribers' keys in the log; API_KEYS has the keys of callers."
  type        = map(object({ arn = optional(string), kms_key_arn = optional(string) }))
  default     = { PREDICTION_LOG_SALT = {} }
}

variable "log_keeper_arns" {
  description = "ARNs of the roles or users who may read the prediction log and erase from it."
  type        = list(string)
}
