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
