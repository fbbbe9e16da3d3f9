"""Provisioning compared with Terraform and plain boto3; `python -m bench.provision`."""

# SPDX-License-Identifier: GPL-3.0-or-later

import sys
from pathlib import Path

# The modules of tests/aws, which are used here too, find each other there.
sys.path.append(str(Path(__file__).parents[2] / "tests" / "aws"))
