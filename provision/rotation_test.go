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

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
)

// TestRotation changes each secret that two sides share, with the far side changed
// first, last and never: nothing is reverted for it, nobody is locked out, what
// answers goes on answering, and once both have the new one all is in order. Cookies
// are TestRootFlood's, the BMC's password is that of TestRotation in package bmc.
func TestRotation(t *testing.T) {
	needMachines(t)
	t.Parallel()
	b := newBedWith(t, "../sites/root-example.hcl", rehearse.Options{})
	b.healthy()
	for _, x := range []struct {
		name   string
		rotate func(*bed)
	}{{"BGP password", (*bed).rotateBGP}, {"TSIG", (*bed).rotateTSIG}, {"host key", (*bed).rotateHostKey}} {
		t.Run(x.name, func(t *testing.T) {
			b.t = t
			x.rotate(b)
		})
	}
	b.t = t
	b.verifyUntil(b.Site, allInOrder())
}

// becomes applies a site that differs from the one that stands, and makes it the
// one that stands.
func (b *bed) becomes(change func(*site.Site)) {
	b.t.Helper()
	s := *b.Site
	change(&s)
	j, _, err := b.apply(&s)
	if err != nil || j.Outcome != apply.Done {
		b.t.Fatalf("%s: %v", j.Outcome, err)
	}
	b.Site = &s
}

// goesBack applies the site of before: a rollback leaves secrets as they are, for no
// generation keeps one.
func (b *bed) goesBack(to *site.Site) {
	b.t.Helper()
	b.mustApply(to)
	b.Site = to
}

// rotateBGP is with one of two neighbors: the other one carries the blocks.
func (b *bed) rotateBGP() {
	neighbor := b.Site.BGP.Neighbors[0].Name
	control := []string{"birdc", "-s", "/run/bird/" + neighbor + ".ctl"}
	far := func(password string) {
		b.t.Helper()
		b.on(b.Router.Machine, "sed", "-i", `s/password ".*"/password "`+password+`"/`, "/etc/bird/"+neighbor+".conf")
		b.on(b.Router.Machine, append(control, "configure")...)
	}
	near := func(password string) {
		b.t.Helper()
		b.becomes(func(s *site.Site) {
			s.BGP.Neighbors = slices.Clone(s.BGP.Neighbors)
			s.BGP.Neighbors[0].Password = secret.New("rotation", password)
		})
	}
	sessions := func(want int) {
		b.t.Helper()
		b.until(settle, fmt.Sprintf("%d sessions with %s", want, neighbor), func() error {
			if text := b.on(b.Router.Machine, append(control, "show", "protocols")...); strings.Count(text, "Established") != want {
				return errors.New(text)
			}
			return nil
		})
		// Whatever becomes of this one, the blocks are there over the other, once
		// a change that resets sessions has ended: it drains.
		b.until(settle, "the blocks over another neighbor", func() error {
			routes, err := b.Router.Routes(b.t.Context())
			for _, block := range b.Site.Blocks() {
				if !slices.ContainsFunc(routes, func(r rehearse.Route) bool { return r.Prefix == block && r.Neighbor != neighbor }) {
					return errors.Join(err, fmt.Errorf("%s is gone", block))
				}
			}
			return err
		})
	}
	sessions(2)
	far("rotated-1-first")
	sessions(0)
	near("rotated-1-first")
	sessions(2)

	near("rotated-2-last")
	sessions(0)
	far("rotated-2-last")
	sessions(2)

	stood := b.Site
	near("rotated-3-never")
	sessions(0)
	b.goesBack(stood)
	sessions(2)
}

// rotateTSIG: a zone that cannot be transferred goes on being served, and comes up
// to date by itself once both sides agree.
func (b *bed) rotateTSIG() {
	name := b.Site.DNS.Keys[0].Name
	text := func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte(s + strings.Repeat("-", 32-len(s))))
	}
	far := func(key string) {
		b.t.Helper()
		if out, err := b.Primary.Command(b.t.Context(), "nsd-control", "update_tsig", name, text(key)).CombinedOutput(); err != nil {
			b.t.Fatalf("%v: %s", err, out)
		}
	}
	near := func(key string) {
		b.t.Helper()
		b.becomes(func(s *site.Site) {
			s.DNS.Keys = slices.Clone(s.DNS.Keys)
			s.DNS.Keys[0].Secret = secret.New("rotation", text(key))
		})
	}
	// disagree has the primary serve another zone, which does not arrive.
	disagree := func() uint32 {
		b.t.Helper()
		before, err := b.serial()
		b.must(err)
		since := b.on(b.Server, "date", "+%s")
		served, err := b.Primary.Bump(b.t.Context(), ".")
		b.must(err)
		b.on(b.Server, "nsd-control", "transfer", ".")
		b.until(settle, "a transfer that is refused", func() error {
			log := b.on(b.Server, "journalctl", "--no-pager", "--unit", "nsd", "--since", "@"+strings.TrimSpace(since))
			if !strings.Contains(log, "TSIG") && !strings.Contains(log, "tsig") && !strings.Contains(log, "NOTAUTH") {
				return errors.New(log)
			}
			return nil
		})
		b.must(b.serves(before)())
		b.until(settle, "the announcement", b.announced(true))
		return served.Serial
	}
	agree := func(serial uint32) {
		b.t.Helper()
		var asked time.Time
		b.until(settle, "the zone", func() error {
			// It tries by itself, after times of the zone's that grow; a transfer
			// that is under way keeps another from being begun.
			if time.Since(asked) > 5*time.Second {
				b.on(b.Server, "nsd-control", "transfer", ".")
				asked = time.Now()
			}
			return b.serves(serial)()
		})
		b.until(settle, "the announcement", b.announced(true))
	}
	far("first")
	serial := disagree()
	near("first")
	agree(serial)

	near("last")
	serial = disagree()
	far("last")
	agree(serial)

	stood := b.Site
	near("never")
	serial = disagree()
	b.goesBack(stood)
	agree(serial)
}

// rotateHostKey: while a site names the key before as well, either is right.
func (b *bed) rotateHostKey() {
	const file = "/etc/ssh/ssh_host_ed25519_key"
	make := func(name string) string {
		b.t.Helper()
		b.on(b.Server, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "/root/"+name)
		return strings.TrimSpace(b.on(b.Server, "cat", "/root/"+name+".pub"))
	}
	far := func(name string) {
		b.t.Helper()
		b.on(b.Server, "sh", "-ec", "cp /root/"+name+" "+file+"; cp /root/"+name+".pub "+file+".pub; systemctl reload ssh")
		// sshd starts itself anew, and nobody listens for a moment.
		b.until(settle, "sshd with its "+name+" key", func() error {
			_, err := b.Server.Run(b.t.Context(), "sh", "-c", "ssh-keyscan -t ed25519 localhost | grep -qF \"$(cut -d' ' -f2 "+file+".pub)\"")
			return err
		})
	}
	pinned := func(now, before string) *site.Site {
		s := *b.Site
		s.Server.SSH.Host = site.HostPin{Key: now, Previous: before}
		return &s
	}
	known := func(s *site.Site, want bool) {
		b.t.Helper()
		run := provision.New(s, b.o)
		defer run.Close(context.Background())
		planned, err := run.Plan(b.t.Context())
		b.must(err)
		switch {
		case want && (planned.Seen.ServerErr != nil || !planned.Plan.Empty()):
			b.t.Errorf("%v, %d changes", planned.Seen.ServerErr, len(planned.Plan.Changes))
		case !want && !errors.Is(planned.Seen.ServerErr, remote.ErrHostKey):
			b.t.Errorf("a server that nobody knows: %v", planned.Seen.ServerErr)
		}
	}
	old := b.Site.Server.SSH.Host.Key
	first, last, never := make("first"), make("last"), make("never")
	far("first")
	known(pinned(old, ""), false)
	b.Site = pinned(first, old)
	known(b.Site, true)

	b.Site = pinned(last, first)
	known(b.Site, true)
	far("last")
	known(b.Site, true)

	known(pinned(never, last), true)
	known(pinned(never, ""), false)
	b.Site = pinned(last, "")
	known(b.Site, true)
	identity := b.Site.DNS.Identity
	b.becomes(func(s *site.Site) { s.DNS.Identity = "rotated." + identity }) // over the new key
	b.becomes(func(s *site.Site) { s.DNS.Identity = identity })
}
