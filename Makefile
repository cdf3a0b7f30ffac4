# make test is what CI runs. What takes longer has a target of its own and says
# how long.

.DEFAULT_GOAL := help
STATICCHECK := go tool staticcheck

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

.PHONY: build
build: ## the command, into bin/strata
	go build -o bin/strata ./cmd/strata

.PHONY: setup
setup: ## what the tests need beside Go: Debian packages (as root) and npm packages
	./netns-tests/setup.sh

.PHONY: test
test: setup lint ## all tests (about 10 minutes)
	go test -race -timeout 15m ./...
	cd ws/interop && go vet . && go test -timeout 5m .
	cd socketio/prometheus && go vet . && go test -timeout 5m .
	cd bench/peers && go vet .

.PHONY: lint
lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not gofmt-clean:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	$(STATICCHECK) ./...

.PHONY: bench
bench: ## every floor beside what else there is; writes BENCHMARKS.md and .json (under 15 minutes, as root)
	go run ./bench

.PHONY: bench-code
bench-code: ## the benchmarks beside the code (5 minutes)
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: bench-tun
bench-tun: ## the TUN device beside the kernel's veth, in one run (3 minutes, as root)
	go run ./tun/tunbench

.PHONY: bench-ws
bench-ws: ## ws beside other WebSocket libraries, in one run (5 minutes)
	cd ws/bench && go run .

.PHONY: bench-socketio
bench-socketio: ## socketio beside Node's official server, in one run (3 minutes)
	npm ci --prefix socketio/interop --ignore-scripts --no-audit --no-fund
	go run ./socketio/bench

.PHONY: soak
soak: ## connections, sockets and rooms come and go at random, and leave nothing; half an hour over a wire that loses (an hour)
	go test -race -timeout 20m -run '^TestSoak$$' -v ./ws -soak 5m
	STRATA_SOAK=10m go test -race -timeout 60m -run Soak -v ./socketio ./socketio/engineio
	STRATA_SOAK=5m go test -race -timeout 20m -run 'SmallWindows|SYNFlood' -v ./tcp
	STRATA_SOAK=30m go test -timeout 40m -run '^TestSoak$$' -v ./tcp
	STRATA_SOAK=30m go test -timeout 30m -run '^TestTransfer$$' -v ./tun

.PHONY: fuzz
fuzz: ## every fuzz target for 30 seconds (25 minutes)
	@for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime 30s $$pkg || exit 1; \
		done; \
	done
