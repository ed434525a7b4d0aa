variable "name" {
  description = "What bucket and role are named after."
  type        = string
}

variable "kms_key_arn" {
  description = "The key that records are encrypted with."
  type        = string
}

variable "retention_days" {
  description = "How many days a record is kept."
  type        = number

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 900 && floor(var.retention_days) == var.retention_days
    error_message = "prediction_log.retention_days must be a whole number from 1 to 900: there is a rule for each day, and a bucket takes 1000."
  }
}

variable "keeper_arns" {
  description = "The roles or users who may take the role that reads the log and erases from it; nobody if there are none."
  type        = list(string)

  validation {
    condition     = alltrue([for arn in var.keeper_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "prediction_log.keeper_arns must be ARNs of roles or users, arn:aws:iam::ACCOUNT:role/NAME, without wildcards: whoever is named may read what is known of subscribers."
  }
}

variable "protected" {
  description = "Whether Terraform refuses to destroy a bucket that has records."
  type        = bool
}
