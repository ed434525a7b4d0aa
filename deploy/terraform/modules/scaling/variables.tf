variable "cluster" {
  description = "The cluster's name."
  type        = string
}

variable "service" {
  description = "The stable service's name."
  type        = string
}

variable "tasks" {
  description = "The bounds of scaling. The minimum must carry the usual load alone: a rollback sends it all to the stable tasks."
  type        = object({ minimum = number, maximum = number })

  validation {
    condition     = var.tasks.minimum >= 2 && var.tasks.minimum <= var.tasks.maximum && floor(var.tasks.minimum) == var.tasks.minimum && floor(var.tasks.maximum) == var.tasks.maximum
    error_message = "tasks must have whole numbers, a minimum of at least 2, so that a zone may fail, and a maximum that is not below it."
  }
}

variable "cpu_target_percent" {
  description = "The average CPU that scaling aims at."
  type        = number
  default     = 60

  validation {
    condition     = var.cpu_target_percent >= 20 && var.cpu_target_percent <= 80
    error_message = "cpu_target_percent must be from 20 to 80: below, tasks idle; above, there is no room until new ones are there."
  }
}
