"""What is asked of an account before anything is made in it, and the rules that judge the answers."""

# SPDX-License-Identifier: GPL-3.0-or-later
