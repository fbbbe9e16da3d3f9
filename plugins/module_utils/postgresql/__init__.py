"""What is asked of PostgreSQL beyond what community.postgresql has."""

# SPDX-License-Identifier: GPL-3.0-or-later
