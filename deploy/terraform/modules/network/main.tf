# A VPC of private subnets without a way to the internet. What tasks need of AWS, they reach by endpoints.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  region = data.aws_region.current.name
  # Who takes a task over cannot carry anything out by another account's keys. Images are pulled by a token of ECR's own, not
  # by a signed request, so their endpoint is left as it is.
  only_this_account = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyThisAccount"
      Effect    = "Allow"
      Principal = "*"
      Action    = "*"
      Resource  = "*"
      Condition = { StringEquals = { "aws:PrincipalAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
  subnet_index = { for index, zone in var.availability_zones : zone => index }
}

resource "aws_vpc" "this" {
  # checkov:skip=CKV2_AWS_11:Security groups name every peer and nothing leads outside; flow logs are the account's to decide, they cost by the gigabyte.
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = var.name }
}

# Without rules, so that nothing gets in or out by having been given no group.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id
}

resource "aws_subnet" "private" {
  for_each          = local.subnet_index
  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr, 4, each.value)
  tags              = { Name = "${var.name}-${each.key}" }
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = var.name }
}

resource "aws_route_table_association" "private" {
  for_each       = aws_subnet.private
  subnet_id      = each.value.id
  route_table_id = aws_route_table.private.id
}

# Who may use the endpoints is said by those who do: the module `service` adds its tasks.
resource "aws_security_group" "endpoints" {
  # checkov:skip=CKV2_AWS_5:It is attached to the interface endpoints below.
  name        = "${var.name}-endpoints"
  description = "AWS services as seen from ${var.name}"
  vpc_id      = aws_vpc.this.id
  tags        = { Name = "${var.name}-endpoints" }
}

resource "aws_vpc_endpoint" "interface" {
  for_each            = toset(concat(["ecr.api", "ecr.dkr", "logs"], var.with_secrets ? ["secretsmanager"] : []))
  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${local.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for subnet in aws_subnet.private : subnet.id]
  security_group_ids  = [aws_security_group.endpoints.id]
  policy              = each.key == "ecr.dkr" ? null : local.only_this_account
  tags                = { Name = "${var.name}-${each.key}" }
}

# ECR keeps the layers of images in a bucket of its own. Nothing else of S3 is needed but to put predictions.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${local.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private.id]
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "ImageLayers"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:GetObject"
        Resource  = "arn:aws:s3:::prod-${local.region}-starport-layer-bucket/*"
      }],
      [for objects_arn in var.prediction_objects_arn[*] : {
        Sid       = "Predictions"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["s3:GetObject", "s3:PutObject"] # tasks put; who carries rollouts out reads
        Resource  = objects_arn
      }],
      [for objects_arn in var.prediction_objects_arn[*] : {
        Sid       = "ListPredictions"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:ListBucket"
        Resource  = split("/", objects_arn)[0]
      }],
    )
  })
  tags = { Name = "${var.name}-s3" }
}
