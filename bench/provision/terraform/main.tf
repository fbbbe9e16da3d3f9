# The resources of playbooks/provision.yml as a user of Terraform would write them, for an AWS API on this machine.
terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "access_key" { type = string }
variable "secret_key" {
  type      = string
  sensitive = true
}
variable "name" { type = string }
variable "public_key" { type = string }
variable "instance_count" {
  type    = number
  default = 1
}
variable "secrets" {
  type        = map(string)
  description = "Secrets by name. The playbook makes them; Terraform gets them made."
}

locals {
  tags = { "mcp:name" = var.name, "mcp:collection" = "mcp.aws" }
  port = 8000
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = var.access_key
  secret_key                  = var.secret_key
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_region_validation      = true
  s3_use_path_style           = true

  default_tags { tags = local.tags }

  endpoints {
    cloudwatch = var.endpoint
    ec2        = var.endpoint
    ecr        = var.endpoint
    elbv2      = var.endpoint
    iam        = var.endpoint
    logs       = var.endpoint
    s3         = var.endpoint
    sns        = var.endpoint
    ssm        = var.endpoint
    sts        = var.endpoint
  }
}

data "aws_caller_identity" "this" {}

data "aws_availability_zones" "this" { state = "available" }

locals {
  account = data.aws_caller_identity.this.account_id
  scope   = "us-east-1:${local.account}"
}
