"""The platform at AWS, applied by the real Terraform; AWS by a stand-in (moto)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.aws_stand_in import Aws, aws_stand_in
from support.terraform_runs import Terraform, copy_of_terraform

BUCKET = "state"
STATE = "streamflow-churn/production.tfstate"
STABLE, CANARY, BASELINE = "streamflow-churn-api", "streamflow-churn-api-canary", "streamflow-churn-api-baseline"
GITHUB = "octo/churn"
RETENTION_DAYS = 9
KEEPER = "arn:aws:iam::123456789012:user/keeper"


@dataclass(frozen=True)
class Platform:
    """What was applied, and the account that it is in."""

    terraform: Terraform
    aws: Aws
    outputs: dict[str, Any]

    def plan(self) -> tuple[int, str]:
        done = self.terraform.run("plan", "-detailed-exitcode", "-input=false", "-lock=false")
        return done.returncode, done.stdout + done.stderr

    def definition(self, family: str) -> dict[str, Any]:
        found: dict[str, Any] = self.aws.client("ecs").describe_task_definition(taskDefinition=family)["taskDefinition"]
        return found

    def service(self, name: str) -> dict[str, Any]:
        (found,) = self.aws.client("ecs").describe_services(cluster=self.outputs["cluster"], services=[name])[
            "services"
        ]
        return dict(found)

    def weights(self) -> dict[str, int]:
        described = self.aws.client("elbv2").describe_listeners(ListenerArns=[self.outputs["listener_arn"]])
        (action,) = described["Listeners"][0]["DefaultActions"]
        arns = {arn: track for track, arn in self.outputs["target_group_arns"].items()}
        return {arns[group["TargetGroupArn"]]: group["Weight"] for group in action["ForwardConfig"]["TargetGroups"]}

    def weigh(self, canary: int) -> None:
        """As the runbook's `weights`."""
        share = {"stable": 100 - canary, "canary": canary, "baseline": 0}
        arns = self.outputs["target_group_arns"]
        groups = [{"TargetGroupArn": arns[track], "Weight": weight} for track, weight in share.items()]
        self.aws.client("elbv2").modify_listener(
            ListenerArn=self.outputs["listener_arn"],
            DefaultActions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
        )


@contextmanager
def applied_platform(folder: Path) -> Iterator[Platform]:
    """Production as its example says it, with TLS and GitHub's role, keys for callers, and a reader of the log."""
    folder = copy_of_terraform(folder) / "envs" / "production"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        with aws_stand_in() as aws:
            aws.client("s3").create_bucket(Bucket=BUCKET)
            terraform = Terraform(folder, {**aws.environment, "AWS_MAX_ATTEMPTS": "2"})
            example = (folder / "backend.hcl.example").read_text()
            (folder / "backend.hcl").write_text(example.replace("YOUR-BUCKET", BUCKET) + "use_path_style = true\n")
            certificate = aws.client("acm").request_certificate(DomainName="churn.example.com")["CertificateArn"]
            values = {
                "tls": {"certificate_arn": certificate, "host_name": "churn.example.com"},
                "alarm_topic_arns": [aws.client("sns").create_topic(Name="on-call")["TopicArn"]],
                "github": {"repository": GITHUB},
                "secrets": {"PREDICTION_LOG_SALT": {}, "API_KEYS": {}},
                "log_keeper_arns": [KEEPER],
            }
            (folder / "terraform.tfvars.json").write_text(json.dumps(values))
            # It is protected, which its destruction would have to lift first. Fewer days have fewer rules.
            main = folder / "main.tf"
            main.write_text(
                main.read_text()
                .replace("{ keeper_arns", f"{{ retention_days = {RETENTION_DAYS}, keeper_arns")
                .replace("  github           = var.github\n", "  github = var.github\n  protected = false\n")
            )
            terraform.initialise("-backend-config=backend.hcl")
            terraform.succeed("apply", "-auto-approve", "-input=false")
            outputs = json.loads(terraform.succeed("output", "-json"))
            yield Platform(terraform, aws, outputs["platform"]["value"] | {"github": outputs["github"]["value"]})
