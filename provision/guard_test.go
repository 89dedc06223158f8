package provision_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// wrong is a change that must not last, whoever asked for it.
type wrong struct {
	name   string
	change func(*site.Site)
	packs  map[string]string // files of the system pack that are replaced
	reason string            // named in the error
}

func wrongs() []wrong {
	const sshd = `# refuses everybody
PubkeyAuthentication no
PasswordAuthentication no
`
	return []wrong{{
		name:   "gateway",
		change: func(s *site.Site) { s.Server.Management.Gateways = addrs("192.0.2.18", "2001:db8:0:2::1") },
		reason: "no SSH at 192.0.2.20:22",
	}, {
		name: "gateways of both families",
		change: func(s *site.Site) {
			s.Server.Management.Gateways = addrs("192.0.2.18", "2001:db8:0:2::99")
		},
		reason: "no new connection to the declared address",
	}, {
		name: "address",
		change: func(s *site.Site) {
			s.Server.Management.Addresses = []netip.Prefix{netip.MustParsePrefix("192.0.3.20/28")}
			s.Server.Management.Gateways = addrs("192.0.3.17")
		},
		reason: "no new connection to the declared address",
	}, {
		name:   "firewall that drops SSH",
		change: func(s *site.Site) { s.Server.SSH.From = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")} },
		reason: "no new connection to the declared address",
	}, {
		name:   "sshd that refuses the key",
		packs:  map[string]string{"sshd.conf.tmpl": sshd},
		reason: "login refused",
	}}
}

func addrs(all ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range all {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

// TestWrongChangesRevert applies what would lock everybody out, on purpose,
// and sees the server come back by itself.
func TestWrongChangesRevert(t *testing.T) {
	t.Parallel()
	b := newBed(t, "../sites/as112-gru1.hcl")
	b.mustApply(b.Site)
	for _, w := range wrongs() {
		t.Run(w.name, func(t *testing.T) {
			b.t = t
			s := *b.Site
			if w.change != nil {
				w.change(&s)
			}
			o := b.o
			o.RevertAfter = 12 * time.Second
			o.Via = netip.MustParseAddrPort("192.0.2.20:22")
			if w.packs != nil {
				o.Packs = templates.Over(templates.FS(), systemPack(t, w.packs))
			}
			run := provision.New(&s, o)
			planned, err := run.Plan(t.Context())
			b.must(err)
			start := time.Now()
			j, err := run.Apply(t.Context(), planned, "")
			_ = run.Close(t.Context())
			if j.Outcome != apply.Reverted || err == nil {
				t.Fatalf("outcome %q, %v; want it reverted", j.Outcome, err)
			}
			if !strings.Contains(err.Error(), w.reason) {
				t.Errorf("the reason %q is not in: %v", w.reason, err)
			}
			t.Logf("back after %s: %v", time.Since(start).Round(time.Second), err)
			again, _ := b.plan(b.Site)
			if !again.Plan.Empty() {
				t.Errorf("after the revert the server is not what it was: %+v %+v", again.Plan.Changes, again.Plan.Unknown)
			}
			if !again.Reverted() {
				t.Error("the next plan does not say that the server has reverted")
			}
		})
	}
}

// systemPack is the built-in system pack with some of its files replaced.
func systemPack(t *testing.T, replaced map[string]string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	for _, name := range []string{"component.hcl", "hostname.tmpl", "hosts.tmpl", "resolv.conf.tmpl", "sysctl.conf.tmpl", "sshd.conf.tmpl", "journald.conf.tmpl"} {
		f, err := templates.FS().Open("system/" + name)
		if err != nil {
			t.Fatal(err)
		}
		st, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		data := make([]byte, st.Size())
		if _, err := f.Read(data); err != nil {
			t.Fatal(err)
		}
		_ = f.Close() // it was only read
		out["system/"+name] = &fstest.MapFile{Data: data}
	}
	for name, text := range replaced {
		out["system/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}
