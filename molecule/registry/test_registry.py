"""The repository of role registry, read back with boto3."""

from aws_account import Clients, by_key


def test_the_repository_scans_what_is_pushed_and_is_tagged(aws: Clients, name: str, tags: dict[str, str]) -> None:
    ecr = aws("ecr")
    (repository,) = ecr.describe_repositories()["repositories"]
    assert repository["repositoryName"] == name
    assert repository["imageScanningConfiguration"]["scanOnPush"] is True
    assert by_key(ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"]) == tags
