//go:build linux

package provision_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	return fmt.Errorf("not settled within %s: %w\n%s\n%s", sweepRevert+sweepGrace, last, log[max(0, len(log)-2000):],
		w.looksOf("journalctl --no-pager --lines 80; ip -brief address; ip route; ip -6 route; ss --tcp --all --numeric; systemctl --failed --no-pager"))
}

// busy reports whether a helper is at work: also one whose raiz is dead goes
// on until it has armed its way back.
func (w *worker) busy() bool {
	_, err := w.g.Server.Run(w.t.Context(), "sh", "-c", "test ! -e "+state.Home+"/lock || flock -n "+state.Home+"/lock true")
	return err != nil
}

func (w *worker) dial(ctx context.Context) (*remote.Conn, error) {
	ssh := w.g.Site.Server.SSH
	var addrs []netip.AddrPort
	for _, v := range []string{"A", "B"} {
		addrs = append(addrs, netip.AddrPortFrom(variant(w.g.Site, v).Server.Management.Addresses[0].Addr(), 22))
	}
	addrs = append(addrs, netip.AddrPortFrom(ssh.Bootstrap, 22))
	return remote.Dial(ctx, remote.Target{
		Addresses: addrs, Dial: w.g.Netns(rehearse.RoleController).DialContext,
		Login: remote.Login{User: ssh.User, Pin: remote.Pin{Key: ssh.Host.Key}, IdentityFile: ssh.Identity},
	})
}

// status is the generation that is pending, nil for none. The address that it
// asks through may leave meanwhile, and a connection is silent for half a minute
// before it is given up.
func (w *worker) status(ctx context.Context) (*server.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
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

// looks are what a server looks like from inside: the files, and what the
// kernel, systemd and whoever runs the network have made of them.
type looks struct{ files, effect string }

// filesScript prints every file and link that anybody could have to do with,
// with its mode, owner and contents. raiz's own on the server are no part of
// what changes, also where the power has cut its writing short: the next change
// writes it anew. Nor are links of SysV, which systemctl keeps in step and nobody
// reads where there is a unit.
const filesScript = `find /etc /usr/local \( -path '/usr/local/lib/raiz/????????????????????????????????????????????????????????????????' \
		-o -path '/etc/rc?.d' -o -path /usr/local/sbin/raiz-helper -o -name 'raiz-activate.service*' -o -name 'raiz-revert.service*' -o -name 'raiz-boot.service*' \
		-o -name '.raiz-*.service.raiz' \) -prune -o \
		! -type d -printf '%p %y %m %u %g %l\n' -type f -exec sha256sum {} + | sort`

// effectScript says "inactive" also of a unit that has failed: neither runs.
const effectScript = networkScript + `
		for u in bird nsd knot nftables chrony ssh raiz-guard ` + extraUnit + `; do echo "$u $(systemctl is-active $u | sed s/failed/inactive/)"; done
		hostname; ip rule | sort; ip -6 rule | sort; ip route show table main scope link | sort; nft --stateless --terse list ruleset | sha256sum`

func (w *worker) looksOf(script string) string {
	w.t.Helper()
	out, err := w.g.Server.Run(w.t.Context(), "sh", "-c", script)
	if err != nil {
		return fmt.Sprintf("it cannot be looked at: %v", err)
	}
	return out
}

// note takes down what the variant that stands looks like, once that no longer
// changes.
func (w *worker) note(v string) {
	w.t.Helper()
	var last looks
	w.await("server that looks the same twice", time.Minute, func() bool {
		then := last
		last = looks{w.looksOf(filesScript), w.looksOf(effectScript)}
		time.Sleep(time.Second) // between two looks
		return last == then
	})
	w.refs[v] = last
}

// whole returns the generation that stands, whole: its files, its services,
// its addresses, and DNS that answers as it.
func (w *worker) whole() (string, error) {
	have := w.looksOf(filesScript)
	var unlike strings.Builder
	for _, v := range slices.Sorted(maps.Keys(w.refs)) {
		if have == w.refs[v].files {
			return v, w.effective(v)
		}
		fmt.Fprintf(&unlike, "(-%s +these):\n%s", v, cmp.Diff(w.refs[v].files, have))
	}
	return "", fmt.Errorf("the files are no generation's %s", unlike.String())
}

// effective waits until what runs is what the files say.
func (w *worker) effective(v string) error {
	s := w.start.variant(w.g.Site, v)
	var last error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) { // between two looks
		if last = w.running(v, s); last != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
		conn, err := w.dial(ctx)
		if last = err; err == nil {
			if v != bare {
				last = dnsOf(ctx, s, conn)
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

func dnsOf(ctx context.Context, s *site.Site, conn *remote.Conn) error {
	if problems := verify.DNSProblems(s, verify.AskThrough(ctx, s, conn)); len(problems) > 0 {
		return errors.New("DNS: " + messages.English().All(problems))
	}
	return nil
}

// running compares what runs with what ran when the variant stood undisturbed,
// and that with what the site says: an apply that had done nothing would look
// like itself.
func (w *worker) running(v string, s *site.Site) error {
	have := w.looksOf(effectScript)
	if have != w.refs[v].effect {
		return fmt.Errorf("what runs is not what did (-then +now):\n%s", cmp.Diff(w.refs[v].effect, have))
	}
	if v == bare {
		return nil
	}
	want := []string{"eno1 " + s.Server.Management.Addresses[0].String(), s.Server.Hostname,
		"nsd active", "knot inactive", extraUnit + " inactive"}
	if v == "B" {
		want[4] = extraUnit + " active"
	}
	if s.Components["dns"] == "knot" {
		want[2], want[3] = "nsd inactive", "knot active"
	}
	for _, u := range []string{"bird", "nftables", "chrony", "ssh", "raiz-guard"} {
		want = append(want, u+" active")
	}
	var lines []string
	for line := range strings.Lines(have) {
		lines = append(lines, strings.TrimSpace(line))
	}
	for _, line := range want {
		if !slices.Contains(lines, line) {
			return fmt.Errorf("%q is not among what runs:\n%s", line, have)
		}
	}
	return nil
}

// converge is the plain apply afterwards, and the second plan that has to be
// empty.
func (w *worker) converge(to string) error {
	ctx, cancel := context.WithTimeout(w.t.Context(), 4*time.Minute)
	defer cancel()
	s := w.start.variant(w.g.Site, to)
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
