# The instances: newest Debian image, IMDSv2, encrypted gp3.
data "aws_ami" "debian" {
  most_recent = true
  owners      = ["136693071363"]
  filter {
    name   = "name"
    values = ["debian-12-amd64-*"]
  }
}

resource "aws_instance" "this" {
  count                       = var.instance_count
  ami                         = data.aws_ami.debian.id
  instance_type               = "t2.micro"
  key_name                    = aws_key_pair.this.key_name
  iam_instance_profile        = aws_iam_instance_profile.this.name
  subnet_id                   = aws_subnet.public[count.index % 2].id
  associate_public_ip_address = true
  vpc_security_group_ids      = [aws_security_group.instance.id]
  user_data                   = "#cloud-config\npackages: [python3, sudo]\nssh_pwauth: false\n"
  tags                        = { Name = count.index == 0 ? var.name : "${var.name}-${count.index + 1}" }
  volume_tags                 = merge(local.tags, { Name = var.name })

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = 16
    encrypted   = true
  }

  # A newer image is no reason for another instance; and moto does not tell the groups of an interface made with the instance.
  lifecycle { ignore_changes = [ami, vpc_security_group_ids] }
}
