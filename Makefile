# What vramcalc's people type. It needs Go and nothing else; the race detector
# in "check" needs a C compiler besides, and the tests of the page a Chromium.

GO        ?= go
GOFUMPT   := $(GO) run mvdan.cc/gofumpt@v0.12.0
STATIC    := $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME  ?= 10s
MAX_BYTES := 12582912
# The page in the program; HTTP/2 is a third of net/http, and config.json files need none.
TAGS      := web,nethttpomithttp2

.DEFAULT_GOAL := build
.PHONY: build web serve run test validate check vet format static builds wasm size empty race bench fuzz golden clean

## build: the program with the web page, stripped, as bin/vramcalc
build: web
	CGO_ENABLED=0 $(GO) build -tags $(TAGS) -trimpath -ldflags "-s -w" -o bin/vramcalc ./cmd/vramcalc

## web: the web page in dist/web, for any static host
web:
	$(GO) run ./web/build -out dist/web -zip cmd/vramcalc/internal/site/site.zip

## serve: the page on this machine
serve: build
	bin/vramcalc web

## run: the main job
run: build
	bin/vramcalc plan --model llama-7b --method qlora

## test: all tests
test:
	$(GO) test ./...
	cd hardware/detect/nvml/dgx && CGO_CFLAGS="-O2 -Wno-deprecated-declarations" $(GO) test ./...

## validate: the estimates held against measured steps, without Python
validate:
	$(GO) run ./cmd/vramcalc validate

## check: what a change has to pass besides the tests
check: vet format static builds wasm size empty race

vet:
	$(GO) vet ./...

format:
	@out=$$($(GOFUMPT) -l .) || exit 1; \
	if [ -n "$$out" ]; then echo "gofumpt would change:"; echo "$$out"; exit 1; fi

static:
	$(STATIC) ./...

# The program builds without cgo and on every system. With cgo nothing is said,
# in a cache of its own, as on a fresh machine: a second build repeats no warning.
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64

builds:
	@set -e; for p in $(PLATFORMS); do \
	  echo "CGO_ENABLED=0 go build for $$p"; \
	  CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build ./...; \
	done
	@cache=$$(mktemp -d); said=$$(GOCACHE=$$cache CGO_ENABLED=1 $(GO) build ./hardware/detect/nvml 2>&1); status=$$?; rm -rf $$cache; \
	test $$status -eq 0 -a -z "$$said" || { echo "the build with cgo says:"; echo "$$said"; exit 1; }; echo "CGO_ENABLED=1 go build: nothing said"

wasm:
	GOOS=js GOARCH=wasm $(GO) build ./estimator/... ./presets/... ./hardware/...

size: build
	@bytes=$$(wc -c < bin/vramcalc); echo "bin/vramcalc: $$bytes bytes of at most $(MAX_BYTES)"; \
	test $$bytes -le $(MAX_BYTES)

# The static program runs where there is nothing else: no libc, no files.
empty: build
	@dir=$$(mktemp -d) && cp bin/vramcalc $$dir/ && \
	if unshare -r true 2>/dev/null; then in="unshare -r chroot $$dir /vramcalc"; where="an empty root"; \
	else in="env -i $$dir/vramcalc"; where="an empty environment (no user namespaces for an empty root)"; fi && \
	$$in plan --model llama-7b --method qlora --gpu rtx-4090 -o csv >/dev/null && \
	$$in doctor -o csv >/dev/null && echo "empty: runs in $$where"; \
	status=$$?; rm -rf $$dir; exit $$status

# Without the page's tests: what they run is in the browser, not here.
race:
	VRAMCALC_BROWSER=off $(GO) test -race ./...

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
	VRAMCALC_BROWSER=off $(GO) test ./cmd/vramcalc ./cmd/vramcalc/internal/render -update

clean:
	rm -rf bin dist cmd/vramcalc/internal/site/site.zip web/test/shots
