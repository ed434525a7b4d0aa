variable "name" {
  description = "What policy and security group are named after."
  type        = string
}

variable "vpc_id" {
  description = "Where the tasks run."
  type        = string
}

variable "tasks_security_group_id" {
  description = "The tasks' security group."
  type        = string
}

variable "container_port" {
  description = "Where the service listens."
  type        = number
}

variable "cluster_arn" {
  description = "The cluster whose tasks may be seen."
  type        = string
}

variable "service_arns" {
  description = "The services that may be changed, by track."
  type        = object({ stable = string, canary = string, baseline = string })
}

variable "listener_arn" {
  description = "The listener whose weights may be moved."
  type        = string
}

variable "stable_task_definitions_arn" {
  description = "All revisions of the stable service's task definition."
  type        = string
}

variable "role_arns" {
  description = "The roles that a task definition hands to ECS."
  type        = list(string)
}

variable "prediction_log" {
  description = "What it reads of the prediction log, to compare both versions' answers; null if there is no log."
  type        = object({ bucket_arn = string, prefix = string, kms_key_arn = string })
}
