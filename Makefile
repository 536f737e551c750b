# Each target does one thing. `./flux` is the program; this file is for those who change it.
PREFIX = /usr/local
# Tests are optimized, or rendering and image code would take most of their time; they keep checks and test access.
TEST_FLAGS = -Xswiftc -O -Xcxx -O2

.PHONY: help setup build install uninstall check-install test test-long examples docs lint format golden bench bench-unet bench-image bench-train bench-plots mpi bench-distributed build-server test-clients test-load test-soak bundle fuzz clean

help: ## what there is
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/'

setup: ## fetch libtorch, the text encoder and the C libraries
	@Scripts/setup

build: setup ## build the program (release)
	Scripts/build build -c release --product flux

install: ## install below PREFIX, /usr/local unless given (DESTDIR for packages)
	@[ -n "$$SUDO_USER" ] || $(MAKE) --no-print-directory build $(if $(wildcard .build/server/release/flux-serve),build-server)
	@DESTDIR="$(DESTDIR)" Scripts/install "$(PREFIX)"

uninstall: ## remove what install put there
	@DESTDIR="$(DESTDIR)" Scripts/uninstall "$(PREFIX)"

check-install: build ## install into a temporary folder, use it from elsewhere, uninstall
	Scripts/check-install

test: setup ## build and run the tests, or those that match FILTER=…
	Scripts/check-shim
	Scripts/build build --build-tests $(TEST_FLAGS)
	Scripts/build test --skip-build $(TEST_FLAGS) $(if $(FILTER),--filter '$(FILTER)')

test-long: setup ## the tests that take minutes, too
	Scripts/build build --build-tests $(TEST_FLAGS)
	FLUX_LONG_TESTS=1 Scripts/build test --skip-build $(TEST_FLAGS)

build-server: setup ## build the server (release)
	Scripts/build build -c release --package-path Server --scratch-path .build/server --product flux-serve

test-clients: build-server ## run clients of others (from PyPI) against the server
	Scripts/test-clients $(FILTER)

test-load: build-server ## many clients at once: what the server does when it has too much to do
	Scripts/test-clients load

test-soak: build-server ## everything at once for half an hour, with the memory of the server: MINUTES=30
	Scripts/test-clients soak --minutes $(or $(MINUTES),30)

examples: setup ## build the packages in Examples, which use Flux as others would
	Scripts/build build $(TEST_FLAGS) --package-path Examples/Draw --scratch-path .build

docs: setup ## make the API reference and the articles: .build/docs
	Scripts/docs

fuzz: setup ## feed damaged files to every reader, SECONDS=60 each
	FUZZ_SECONDS=$(or $(SECONDS),60) Scripts/fuzz $(TARGETS)

lint: ## say what is not formatted or smells
	swift-format lint --strict --recursive Sources Tests Server/Sources Server/Package.swift Examples Fuzz Package.swift
	Scripts/architecture --check
	bash -n flux Scripts/setup Scripts/build Scripts/architecture Scripts/check-shim Scripts/link Scripts/stage Scripts/install Scripts/uninstall Scripts/check-install Scripts/docs Scripts/bundle Scripts/fuzz Scripts/bundled/build-shim Scripts/bundled/run.sh Scripts/bundled/gpu-run.sh Benchmarks/run Benchmarks/peers.sh Benchmarks/train Benchmarks/unet Benchmarks/image Benchmarks/full-size Scripts/mpi/build Benchmarks/distributed Scripts/test-clients .ci/run

format: ## format in place, then lint
	swift-format format --in-place --recursive Sources Tests Server/Sources Server/Package.swift Examples Fuzz Package.swift
	@$(MAKE) --no-print-directory lint

golden: setup ## make the goldens anew from transformers and diffusers (Python)
	Tools/golden/make

mpi: ## compile the MPI plugin, for training in several processes
	@Scripts/mpi/build

bench: ## time what users wait for
	@Benchmarks/run

bench-unet: ## time a U-Net evaluation beside PyTorch and OpenVINO
	@Benchmarks/unet

bench-image: ## time a process from prompt to PNG beside one of Python with diffusers
	@Benchmarks/image $(MODEL)

bench-train: ## time training beside the same networks in PyTorch
	@Benchmarks/train

bench-plots: build ## plot how the time of an image grows with steps, batch, size, prompt and threads: .build/plots
	FLUX_HOME="$(CURDIR)" .build/release/flux bench plots --output .build/plots

bench-distributed: ## time training in one and two processes of one thread
	@Benchmarks/distributed

bundle: ## pack for machines with PyTorch but no Swift: bundle/*.tar.xz
	Scripts/bundle

clean: ## remove what was built; .deps stays
	rm -rf .build
