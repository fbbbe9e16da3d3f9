"""What a failed unit leaves behind, with secrets masked."""

# SPDX-License-Identifier: GPL-3.0-or-later
