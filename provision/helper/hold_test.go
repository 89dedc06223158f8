package helper_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/watch"
)

// guarded puts a guard on the bench that does at once what the file of a hold
// asks for, and returns what tells whether it announces.
func (b *bench) guarded(t *testing.T) (announces func() bool) {
	t.Helper()
	os := b.m.Console()
	if err := os.MakeDir(watch.Home, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Create(watch.StatusFile, []byte("{}"), helper.Attributes{Mode: 0o644, Owner: "root", Group: "root"}); err != nil {
		t.Fatal(err)
	}
	announces = func() bool { _, err := os.Look(watch.HoldFile); return err != nil }
	tells := func(file string, data []byte) []byte {
		if file != watch.StatusFile {
			return data
		}
		s := watch.Withdrawn
		if announces() {
			s = watch.Announced
		}
		text, err := json.Marshal(watch.Status{Version: watch.Version, Uptime: os.Uptime().Seconds(), Leave: 3,
			Blocks: []watch.BlockStatus{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), State: s}}})
		if err != nil {
			t.Error(err)
		}
		return text
	}
	b.spoil = func(os helper.OS) helper.OS { return spoilt{OS: os, read: tells} }
	return announces
}

// A change by which queries are lost is made while nothing is announced, one by
// which none are is missed by nobody; and the blocks come back with its end,
// whichever it is.
func TestNothingIsAnnouncedMeanwhile(t *testing.T) {
	for name, gap := range map[string]bool{"queries are lost": true, "none are": false} {
		for _, end := range []server.Verb{server.VerbConfirm, server.VerbRevert} {
			t.Run(name+"/"+string(end), func(t *testing.T) {
				b := newBench()
				announces := b.guarded(t)
				below, seen := b.spoil, 0
				watches := func(op helper.Op, unit string) (bool, error) {
					if op == helper.OpRestart && unit == idle {
						if seen++; announces() == gap {
							t.Errorf("as the unit was restarted it was announced: %v", announces())
						}
					}
					return false, nil
				}
				b.spoil = func(os helper.OS) helper.OS { return spoilt{OS: below(os), do: watches} }
				q := b.request(t, "run000000hold", 120)
				q.Apply.Manifest.Files[0].Effect.Gap = gap
				if a := b.ask(q); a.Error != nil || seen == 0 || announces() == gap {
					t.Fatalf("%v; restarted %d times, announced %v", a.Error, seen, announces())
				}
				if a := b.of("run000000hold", end); a.Error != nil || !announces() {
					t.Errorf("after its end: %v, announced %v", a.Error, announces())
				}
			})
		}
	}
}

// Where the blocks cannot be withdrawn such a change does not begin.
func TestChangeThatCannotDrain(t *testing.T) {
	b := newBench()
	b.guarded(t)
	below := b.spoil
	full := func(file string) error {
		if strings.HasPrefix(file, "/run/raiz/") {
			return syscall.ENOSPC
		}
		return nil
	}
	b.spoil = func(os helper.OS) helper.OS { return spoilt{OS: below(os), make: full} }
	q := b.request(t, "run000000full", 120)
	q.Apply.Manifest.Files[0].Effect.Gap = true
	if a := b.ask(q); a.Error == nil || a.Error.Code != server.ErrRefused || b.text() != "" || b.state("run000000full") != server.Refused {
		t.Errorf("%+v %v; %q stands", a.Status, a.Error, b.text())
	}
}
