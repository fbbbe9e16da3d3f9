"""The repository of role registry, read back with boto3. The tests build on each other, from top to bottom."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_account import Clients, Role, by_key

CREATE, DELETE = ["Create the repository"], ["Delete the repository with its images"]
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 1, "digest": "sha256:0"},
    "layers": [],
}


@pytest.fixture
def ecr(aws: Clients) -> Any:
    """Return a client of ECR."""
    return aws("ecr")


def read(ecr: Any) -> tuple[dict[str, Any], dict[str, str], list[Any]]:
    """Return the one repository, its tags and the rules of its lifecycle policy."""
    (repository,) = ecr.describe_repositories()["repositories"]
    tags = by_key(ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"])
    policy = json.loads(ecr.get_lifecycle_policy(repositoryName=repository["repositoryName"])["lifecyclePolicyText"])
    return repository, tags, policy["rules"]


def counts(rules: list[Any]) -> list[tuple[str, int]]:
    """Return what each rule counts, and to how many."""
    return [(rule["selection"]["countType"], rule["selection"]["countNumber"]) for rule in rules]


def test_the_repository_scans_keeps_its_tags_and_its_last_images(ecr: Any, name: str, tags: dict[str, str]) -> None:
    repository, found, rules = read(ecr)
    assert repository["repositoryName"] == name
    assert repository["imageScanningConfiguration"]["scanOnPush"] is True
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert found == tags
    assert counts(rules) == [("sinceImagePushed", 7), ("imageCountMoreThan", 10)]


def test_a_second_run_changes_nothing(role: Role) -> None:
    assert role.converge().changes == role.converge(check=True).changes == []


def test_a_setting_changes_as_announced(role: Role, ecr: Any) -> None:
    wanted = {"registry_keep_images": 3, "registry_immutable": False}
    assert role.converge(check=True, **wanted).changes == CREATE
    assert counts(read(ecr)[2])[1] == ("imageCountMoreThan", 10)
    assert role.converge(**wanted).changes == CREATE
    repository, _, rules = read(ecr)
    assert (repository["imageTagMutability"], counts(rules)[1]) == ("MUTABLE", ("imageCountMoreThan", 3))


def test_what_somebody_changed_by_hand_is_announced_and_repaired(
    role: Role, ecr: Any, name: str, tags: dict[str, str]
) -> None:
    role.converge()
    arn = read(ecr)[0]["repositoryArn"]
    ecr.put_image_scanning_configuration(repositoryName=name, imageScanningConfiguration={"scanOnPush": False})
    ecr.delete_lifecycle_policy(repositoryName=name)
    ecr.untag_resource(resourceArn=arn, tagKeys=["mcp:collection"])
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "by", "Value": "hand"}])
    assert role.converge(check=True).changes == role.converge().changes == CREATE
    repository, found, rules = read(ecr)
    assert repository["imageScanningConfiguration"]["scanOnPush"] is True
    assert found == tags
    assert len(rules) == 2


def test_a_run_that_was_cut_off_is_completed(role: Role, ecr: Any, name: str) -> None:
    ecr.delete_lifecycle_policy(repositoryName=name)
    assert role.converge().changes == CREATE
    assert len(read(ecr)[2]) == 2


def test_the_repository_is_deleted_with_its_images_once(role: Role, ecr: Any, name: str) -> None:
    ecr.put_image(repositoryName=name, imageManifest=json.dumps(MANIFEST), imageTag="1")
    assert role.delete(check=True).changes == DELETE
    assert len(ecr.describe_repositories()["repositories"]) == 1
    assert role.delete().changes == DELETE
    assert ecr.describe_repositories()["repositories"] == []
    again = role.delete()
    assert (again.ok, again.changes) == (True, [])


def test_somebody_elses_repository_is_refused_and_never_touched(role: Role, ecr: Any, name: str) -> None:
    theirs = {"mcp:name": "rival"}
    ecr.create_repository(repositoryName=name, tags=[{"Key": "mcp:name", "Value": "rival"}])
    for outcome in (role.converge(), role.converge(check=True)):
        assert not outcome.ok
        assert f"The ECR repository `{name}` belongs to `rival` by its tag mcp:name." in outcome.message
        assert "Choose another registry_name" in outcome.message
    left = role.delete()
    assert (left.ok, left.changes) == (True, [])
    repository = ecr.describe_repositories()["repositories"][0]
    assert by_key(ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"]) == theirs
    assert repository["imageTagMutability"] == "MUTABLE"
    ecr.delete_repository(repositoryName=name)


def test_an_empty_account_gets_what_was_announced(role: Role, ecr: Any, tags: dict[str, str]) -> None:
    assert role.converge(check=True).changes == CREATE
    assert ecr.describe_repositories()["repositories"] == []
    assert role.converge().changes == CREATE
    assert read(ecr)[1] == tags


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"registry_name": "My_Server"}, "registry_name is `My_Server`: ECR takes 2 to 256 small letters"),
        (
            {"registry_keep_images": 0},
            "registry_keep_images is 0 and registry_untagged_days is 7: both are at least 1.",
        ),
    ],
)
def test_a_bad_setting_is_refused_in_a_sentence(role: Role, variables: dict[str, Any], sentence: str) -> None:
    outcome = role.converge(**variables)
    assert not outcome.ok
    assert sentence in outcome.message
