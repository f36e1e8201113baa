# PG=16 (17, 18) builds and tests against another installed server; 15 is the default.
# DATA=folder gives the demonstration and the benchmarks a real portfolio.

.PHONY: demo test bench setup build install golden docs clean
.DEFAULT_GOAL := build

demo: setup
	scripts/demo

test: setup
	scripts/test

bench: setup
	scripts/bench

# Installs what is missing on the machine; looks and does nothing when nothing is.
setup:
	@scripts/setup

# The extension in release mode, installed in a private copy of the server's tree below target/.
build:
	@scripts/setup build
	scripts/build

# The one target that touches the machine's own PostgreSQL: that of PG or PG_CONFIG.
install:
	@scripts/setup build
	scripts/install

# Makes what is generated the new expectation; read the difference before committing it.
golden: setup
	scripts/build
	tests/golden/check --accept
	tests/installcheck --accept

docs: setup
	scripts/build
	scripts/reference

clean:
	rm -rf target
