variable "name" {
  description = "What everything is named after."
  type        = string
}

variable "cidr" {
  description = "Addresses of the VPC, such as 10.40.0.0/16. Each zone gets a sixteenth of them."
  type        = string

  validation {
    condition     = can(cidrsubnet(var.cidr, 4, 15)) && try(tonumber(split("/", var.cidr)[1]), 0) >= 16 && try(tonumber(split("/", var.cidr)[1]), 99) <= 24
    error_message = "cidr must be a block of IPv4 addresses from /16 to /24, such as 10.40.0.0/16: AWS takes no larger VPC, and subnets of a smaller one have no room for tasks."
  }
}

variable "availability_zones" {
  description = "Zones for tasks, load balancer and endpoints, such as us-east-1a. Each costs three more interface endpoints, four with secrets."
  type        = list(string)

  validation {
    condition     = length(distinct(var.availability_zones)) >= 2 && length(distinct(var.availability_zones)) == length(var.availability_zones) && length(var.availability_zones) <= 6
    error_message = "availability_zones must name two to six different zones: a load balancer needs at least two."
  }
}

variable "with_secrets" {
  description = "Whether tasks get settings from Secrets Manager, which needs an endpoint."
  type        = bool
  default     = false
}

variable "prediction_objects_arn" {
  description = "The objects of the prediction log, which tasks put and who carries rollouts out reads; null if there is none."
  type        = string
  default     = null
}
