# Lungbox. `make help` lists the targets; `make run` and `make test` are all that a
# fresh machine needs (Go, Python with pip, gcc, make).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CACHE := $(CURDIR)/.cache
LITERT := $(CACHE)/litert-2.3.0
# TENSORFLOW_DIR names another libtensorflow (folders lib and include), such as
# NVIDIA's for Jetson.
TENSORFLOW_DIR ?= $(CACHE)/tensorflow-2.18.1
# Real clips beyond those in the repository: a folder with a clips.csv. Tests and the
# demo release use them when they are there and say so when they are not.
CLIPS ?= $(firstword $(wildcard $(CURDIR)/../shared/lus-clips))

GO ?= go
# Everything is built with this toolchain, which the go command fetches: the same bytes from
# every machine, and the last fixes of the standard library.
export GOTOOLCHAIN := go1.26.11
VERSION ?= 0.1.0
LDFLAGS := -s -w -X main.version=$(VERSION)
TENSORFLOW_ENV := CGO_CFLAGS="-I$(TENSORFLOW_DIR)/include" CGO_LDFLAGS="-L$(TENSORFLOW_DIR)/lib -Wl,-rpath,$(TENSORFLOW_DIR)/lib"
AXE := $(CACHE)/axe-0.1.8/axe.min.js
TEST_ENV := $(TENSORFLOW_ENV) LUNGBOX_ENGINE_LITERT=$(LITERT)/libLiteRt.so LUNGBOX_CLIPS=$(CLIPS) LUNGBOX_AXE=$(AXE)
GOLANGCI := $(CACHE)/bin/golangci-lint-2.15.0

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

.PHONY: run
run: bin/lungbox tools-run ## Build and open the demo box: real clips, scored, on a page
	bin/lungbox demo --open $(ARGS)

.PHONY: build
build: bin/lungbox bin/lungtrain bin/lunghub ## Build lungbox, lungtrain and lunghub into bin/

.PHONY: bin/lungbox
bin/lungbox: $(LITERT)/.complete
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/lungbox ./daemon
	cp -u $(LITERT)/libLiteRt.so bin/

.PHONY: bin/lunghub
bin/lunghub:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/lunghub ./sync/hub

.PHONY: bin/lungtrain
bin/lungtrain: tensorflow $(LITERT)/.complete
	$(TENSORFLOW_ENV) $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/lungtrain ./training
	cp -u $(LITERT)/libLiteRt.so bin/

.PHONY: lungbox-tensorflow
lungbox-tensorflow: tensorflow $(LITERT)/.complete ## Build lungbox with the TensorFlow engine (CUDA) in it
	$(TENSORFLOW_ENV) $(GO) build -trimpath -tags tensorflow -ldflags '$(LDFLAGS)' -o bin/lungbox-tensorflow ./daemon
	cp -u $(LITERT)/libLiteRt.so bin/

.PHONY: test
test: tensorflow $(LITERT)/.complete $(AXE) tools-test ## Run all tests
	@if [ -z "$(CLIPS)" ]; then echo "note: no folder of further clips (CLIPS=...): tests that need them are skipped and say so"; fi
	$(TEST_ENV) $(GO) test -timeout 20m ./...
	$(TEST_ENV) $(GO) test -timeout 10m -tags tensorflow -run 'Engines|Usage|Doctor|Killed' ./daemon
	$(GO) test -race -timeout 10m ./daemon/pipeline ./daemon/panel/... ./daemon/service ./daemon/keeper ./ensemble/worker ./capture/capturetest ./capture/stream ./capture/inbox ./capture/storescp ./capture/v4l2 ./sync/journal ./sync/uplink ./sync/hub/ingest ./sync/hub/store ./daemon/updater

$(AXE):
	.make/axe.sh $(dir $@)

.PHONY: screenshot
screenshot: $(LITERT)/.complete tools-test ## Photograph the demo box the exam and its report for the documents
	LUNGBOX_SCREENSHOTS=$(CURDIR)/docs LUNGBOX_ENGINE_LITERT=$(LITERT)/libLiteRt.so $(GO) test -count=1 -run TestDemoBox ./daemon
	shots=$$(mktemp -d) && LUNGBOX_SCREENSHOTS=$$shots LUNGBOX_ENGINE_LITERT=$(LITERT)/libLiteRt.so $(GO) test -count=1 -run TestExamPage ./daemon && \
		mv $$shots/exam-under-way.png docs/exam-1280x800.png && rm -r $$shots
	LUNGBOX_SCREENSHOTS=$(CURDIR)/docs LUNGBOX_ENGINE_LITERT=$(LITERT)/libLiteRt.so $(GO) test -count=1 -run TestReportsReachArchive ./daemon
	shots=$$(mktemp -d) && LUNGBOX_SCREENSHOTS=$$shots LUNGBOX_ENGINE_LITERT=$(LITERT)/libLiteRt.so $(GO) test -count=1 -run TestSetupPage ./daemon && \
		mv $$shots/setup.png docs/setup.png && rm -r $$shots

.PHONY: lint
lint: tensorflow $(GOLANGCI) ## Check format, vet and lint
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(TENSORFLOW_ENV) $(GOLANGCI) run ./...
	$(TENSORFLOW_ENV) $(GOLANGCI) run --build-tags tensorflow ./daemon/...
	$(GO) mod verify
	$(GO) mod tidy -diff

.PHONY: bench
bench: bin/lungbox ## Measure this machine: preparation, nets, votes, memory, start
	bin/lungbox bench
	$(GO) test -run xxx -bench Preprocess ./ensemble/arch
	$(GO) test -run xxx -bench . ./capture/region ./capture/v4l2 ./daemon/pipeline ./sync/journal ./training/simulate

.PHONY: bench-live
bench-live: bin/lungbox ## Measure a whole box with full-width nets at 30 frames a second, from frame to lamp
	bin/lungbox bench --live 3000 --rate 30

.PHONY: soak
soak: bin/lungbox ## Score 100,000 frames with the demo release and show what the box takes, about ten minutes
	bin/lungbox bench --live 100000 --rate 0 --release daemon/demo/release

.PHONY: bench-hub
bench-hub: bin/lunghub ## Measure a hub with 10,000 boxes over TLS: results acknowledged, memory, all back after a kill
	bin/lunghub bench --boxes 10000 --rate 2200 --for 60s

.PHONY: sync-campaign
sync-campaign: $(LITERT)/.complete tools-test ## Kill boxes, hubs, brokers and installations hundreds of times: nothing lost, nothing doubled
	LUNGBOX_ENGINE_LITERT=$(LITERT)/libLiteRt.so .make/sync-campaign.sh $(GO)

.PHONY: fault-campaign
fault-campaign: ## Kill or fail journal, box, hub and installation at every point of their writing; 10,000 hostile DICOM files
	GO=$(GO) .make/fault-campaign.sh

FUZZTIME ?= 60s
.PHONY: fuzz
fuzz: ## Fuzz every parser that meets the outside for FUZZTIME each
	.make/fuzz.sh $(GO) $(FUZZTIME)

.PHONY: vulncheck
vulncheck: tensorflow ## Look for known vulnerabilities that are reached from our code (govulncheck)
	$(TENSORFLOW_ENV) .make/vulncheck.sh $(GO) $(CACHE)

.PHONY: sbom
sbom: ## Write the bill of materials of each program (CycloneDX) into out/, and docs/licences.md
	$(TENSORFLOW_ENV) .make/sbom.sh $(GO) $(CACHE) out

.PHONY: reproducible
reproducible: ## Build the programs twice, from two folders and nothing, and compare the bytes
	.make/reproducible.sh $(GO) $(VERSION)

.PHONY: bench-training
bench-training: bin/lungtrain ## Measure this machine: training steps, inference, memory of the three nets
	bin/lungtrain bench

.PHONY: bench-peers
bench-peers: bin/lungbox bin/lungtrain lungbox-tensorflow ## Measure against PyTorch, ONNX Runtime and TensorFlow's Python in the same run
	.make/peers.sh $(CACHE)/peers inference bin/lungbox bin/lungbox-tensorflow
	.make/peers.sh $(CACHE)/peers training bin/lungtrain

.PHONY: bench-pipeline
bench-pipeline: bin/lungtrain ## Run the whole two-stage pipeline on simulated pictures, five seeds, under an hour on 2 cores
	.make/bench-pipeline.sh bin/lungtrain $(CURDIR)/out/bench-pipeline

.PHONY: bench-presets
bench-presets: bin/lungtrain ## Compare the presets paper and edge with small nets on simulated pictures, three seeds
	.make/bench-presets.sh bin/lungtrain $(CURDIR)/out/bench-presets

.PHONY: gpu-check
gpu-check: build ## On a machine with a CUDA GPU: parity with PyTorch, training and inference speed on it
	$(TENSORFLOW_ENV) GO=$(GO) .make/gpu-check.sh bin/lungtrain

.PHONY: deb
deb: ## Build Debian packages for amd64 and arm64 into out/
	GO=$(GO) .make/deb.sh $(VERSION) out

.PHONY: vm-test
vm-test: ## Test the box as firmware in virtual machines (SCENARIO=grabber,cache,package,sealed,tpm,camera,lamps,setup,power CUTS=50 CACHE_CUTS=500)
	GO=$(GO) .make/vm.sh $(VERSION)

.PHONY: demo-release
demo-release: bin/lungtrain ## Train the demo release (simulated pictures and CLIPS) into daemon/demo/release
	.make/demo-release.sh "$(CLIPS)" $(CURDIR)/out/demo $(CURDIR)/daemon/demo/release

.PHONY: crossvalidate
crossvalidate: bin/lungtrain ## Judge the demo release's recipe on CLIPS that its nets never saw, by source and by patient
	.make/crossvalidate.sh "$(CLIPS)" $(CURDIR)/out/demo

.PHONY: tensorflow
ifeq ($(TENSORFLOW_DIR),$(CACHE)/tensorflow-2.18.1)
tensorflow: $(TENSORFLOW_DIR)/.complete
else
tensorflow:
	@test -e $(TENSORFLOW_DIR)/lib/libtensorflow.so || { echo "TENSORFLOW_DIR=$(TENSORFLOW_DIR) has no lib/libtensorflow.so"; exit 1; }
endif

$(LITERT)/.complete:
	.make/engine.sh litert $(LITERT)

$(CACHE)/tensorflow-2.18.1/.complete:
	.make/engine.sh tensorflow $(CACHE)/tensorflow-2.18.1

$(GOLANGCI):
	GOBIN=$(CACHE)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	mv $(CACHE)/bin/golangci-lint $(GOLANGCI)

.PHONY: tools-run
tools-run:
	.make/tools.sh ffmpeg

.PHONY: tools-test
tools-test:
	.make/tools.sh ffmpeg dcmtk dciodvfy:dicom3tools pdftotext:poppler-utils prometheus gdcmconv:libgdcm-tools Orthanc:orthanc curl chromium slurmctld slurmd sbatch:slurm-client munged:munge mosquitto postgres:postgresql

.PHONY: clean
clean: ## Remove what was built (not what was fetched)
	rm -rf bin out
