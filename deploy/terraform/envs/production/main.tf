# The account in which subscribers are answered. Values of yours stand in terraform.tfvars; see terraform.tfvars.example.

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
    tags = { project = "streamflow-churn", environment = "production" }
  }
}

module "platform" {
  source           = "../../modules/platform"
  network          = { availability_zones = ["us-east-1a", "us-east-1b", "us-east-1c"] }
  tasks            = { minimum = 3, maximum = 12 }
  tls              = var.tls
  secrets          = var.secrets
  prediction_log   = { keeper_arns = var.log_keeper_arns }
  alarm_topic_arns = var.alarm_topic_arns
  github           = var.github
}
