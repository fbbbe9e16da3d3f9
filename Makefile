# `make site` takes an empty machine to a verified MCP server; `make test` proves every layer. `make` lists the rest.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Without compiled modules every start of Python would pay for compiling them.
unexport PYTHONDONTWRITEBYTECODE
MAKEFLAGS += --no-print-directory

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing and make .venv
	@bin/setup

lab: setup ## Bring up the AWS region on this machine
	@python -m lab up

site: lab ## Take the lab to a verified MCP server
	@ansible-playbook site.yml

# Exit status 2 says that there are changes: an answer, which make would call an error.
plan: lab ## Say what `make site` would change; nothing is changed
	@python runner.py plan || [ $$? -eq 2 ]

verify: ## Measure every success criterion again
	@ansible-playbook mcp.aws.verify

down: ## Take the lab away; its cache of images and packages stays
	@python -m lab down

test: setup ## Run every test, and say how long each part took
	@python -m tests.run

test-fast: setup ## Run what needs neither root nor the lab, before each commit: under three minutes
	@python -m tests.run fast

mutants: setup ## Plant faults in pure code, and list those that the unit tests do not notice: make mutants NUMBER=40
	@python -m uv sync --quiet --frozen --inexact --group mutants
	@nice python -m tests.mutants $(or $(NUMBER),20)

molecule: lab ## Test the roles, or one of them: make molecule ROLE=redis
	@python -m tests.run molecule $(ROLE)

lint: setup ## Run ansible-lint, yamllint, ruff, mypy and the checks of the documentation
	@python -m tests.run lint

bench: bench-runner bench-provision bench-converge ## Compare speed with the peers, in one run

bench-runner: site ## Compare runner.py with bare ansible-playbook, on site and on 1,000 hosts
	@python -m bench.runner

soak: setup ## Start 200 runs, 8 at a time, cancel a third, and look for what is left
	@python -m bench.runner.soak

bench-provision: setup ## Compare provisioning with Terraform and plain boto3
	@python -m bench.provision

bench-converge: lab ## Compare a host's convergence with pyinfra
	@python -m bench.converge

bench-footprint: site ## Measure what 50 busy clients leave of the server's memory
	@python -m bench.footprint

bench-deploy: lab ## Deploy 20 times under load, and compare with Docker Compose
	@python -m bench.deploy

bench-hardening: lab ## Ask Lynis before and after the roles
	@python -m bench.hardening docker postgresql redis proxy

docs: setup ## Write the roles' READMEs from their argument specs, and the table of costs
	@python docs/generate.py
	@python docs/costs.py

iam-policy: setup ## Record what every playbook asks of AWS, and write the operator's policies
	@python docs/operator_policy.py

.PHONY: help setup lab site plan verify down test test-fast mutants molecule lint bench bench-runner soak bench-provision bench-converge bench-footprint bench-deploy bench-hardening docs iam-policy
