"""What the modules that speak to AWS share: clients, tags, ownership, and one file for each service."""

# SPDX-License-Identifier: GPL-3.0-or-later
