# make demo   build a copy of a root server on this machine and run everything on it
# make test   everything that CI runs
# make sweep  every kind of point of an apply broken once from each starting state,
#             in the ways that fit it by turns; hours. RAIZ_SWEEP=full breaks each point in
#             every way, RAIZ_SWEEP_PLACES=8 takes so many points of each, evenly
#             spread, RAIZ_SWEEP_RUNS=100 so many runs from each starting state,
#             RAIZ_SWEEP_START=NAME one starting state; RAIZ_SWEEP_OUT=FILE has
#             the figures written there; RAIZ_SWEEP_LEDGER=FILE keeps what was
#             run, and one that is begun again leaves that out
# make soak   healthy copies verified a hundred times each: SOAK_SITES="FILE...";
#             ten minutes of load with ten applies; twenty reboots and power cuts;
#             drains in every order
# make matrix each example with each release of Debian, name server and routing
#             daemon
# make flaws  every fault that was found once, put back: a test must see it.
#             FLAWS="NAME..." takes these alone
# make explore  a million worlds of the transaction, simulated; ten minutes.
#             RAIZ_EXPLORE=N takes so many
# make mutants  each flush, comparison and limit of the transaction taken out,
#             one after the other: the exploration must turn red
# make hostile  servers, controllers and plan files that misbehave, each way ten
#             times from another seed; make test goes each once. RAIZ_HOSTILE=N
#             goes each so often
# make fuzz   each target of docs/fuzz.md for FUZZTIME (10m), one after another.
#             FUZZ="TARGET..." takes these alone
# make proof  explore and mutants, whole, and what a plan costs against the commit
#             PLAN_BASE; their figures into docs/figures.json, with the commit
#             that they are of
# make raiz   the binary alone
# make release  archives, packages, SBOM and sums of this commit, into dist/
# make release-check  releases it twice in different folders: every byte the same
#
# On a fresh Debian 12 as root with Go, whatever needs more installs it.

GO      ?= go
export GO
export GOFLAGS := $(GOFLAGS) -buildvcs=false

# What the rehearsal needs, and what the tests need besides: real daemons
# that read what raiz renders.
REHEARSE_PACKAGES = mmdebstrap systemd-container iproute2 util-linux e2fsprogs bind9-dnsutils
TEST_PACKAGES     = $(REHEARSE_PACKAGES) bird2 nsd nftables chrony openssh-server openssh-client \
                    sudo knot knot-dnssecutils shellcheck procps ldnsutils dns-root-data strace nmap frr qemu-user-static chromium
RELEASE_PACKAGES  = git gzip tar zip unzip dpkg

.PHONY: raiz helpers demo test unit bench sweep soak matrix flaws explore mutants moments harm proof hostile fuzz lint cross release release-check deps-demo deps-test deps-release clean

raiz: helpers
	.ci/build raiz $$($(GO) env GOOS) $$($(GO) env GOARCH) bin/raiz

# What raiz has on a server.
helpers:
	@for arch in amd64 arm64; do \
		.ci/build raiz-helper linux $$arch bin/raiz-helper-$$arch && \
		gzip -9 -n <bin/raiz-helper-$$arch >cmd/raiz/embedded/$$arch.gz && \
		sha256sum <bin/raiz-helper-$$arch | cut -c 1-64 >cmd/raiz/embedded/$$arch.sum || exit 1; \
	done

release: deps-release
	.ci/release

release-check: deps-release
	.ci/release-check

demo: deps-demo raiz
	bin/raiz validate sites/
	bin/raiz rehearse sites/root-example.hcl

# Rehearsals wait more than they work: four side by side fill two cores. On a
# machine that has nothing their base systems are made first.
TEST_TIMEOUT ?= 60m

test: deps-test raiz lint cross
	$(GO) test -timeout $(TEST_TIMEOUT) -p 2 -parallel 4 ./...

# Without root and without machines: what one runs while writing. vet is lint's.
unit:
	$(GO) test -short -vet=off -ldflags='-s -w' ./...

RAIZ_SWEEP ?= kinds

sweep: deps-test
	RAIZ_SWEEP=$(RAIZ_SWEEP) $(GO) test -run 'TestSweep$$' -count=1 -timeout 12h -v ./provision

SOAK_SITES ?= sites/as112-gru1.hcl sites/root-example.hcl

soak: deps-test
	RAIZ_SOAK="$(SOAK_SITES)" RAIZ_FLAP=600 RAIZ_FLAP_APPLIES=10 RAIZ_BOOTS=20 RAIZ_DRAIN=all RAIZ_COPIES=3 \
		$(GO) test -run 'TestSoak$$|TestNoFlap$$|TestBoots$$|TestDrain$$|TestNobodyRefreshes$$' -count=1 -timeout 4h -v ./provision

matrix: deps-test
	RAIZ_MATRIX=1 $(GO) test -run 'TestMatrix$$' -count=1 -timeout 4h -v ./provision

flaws: deps-test
	.ci/flaws $(FLAWS)

RAIZ_EXPLORE ?= 1000000

explore:
	RAIZ_EXPLORE=$(RAIZ_EXPLORE) $(GO) test -run 'TestExplore$$' -count=1 -timeout 6h -v ./provision/helper/sim

mutants:
	RAIZ_MUTANTS=1 $(GO) test -run 'TestMutants$$' -count=1 -timeout 12h -v ./provision/helper/sim

# What verify says of each thing that can go wrong with a copy: docs/verify.md.
harm: deps-test
	RAIZ_HARM=1 $(GO) test -run 'TestHarm$$' -count=1 -timeout 1h -v ./provision -update-harm

# Something happens to a BMC at every request of an apply.
moments:
	RAIZ_MOMENTS=1 $(GO) test -run 'TestMoments$$' -count=1 -timeout 1h -v ./provision/bmc

# The last commit that compared files alone: what it costs to look at effects.
PLAN_BASE ?= 17087a9

proof: deps-test
	@[ -z "$$(git status --porcelain)" ] || { echo "proof: there are changes that no commit has" >&2; exit 1; }
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
		RAIZ_EXPLORE_OUT=$$dir/explore.json $(MAKE) explore && \
		RAIZ_MUTANTS_OUT=$$dir/mutants.json $(MAKE) mutants && \
		RAIZ_MOMENTS_OUT=$$dir/moments.json $(MAKE) moments && \
		.ci/plan-cost $(PLAN_BASE) >$$dir/plan.json && \
		printf '{\n"commit": "%s",\n"explore": %s,\n"mutants": %s,\n"moments": %s,\n"plan": %s\n}\n' \
			"$$(git rev-parse HEAD)" "$$(cat $$dir/explore.json)" "$$(cat $$dir/mutants.json)" "$$(cat $$dir/moments.json)" "$$(cat $$dir/plan.json)" >docs/figures.json

RAIZ_HOSTILE ?= 10

hostile:
	RAIZ_HOSTILE=$(RAIZ_HOSTILE) $(GO) test -count=1 -timeout 1h ./provision/hostile

fuzz:
	.ci/fuzz $(FUZZ)

bench:
	$(GO) test -run '^$$' -bench . -benchtime 1x ./...

# raiz runs on the operator's laptop, whatever that is; only rehearse needs
# Linux. A file that fits one system alone says so in its first line.
cross:
	@for os in linux darwin windows; do for arch in amd64 arm64; do \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch $(GO) build -o /dev/null ./cmd/raiz || { echo "raiz does not build for $$os/$$arch" >&2; exit 1; }; \
	done; done
	@for os in darwin windows; do \
		GOOS=$$os $(GO) vet ./... || { echo "go vet for $$os: see above" >&2; exit 1; }; \
	done

lint:
	@out=$$(gofmt -l cmd provision templates); [ -z "$$out" ] || { echo "not gofmt-ed: $$out"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

deps-demo:
	@.ci/install-missing $(REHEARSE_PACKAGES)

deps-test:
	@.ci/install-missing $(TEST_PACKAGES)

deps-release:
	@.ci/install-missing $(RELEASE_PACKAGES)

clean:
	rm -rf bin dist
