//go:build linux

package provision_test

import (
	"maps"
	"regexp"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/rehearse"
)

// nameServer is what tests have to know of a name server beside its pack.
type nameServer struct {
	unit    string
	folder  string         // of its zones
	owner   string         // of the files there
	write   []string       // has it write its zones; nil for one that does so by itself
	refused *regexp.Regexp // what it says when it refuses the root
	heard   *regexp.Regexp // and when it hears a NOTIFY for it
	rereads []string       // what makes it read its files anew
}

func named(pack string) nameServer {
	if pack == "knot" {
		return nameServer{
			unit: "knot", folder: "/var/lib/knot", owner: "knot:knot",
			refused: regexp.MustCompile(`(?m)^error: \[\.\] (ZONEMD, verification failed|DNSSEC, .*failed|zone event 'load' failed)`),
			heard:   regexp.MustCompile(`\[\.\] notify, incoming`),
			rereads: []string{"systemctl reload knot.service", "knotc zone-reload .", "knotc reload"},
		}
	}
	return nameServer{
		unit: "nsd", folder: "/var/lib/nsd", owner: "nsd:nsd", write: []string{"nsd-control", "write"},
		refused: regexp.MustCompile(`zone \.: refused:`),
		heard:   regexp.MustCompile(`notify for \. from`),
		rereads: []string{"systemctl reload nsd.service", "/usr/local/lib/raiz/nsd-zones reload", "/usr/local/lib/raiz/nsd-zones reconfig"},
	}
}

// refusals counts how often the name server has refused the root: as its
// journal tells, and by the file that was put aside where somebody by hand was
// told instead.
func (b *bed) refusals() int {
	count := len(b.named.refused.FindAllString(b.journal(b.named.unit), -1))
	if _, err := b.Server.Run(b.t.Context(), "test", "-e", b.named.folder+"/root.zone.refused"); err == nil {
		count++
	}
	return count
}

// written waits for the zone to be on disk.
func (b *bed) written() {
	b.t.Helper()
	if b.named.write != nil {
		b.on(b.Server, b.named.write...)
	}
	b.until(20*time.Second, "the file", func() error {
		_, err := b.Server.Run(b.t.Context(), "test", "-s", b.named.folder+"/root.zone")
		return err
	})
}

// TestKnotCopy is the life of a root zone on a copy whose name server is Knot
// DNS: a pack that is nothing but its folder.
func TestKnotCopy(t *testing.T) {
	t.Parallel()
	s := *loadSite(t, "../sites/root-example.hcl")
	s.Components = maps.Clone(s.Components)
	s.Components["dns"] = "knot"
	b := newBedOf(t, &s, rehearse.Options{})
	b.healthy()
	b.steps([]step{
		{"an outside validator follows the chain", (*bed).validates},
		{"a new serial arrives by NOTIFY", (*bed).bumps},
		{"a NOTIFY from elsewhere is not heard", (*bed).notHeard},
		{"a zone that is not right is refused", (*bed).refuses},
		{"a bad file on disk is not served", (*bed).badFile},
		{"a bad file is not read again", (*bed).badFileRead},
		{"rate limit", (*bed).valve},
		{"an expired zone is withdrawn and comes back", (*bed).expires},
	})
}

// step is a part of a test that goes on from where the one before has ended.
type step struct {
	name string
	run  func(*bed)
}

func (b *bed) steps(all []step) {
	t := b.t
	defer func() { b.t = t }()
	for _, s := range all {
		if !t.Run(s.name, func(t *testing.T) { b.t = t; s.run(b) }) {
			return // what follows begins with a healthy copy
		}
	}
}

// valve: a network that asks more than the limit is answered up to it, and
// every second answer beyond it says that TCP is open; another one, and who has
// a good cookie, lose nothing.
func (b *bed) valve() {
	const seconds = 20 // at its ends there is a second of the limiter more
	much := b.limited(seconds * time.Second)
	if whole := much.whole / seconds; whole < 180 || whole > 220 {
		b.t.Errorf("%d whole answers a second, want 200 within a tenth: %+v", whole, much)
	}
}
