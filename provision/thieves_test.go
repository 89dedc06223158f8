//go:build linux

package provision_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
	words "github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/templates"
)

// thiefRuns is how many applies thieves are present at.
const thiefRuns = 20

// TestThieves changes a server in the presence of its other users: two of them
// read whatever they may, without a pause, and the user of the routing daemon,
// whose directory is its own, has names there lead elsewhere. None of them gets
// a secret, nothing but what is managed changes, and when they have gone all is
// as declared.
func TestThieves(t *testing.T) {
	t.Parallel()
	b := newBed(t, "../sites/as112-gru1.hcl")
	b.o.RevertAfter = 40 * time.Second
	h := &heist{bed: b, sites: [2]*site.Site{secretive(b.Site, "first"), secretive(b.Site, "second")}}
	b.mustApply(h.sites[1])
	h.prepare()
	before := h.others()
	unchanged := func() {
		t.Helper()
		if diff := cmp.Diff(before, h.others()); diff != "" {
			t.Errorf("what raiz does not manage has changed (-before +after):\n%s", diff)
		}
	}
	defer unchanged() // also where the way in was lost
	for i := range thiefRuns {
		h.turn(i)
	}
	unchanged()
	h.controls()
	h.dismiss()
	b.mustApply(h.sites[0])
	h.isRight(h.sites[0])
	if planned, _ := b.plan(h.sites[0]); !planned.Plan.Empty() {
		t.Errorf("with the thieves gone the plan is not empty: %+v %+v", planned.Plan.Changes, planned.Plan.Unknown)
	}
}

// secretive is a site with secrets of its own, in a routing daemon's file and in
// a name server's.
func secretive(s *site.Site, name string) *site.Site {
	c := *s
	c.BGP.Neighbors = slices.Clone(s.BGP.Neighbors)
	for i := range c.BGP.Neighbors {
		c.BGP.Neighbors[i].Password = secret.New("test", "bgp-password-"+name)
	}
	key := base64.StdEncoding.EncodeToString([]byte("tsig-secret-of-the-" + name))
	c.DNS.Keys = []site.TSIG{{Name: "thieves", Algorithm: "hmac-sha256", Secret: secret.New("test", key)}}
	return &c
}

// heist is a server with thieves in it.
type heist struct {
	*bed
	sites    [2]*site.Site
	secrets  []string
	readers  []*thief
	planter  *thief         // as the routing daemon, in its directory
	squatter *thief         // as nobody, in /tmp
	ends     map[string]int // how applies ended, by tactic
}

// bait is a secret that a careless root lets everybody read for an instant, and
// baited what the same root writes to without a look at where it leads.
const (
	bait    = "bait-for-every-reader"
	baited  = "/root/baited"
	birdDir = "/etc/bird"
)

// victims are where the links of planters lead.
func victims() []string {
	return []string{"/root/.ssh/authorized_keys", "/etc/shadow", "/root/victim", baited}
}

func (h *heist) prepare() {
	h.t.Helper()
	h.ends = map[string]int{}
	for _, s := range h.sites {
		h.secrets = append(h.secrets, s.BGP.Neighbors[0].Password.Reveal(), s.DNS.Keys[0].Secret.Reveal())
	}
	h.secrets = append(h.secrets, h.Site.BMC.Password.Reveal(), bait)
	h.installThief()
	h.on(h.Server, "sh", "-c", `useradd --create-home visitor && echo mine >/root/victim && echo mine >`+baited)
	if owner := h.on(h.Server, "stat", "-c", "%U", birdDir); owner != "bird\n" {
		h.t.Fatalf("%s belongs to %s, so that nobody could plant anything there", birdDir, owner)
	}
	for _, user := range []string{"nobody", "visitor"} {
		h.readers = append(h.readers, h.hire(user, errand{
			Role: "reader", Secrets: h.secrets,
			Dirs:  []string{"/tmp", "/var/tmp", "/dev/shm", "/etc", birdDir, "/etc/nsd", "/run", "/var/lib/raiz", "/usr/local/lib/raiz"},
			Trees: []string{"/tmp", "/run", "/var/lib", "/usr/local/lib/raiz", "/etc"},
		}))
	}
	h.planter = h.hire("bird", errand{
		Role: "planter", Dir: birdDir, Watched: "/etc", Victims: victims(),
		Names: []string{"raiz-passwords.conf", "bird.conf"},
	})
	h.squatter = h.hire("nobody", errand{Role: "planter", Dir: "/tmp", Watched: "/tmp", Victims: victims()})
	for _, r := range h.readers {
		r.turnTo("read")
	}
	h.squatter.turnTo("race")
}

// turn is one apply. Every other one is left alone by the planter, and has to
// put right whatever the one before has left.
func (h *heist) turn(i int) {
	h.t.Helper()
	if i%6 == 2 { // the helper is sent once more
		h.on(h.Server, "sh", "-c", "rm -r /usr/local/lib/raiz/*/")
	}
	to := h.sites[i%2]
	start := time.Now()
	if i%2 == 1 {
		err := h.attempt(to, "idle", "")
		if err != nil {
			h.t.Errorf("apply %d, with nothing planted: %v", i, err)
		}
		h.t.Logf("apply %d, %.1f s: %v", i, time.Since(start).Seconds(), err)
		h.isRight(to)
		return
	}
	tactic := []string{"plant", "swap", "race", "replace", "race and fail", "hold"}[i/2%6]
	before, during := tactic, ""
	switch tactic {
	case "replace":
		before, during = "idle", tactic
	case "race and fail":
		before = "race"
		h.o.Packs = withUnit("Type=oneshot\nExecStart=/bin/false")
		defer func() { h.o.Packs = templates.FS() }()
	}
	if tactic == "hold" {
		h.heldUp(to)
		return
	}
	err := h.attempt(to, before, during)
	h.planter.turnTo("idle")
	h.t.Logf("apply %d, %s, %.1f s: %v", i, tactic, time.Since(start).Seconds(), err)
	h.fits(tactic, err)
	if err == nil && tactic == "plant" {
		h.isRight(to)
	}
	h.must(provision.WaitPending(h.t.Context(), to, h.o, func(m words.Message) { h.t.Logf("%v", m) }))
}

// attempt plans and applies, with a tactic on before the plan is made, and
// another one after it.
func (h *heist) attempt(s *site.Site, before, during string) error {
	h.t.Helper()
	h.planter.turnTo(before)
	run := provision.New(s, h.o)
	defer run.Close(context.Background())
	planned, err := run.Plan(h.t.Context())
	h.must(err)
	if during != "" {
		h.planter.turnTo(during)
	}
	j, err := run.Apply(h.t.Context(), planned, planned.Plan.Digest())
	h.ends[before+during+" "+string(j.Outcome)]++
	if err != nil {
		return fmt.Errorf("%s: %w", j.Outcome, err)
	}
	return nil
}

// heldUp is a change that cuts access, while the planter lets none of its files
// come back. The way in comes back all the same, and the files as soon as they
// can.
func (h *heist) heldUp(s *site.Site) {
	h.t.Helper()
	wrong := *s
	wrong.Server.Management.Gateways = addrs("192.0.2.18", "2001:db8:0:2::99")
	after := h.o.RevertAfter
	h.o.RevertAfter = 10 * time.Second
	ended := make(chan error, 1)
	go func() { ended <- h.attempt(&wrong, "idle", "") }()
	leads := func(gateway string) func() bool {
		return func() bool {
			return strings.Contains(h.on(h.Server, "ip", "route", "show", "default"), "via "+gateway+" ")
		}
	}
	h.wait("wrong gateway", settle, leads("192.0.2.18"))
	h.planter.turnTo("hold")
	h.wait("word that files cannot come back", settle, func() bool {
		log := h.on(h.Server, "tail", "-n1", "/var/lib/raiz/log")
		return strings.Contains(log, "cannot be put back yet") && strings.Contains(log, birdDir)
	})
	if !leads("192.0.2.17")() {
		h.t.Error("a daemon's user keeps the way in from coming back")
	}
	h.planter.turnTo("idle")
	if err := <-ended; err == nil || !strings.HasPrefix(err.Error(), string(apply.Reverted)) {
		h.t.Errorf("with files held up, an apply ends: %v", err)
	}
	h.o.RevertAfter = after
}

// fits holds how an apply ended against what was done to it.
func (h *heist) fits(tactic string, err error) {
	h.t.Helper()
	switch {
	case tactic == "plant" && err != nil:
		h.t.Errorf("with links in place of files that it writes, an apply ends: %v", err)
	case tactic == "replace" && !errors.Is(err, provision.ErrMoved):
		h.t.Errorf("with files that have changed since the plan, an apply ends: %v", err)
	case tactic == "race and fail" && err == nil:
		h.t.Error("a unit that cannot start was confirmed")
	case err != nil && errors.Is(err, apply.ErrNotApplicable):
	case err != nil && !strings.Contains(err.Error(), birdDir) && !strings.Contains(err.Error(), "bird.service") && !strings.Contains(err.Error(), extraUnit):
		h.t.Errorf("%s: the reason names nothing that was tampered with: %v", tactic, err)
	}
}

// isRight sees that the secret of a site stands where it belongs, and can be
// read by nobody else.
func (h *heist) isRight(s *site.Site) {
	h.t.Helper()
	for file, want := range map[string][2]string{
		birdDir + "/raiz-passwords.conf": {"regular file 640 root:bird", s.BGP.Neighbors[0].Password.Reveal()},
		"/etc/nsd/raiz-keys.conf":        {"regular file 640 root:nsd", s.DNS.Keys[0].Secret.Reveal()},
	} {
		is := strings.TrimSpace(h.on(h.Server, "stat", "-c", "%F %a %U:%G", file))
		if text := h.on(h.Server, "cat", file); is != want[0] || !strings.Contains(text, want[1]) {
			h.t.Errorf("%s is %q, want %q with the secret that was declared", file, is, want[0])
		}
	}
}
