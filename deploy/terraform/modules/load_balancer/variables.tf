variable "name" {
  description = "The load balancer's name; target groups get -stable, -canary and -base behind it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,24}$", var.name)) && !endswith(var.name, "-") && !startswith(var.name, "internal-")
    error_message = "name must begin with a letter and have at most 25 small letters, digits and hyphens: with -stable or -canary behind it, it names target groups, which take 32. AWS keeps internal- at the beginning to itself."
  }
}

variable "network" {
  description = "Where it runs."
  type        = object({ vpc_id = string, subnet_ids = list(string) })

  validation {
    condition     = length(distinct(var.network.subnet_ids)) >= 2
    error_message = "network.subnet_ids must name at least two subnets, in different zones: a load balancer needs two."
  }
}

variable "portal_security_group_id" {
  description = "The security group of those who may send requests."
  type        = string
}

variable "container_port" {
  description = "Where tasks listen."
  type        = number
}

variable "tls" {
  description = "The certificate in ACM, and the name that it is for. Plain HTTP within the VPC where there is none."
  type        = object({ certificate_arn = string, host_name = string })
  default     = null

  validation {
    condition     = var.tls == null || can(regex("^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$", var.tls.certificate_arn))
    error_message = "tls.certificate_arn must be the ARN of a certificate in ACM, arn:aws:acm:REGION:ACCOUNT:certificate/ID; leave tls out for plain HTTP."
  }

  validation {
    condition     = var.tls == null || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]+$", var.tls.host_name))
    error_message = "tls.host_name must be a host name that the certificate is for, such as churn.internal.example.com."
  }
}

variable "initial_weights" {
  description = "Percent of the requests that stable, canary and baseline get when the listener is made. Later changes are the rollout's, and this is ignored."
  type        = object({ stable = number, canary = number, baseline = optional(number, 0) })
  default     = { stable = 100, canary = 0 }

  validation {
    condition     = sum(values(var.initial_weights)) == 100 && min(values(var.initial_weights)...) >= 0
    error_message = "initial_weights must be percentages of at least 0 that make 100 together."
  }
}

variable "access_logs_bucket" {
  description = "A bucket that takes the load balancer's access logs. Without one there are none; the service logs each request itself."
  type        = string
  default     = null
}

variable "protected" {
  description = "Whether AWS refuses to delete the load balancer."
  type        = bool
}
