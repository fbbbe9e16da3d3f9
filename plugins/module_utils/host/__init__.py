"""What runs on a host without Ansible: the standard library only, imported by modules and copied to hosts as it is."""

# SPDX-License-Identifier: GPL-3.0-or-later
