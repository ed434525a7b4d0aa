# An account to try things in: two zones, two tasks, HTTP within the VPC, and nothing that keeps it from being destroyed.

terraform {
  required_version = ">= 1.10" # for use_lockfile; the modules take 1.9
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
  backend "s3" {} # terraform init -backend-config=backend.hcl
}

provider "aws" {
  region = "us-east-1"
  default_tags {
    tags = { project = "streamflow-churn", environment = "staging" }
  }
}

module "platform" {
  source             = "../../modules/platform"
  network            = { availability_zones = ["us-east-1a", "us-east-1b"] }
  tasks              = { minimum = 2, maximum = 4 }
  secrets            = { PREDICTION_LOG_SALT = {} }
  prediction_log     = { retention_days = 7 }
  log_retention_days = 7
  protected          = false
}
