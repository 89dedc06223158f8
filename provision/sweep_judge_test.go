//go:build linux

package provision_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/invoke"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verify"
)

// settled waits until the server answers SSH at the old or the new address
// and nothing is pending any more: the timer, and what a revert may take that has to be tried again.
func (w *worker) settled() error {
	ctx, cancel := context.WithTimeout(w.t.Context(), sweepRevert+sweepGrace)
	defer cancel()
	var last error
	for calm := 0; ctx.Err() == nil; {
		t, err := w.status(ctx)
		switch {
		case err != nil && ctx.Err() != nil: // cut short: says less than the one before
		case err != nil:
			last, calm = err, 0
		case t != nil:
			last, calm = fmt.Errorf("generation %d is still pending: %s", t.Number, t.State), 0
		case w.busy():
			last, calm = errors.New("the helper still holds its lock"), 0
		default:
			// Twice, because the lock is free for an instant between two steps.
			if calm++; calm == 2 {
				return nil
			}
		}
		time.Sleep(100 * time.Millisecond) // between two looks at a condition
	}
	log, _ := os.ReadFile(w.home("log"))
	return fmt.Errorf("not settled within %s: %w\n%s", sweepRevert+sweepGrace, last, log[max(0, len(log)-2000):])
}

// busy reports whether a helper is at work: also one whose raiz is dead goes
// on until it has armed its way back.
func (w *worker) busy() bool {
	_, err := w.g.Server.Run(w.t.Context(), "flock", "-n", state.Home+"/lock", "true")
	return err != nil
}

func (w *worker) dial(ctx context.Context) (*remote.Conn, error) {
	ssh := w.g.Site.Server.SSH
	var addrs []netip.AddrPort
	for _, v := range []string{"A", "B"} {
		addrs = append(addrs, netip.AddrPortFrom(variant(w.g.Site, v).Server.Management.Addresses[0].Addr(), 22))
	}
	return remote.Dial(ctx, remote.Target{
		Addresses: addrs, Dial: w.g.Netns(rehearse.RoleController).DialContext,
		Login: remote.Login{User: ssh.User, HostKey: ssh.HostKey, IdentityFile: ssh.Identity},
	})
}

// status is the generation that is pending, nil for none.
func (w *worker) status(ctx context.Context) (*server.Status, error) {
	c, err := w.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	images, err := sweepHelpers()
	if err != nil {
		return nil, err
	}
	facts, err := invoke.Helper{Conn: c, Images: images, Who: "sweep"}.Probe(ctx, server.ProbeRequest{})
	return facts.Pending, err
}

// hashes are those of every managed file, with mode and owner; and what is in
// their folders that must not be.
func (w *worker) hashes() string {
	w.t.Helper()
	current, err := os.ReadFile(w.home("current"))
	w.must(err)
	text, err := os.ReadFile(w.home("generations", strings.TrimSpace(string(current)), "manifest.json"))
	w.must(err)
	var m server.Manifest
	w.must(json.Unmarshal(text, &m))
	var paths []string
	for _, f := range m.Files {
		paths = append(paths, f.Path)
	}
	slices.Sort(paths)
	out, err := w.g.Server.Run(w.t.Context(), "sh", "-c", "for f in "+strings.Join(paths, " ")+`; do
		stat -c '%a %U %G' "$f"; sha256sum "$f"; done; find /etc /usr/local -name '.raiz-*'; readlink /etc/systemd/system/multi-user.target.wants/* | sort`)
	if err != nil {
		w.t.Errorf("hash the managed files: %v", err)
	}
	return out
}

// whole returns the generation that stands, whole: its files, its services,
// its addresses, and DNS that answers as it.
func (w *worker) whole() (string, error) {
	have := w.hashes()
	for _, v := range []string{"A", "B"} {
		if have == w.refs[v] {
			return v, w.effective(v)
		}
	}
	return "", fmt.Errorf("the files are neither generation (-A +these):\n%s(-B +these):\n%s", cmp.Diff(w.refs["A"], have), cmp.Diff(w.refs["B"], have))
}

// effective waits until what runs is what the files say.
func (w *worker) effective(v string) error {
	s := variant(w.g.Site, v)
	var last error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if last = w.running(v, s); last != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
		conn, err := w.dial(ctx)
		if last = err; err == nil {
			if problems := verify.DNSProblems(s, verify.AskThrough(ctx, s, conn)); len(problems) > 0 {
				last = errors.New("DNS: " + messages.English().All(problems))
			}
			_ = conn.Close()
		}
		cancel()
		if last == nil {
			return nil
		}
	}
	return fmt.Errorf("files of %s, but: %w", v, last)
}

func (w *worker) running(v string, s *site.Site) error {
	out, err := w.g.Server.Run(w.t.Context(), "sh", "-c", `systemctl is-active bird nsd nftables chrony ssh systemd-networkd raiz-announce `+extraUnit+` | uniq -c
		ip -o -4 address show dev eno1 | awk '{ print $4 }'; hostname`)
	if err != nil && !strings.Contains(out, "active") {
		return err
	}
	want := "8 active"
	if v == "A" {
		want = "7 active 1 inactive"
	}
	want += " " + s.Server.Management.Addresses[0].String() + " " + s.Server.Hostname
	if got := strings.Join(strings.Fields(out), " "); got != want {
		return fmt.Errorf("runs %s, want %s", got, want)
	}
	return nil
}

// converge is the plain apply afterwards, and the second plan that has to be
// empty.
func (w *worker) converge(to string) error {
	ctx, cancel := context.WithTimeout(w.t.Context(), 4*time.Minute)
	defer cancel()
	s := variant(w.g.Site, to)
	o, err := sweepOptions(w.g, to)
	if err != nil {
		return err
	}
	run := provision.New(s, o)
	planned, err := run.Plan(ctx)
	if err == nil && !planned.Plan.Empty() {
		_, err = run.Apply(ctx, planned, "")
	}
	err = errors.Join(err, run.Close(ctx))
	if err != nil {
		return err
	}
	run = provision.New(s, o)
	defer run.Close(ctx)
	again, err := run.Plan(ctx)
	if err == nil && !again.Plan.Empty() {
		err = fmt.Errorf("second plan: %d changes, %d unknown", len(again.Plan.Changes), len(again.Plan.Unknown))
		for _, c := range again.Plan.Changes {
			err = fmt.Errorf("%w; %s %s", err, c.Action, c.Key)
		}
	}
	w.at = to
	return err
}
