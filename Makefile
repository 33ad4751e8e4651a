# What vramcalc's people type. It needs Go and nothing else; the race detector
# in "check" needs a C compiler besides.

GO        ?= go
GOFUMPT   := $(GO) run mvdan.cc/gofumpt@v0.12.0
STATIC    := $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME  ?= 10s
MAX_BYTES := 12582912

.DEFAULT_GOAL := build
.PHONY: build run test validate check vet format static static-build wasm size race bench fuzz golden clean

## build: the program, stripped, as bin/vramcalc
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w" -o bin/vramcalc ./cmd/vramcalc

## run: the main job
run: build
	bin/vramcalc plan --model llama-7b --method qlora

## test: all tests
test:
	$(GO) test ./...

## validate: the estimates held against measured steps, without Python
validate:
	$(GO) run ./cmd/vramcalc validate

## check: what a change has to pass besides the tests
check: vet format static static-build wasm size race

vet:
	$(GO) vet ./...

format:
	@out=$$($(GOFUMPT) -l .) || exit 1; \
	if [ -n "$$out" ]; then echo "gofumpt would change:"; echo "$$out"; exit 1; fi

static:
	$(STATIC) ./...

static-build:
	CGO_ENABLED=0 $(GO) build ./...

wasm:
	GOOS=js GOARCH=wasm $(GO) build ./estimator/... ./presets/... ./hardware

size: build
	@bytes=$$(wc -c < bin/vramcalc); echo "bin/vramcalc: $$bytes bytes of at most $(MAX_BYTES)"; \
	test $$bytes -le $(MAX_BYTES)

race:
	$(GO) test -race ./...

## bench: the speed of an estimate, with its allocations
bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

## fuzz: every fuzz target for FUZZTIME (default 10s)
fuzz:
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; \
	done

## golden: rewrite tables of presets, golden files, error bands, the README's examples and the docs' tables
golden:
	$(GO) test ./presets/internal/source -update
	$(GO) test ./validation/residuals -run InStep -update
	$(GO) test ./cmd/... -update

clean:
	rm -rf bin
