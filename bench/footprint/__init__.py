"""What a server on a host of 1 GiB leaves free while it works; `python -m bench.footprint`."""

# SPDX-License-Identifier: GPL-3.0-or-later
