variable "name" {
  description = "What the role is named after."
  type        = string
}

variable "github" {
  description = "The repository whose workflow releases, as OWNER/NAME, and its environment. oidc_provider_arn where the account has GitHub's provider already."
  type = object({
    repository        = string
    environment       = optional(string, "production")
    oidc_provider_arn = optional(string)
  })

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github.repository))
    error_message = "github.repository must be OWNER/NAME, without wildcards: whoever matches it may release."
  }

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+$", var.github.environment))
    error_message = "github.environment must be the name of an environment, without wildcards."
  }
}

variable "repository_arn" {
  description = "The repository of images."
  type        = string
}

variable "canary_service_arn" {
  description = "The service that may be started."
  type        = string
}

variable "canary_task_definitions_arn" {
  description = "All revisions of the canary's task definition."
  type        = string
}

variable "role_arns" {
  description = "The roles that a task definition hands to ECS."
  type        = list(string)
}
