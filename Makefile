# `make` alone lists the targets. Every target does what set-up it needs, and nothing twice.

PREFIX ?= /usr/local
DESTDIR ?=
root = $(DESTDIR)$(PREFIX)
unit = $(root)/lib/systemd/system/sensorium.service
built = $(or $(CARGO_TARGET_DIR),target)
# What is installed: a binary that is there already, or else the one that `make build` makes.
BINARY ?=
binary = $(or $(BINARY),$(built)/release/sensorium)

.PHONY: help setup setup-tests copies speech demo test test-tools test-page test-api test-client page lint fmt bench build install uninstall clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## get the programs and the library that Sensorium needs
	@scripts/setup

setup-tests: ## get what the tests need besides: a browser
	@scripts/setup tests

copies: setup ## get what `sensorium duplicates` compares pictures by; it has terms of its own
	@scripts/copies

speech: setup .venv/ready ## get what hears words in sounds and videos
	@scripts/speech

build: setup ## build the binary
	cargo build --release --locked --package sensorium

demo: build ## index the demo pack, search it in all sixteen directions and show the recall card
	@scripts/demo $(binary)

test: setup-tests copies speech lint test-tools ## run all checks and tests
	cargo test --workspace --locked
	scripts/test_setup
	scripts/test_install $(built)/debug/sensorium
	scripts/test_demo $(built)/debug/sensorium
	$(MAKE) test-page test-api test-client

test-tools: .venv/ready ## run the tests of the recipe
	.venv/bin/python -m unittest discover --quiet --start-directory tools/tests --top-level-directory tools

test-page: web/node_modules/ready ## check the page, and drive it in a browser with the binary that the tests built
	scripts/test_page $(built)/debug/sensorium

test-api: setup ## test the interfaces from outside: requests made up from their document, and an assistant's client
	scripts/test_api $(built)/debug/sensorium

test-client: clients/python/.venv/ready ## check the Python client against the binary that the tests built
	scripts/test_client $(built)/debug/sensorium

page: web/node_modules/ready ## build the page into crates/server/page, from where it comes into the binary
	cd web && npm run build

web/node_modules/ready: web/package-lock.json | setup-tests
	cd web && npm ci --no-audit --no-fund
	touch $@

.venv/ready: tools/requirements.txt | setup
clients/python/.venv/ready: clients/python/requirements.txt | setup

.venv/ready clients/python/.venv/ready:
	python3 -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

lint: setup ## check formatting and lints
	cargo fmt --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@if command -v shellcheck >/dev/null; then shellcheck scripts/* .ci/run; fi

fmt: ## format the sources
	cargo fmt

bench: build ## measure speed beside its limits
	cargo bench --locked --package sensorium-model
	cargo bench --locked --package sensorium

# With a binary and the library there, nothing else is needed, and root may have no Rust.
install: $(if $(BINARY),$(if $(wildcard .runtime/libonnxruntime.so),,setup),build) ## install under PREFIX (default /usr/local)
	install -D --mode=755 $(binary) $(root)/bin/sensorium
	install -D --mode=644 .runtime/libonnxruntime.so $(root)/lib/libonnxruntime.so
	install -d $(root)/share/sensorium/models/base $(root)/share/sensorium/models/print $(root)/share/doc/sensorium
	install --mode=644 models/base/* $(root)/share/sensorium/models/base
	install --mode=644 models/print/* $(root)/share/sensorium/models/print
	@# Its terms forbid to pass it on, so it does not go into packages for others.
	if [ -z "$(DESTDIR)" ] && [ -d models/copies ]; then \
		install -d $(root)/share/sensorium/models/copies && \
		install --mode=644 models/copies/* $(root)/share/sensorium/models/copies; fi
	if [ -d models/speech ]; then \
		install -d $(root)/share/sensorium/models/speech && \
		install --mode=644 models/speech/* $(root)/share/sensorium/models/speech; fi
	install --mode=644 LICENSE-* README.md CHANGELOG.md .runtime/onnxruntime-* $(root)/share/doc/sensorium
	@# Below other prefixes, systemd does not look for units.
	$(if $(filter /usr /usr/local,$(PREFIX)),install -d $(dir $(unit)) && sed 's|@PREFIX@|$(PREFIX)|' packaging/sensorium.service >$(unit) && chmod 644 $(unit))

uninstall: ## remove what install placed
	rm -f $(root)/bin/sensorium $(root)/lib/libonnxruntime.so $(unit)
	rm -rf $(root)/share/sensorium $(root)/share/doc/sensorium

clean: ## remove what was built
	cargo clean
	rm -rf .venv .venv-api clients/python/.venv web/node_modules
