# The role that the workflow .github/workflows/deliver.yaml takes: push an image, register the canary's task definition,
# start the canary. It cannot touch the stable service, the weights, or anything else.

locals {
  issuer = "token.actions.githubusercontent.com"
}

# An account can have but one provider for an issuer.
resource "aws_iam_openid_connect_provider" "github" {
  count          = var.github.oidc_provider_arn == null ? 1 : 0
  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [coalesce(var.github.oidc_provider_arn, one(aws_iam_openid_connect_provider.github[*].arn))]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
    # Only a job in that environment, which asks for reviewers.
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = ["repo:${var.github.repository}:environment:${var.github.environment}"]
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = "${var.name}-delivery"
  description          = "Releases from GitHub, and starts the canary"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 3600
}

data "aws_iam_policy_document" "this" {
  # checkov:skip=CKV_AWS_356:For what stands under * AWS knows no narrower resource; a task definition does nothing until a service takes it.
  # checkov:skip=CKV_AWS_111:Registering a task definition is the one such right that writes, and PassRole below says what it may hand over.
  statement {
    sid       = "NoNarrowerResource"
    actions   = ["ecr:GetAuthorizationToken", "ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"]
    resources = ["*"]
  }
  statement {
    sid = "Push"
    actions = [
      "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeRepositories",
      "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
    ]
    resources = [var.repository_arn]
  }
  statement {
    sid       = "TagWhatIsRegistered"
    actions   = ["ecs:TagResource"]
    resources = [var.canary_task_definitions_arn]
    condition {
      test     = "StringEquals"
      variable = "ecs:CreateAction"
      values   = ["RegisterTaskDefinition"]
    }
  }
  statement {
    sid       = "HandOverRoles"
    actions   = ["iam:PassRole"]
    resources = var.role_arns
    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
  statement {
    sid       = "StartCanary"
    actions   = ["ecs:DescribeServices", "ecs:UpdateService"]
    resources = [var.canary_service_arn]
  }
}

resource "aws_iam_role_policy" "this" {
  name   = "release-and-start-canary"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.this.json
}
