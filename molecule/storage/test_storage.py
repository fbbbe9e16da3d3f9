"""The bucket of role storage, read back with boto3."""

from aws_account import Clients, by_key


def test_the_bucket_is_versioned_encrypted_private_and_tagged(aws: Clients, name: str, tags: dict[str, str]) -> None:
    s3 = aws("s3")
    bucket = f"{name}-123456789012"
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert len(block) == 4
    assert all(block.values())
    (owner,) = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert owner["ObjectOwnership"] == "BucketOwnerEnforced"
    assert by_key(s3.get_bucket_tagging(Bucket=bucket)["TagSet"]) == tags
