# make test is what CI runs. The others take longer and say how long.

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

.PHONY: build
build: ## the command, into bin/strata
	go build -o bin/strata ./cmd/strata
