//go:build linux

package provision_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verify"
	"github.com/raiz-dns/raiz/templates"
)

// settle is how long things may take on a machine with two busy cores.
const settle = 2 * time.Minute

// bed is a rehearsal with raiz's own output kept for the search for secrets.
type bed struct {
	*rehearse.Testbed
	t     *testing.T
	o     provision.Options
	said  *bytes.Buffer // every report in every form, and the log
	links *memoryLinks
	named nameServer
}

type memoryLinks struct {
	mu  sync.Mutex
	all map[string][]byte
}

func (m *memoryLinks) Key() []byte { return []byte("of this test") }

func (m *memoryLinks) Load(name string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all[name]
}

func (m *memoryLinks) Store(name string, entry []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all[name] = entry
}

type lockedBuffer struct {
	mu sync.Mutex
	b  *bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func newBed(t *testing.T, path string) *bed {
	t.Helper()
	return newBedWith(t, path, rehearse.Options{})
}

func newBedWith(t *testing.T, path string, testbed rehearse.Options) *bed {
	t.Helper()
	return newBedOf(t, loadSite(t, path), testbed)
}

func newBedOf(t *testing.T, s *site.Site, testbed rehearse.Options) *bed {
	t.Helper()
	needMachines(t)
	testbed.Progress = func(line string) { t.Log(line) }
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	g, err := rehearse.Up(ctx, s, testbed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	b := &bed{Testbed: g, t: t, named: named(s.Components["dns"]), said: &bytes.Buffer{}, links: &memoryLinks{all: map[string][]byte{}}}
	log := slog.New(slog.NewTextHandler(&lockedBuffer{b: b.said}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	images, err := helpersOf(realHelper)
	if err != nil {
		t.Fatal(err)
	}
	b.o = provision.OnTestbed(provision.Options{Packs: templates.FS(), Helpers: images, Links: b.links, Who: "test", Log: log}, g)
	return b
}

func loadSite(t testing.TB, path string) *site.Site {
	t.Helper()
	operators, err := os.OpenRoot("../templates/operators")
	if err != nil {
		t.Fatal(err)
	}
	defer operators.Close()
	sites, diags := site.Load(os.DirFS(filepath.Dir(path)), filepath.Base(path), site.Options{
		Operators: operators.FS(), Packs: sitePacks(t),
	})
	if diags.HasErrors() {
		t.Fatalf("load %s: %v", path, diags)
	}
	return soon(sites[0])
}

// record keeps what raiz says, in every form.
func (b *bed) record(r report.Report) {
	b.t.Helper()
	for _, full := range []bool{false, true} {
		if err := report.Text(b.said, r, report.TextOptions{Full: full}); err != nil {
			b.t.Error(err)
		}
	}
	if err := report.JSON(b.said, report.Envelope{Verb: "apply", Result: report.Document(r), Err: r.ApplyErr}); err != nil {
		b.t.Error(err)
	}
	if r.Plan != nil {
		saved, err := plan.Save(*r.Plan, "site.hcl")
		if err != nil {
			b.t.Error(err)
		}
		b.said.Write(saved)
	}
}

func (b *bed) plan(s *site.Site) (provision.Planned, report.Cost) {
	b.t.Helper()
	run := provision.New(s, b.o)
	defer run.Close(context.Background())
	planned, err := run.Plan(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	b.record(report.Report{Site: s, Plan: &planned.Plan, Notices: planned.Notices()})
	return planned, run.Cost()
}

// apply makes a plan and carries it out.
func (b *bed) apply(s *site.Site) (apply.Journal, report.Cost, error) {
	b.t.Helper()
	run := provision.New(s, b.o)
	defer run.Close(context.Background())
	planned, err := run.Plan(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, u := range planned.Plan.Unknown {
		b.t.Errorf("unknown: %s: %v", u.Key, u.Err)
	}
	j, err := run.Apply(b.t.Context(), planned, planned.Plan.Digest())
	b.record(report.Report{Site: s, Plan: &planned.Plan, Apply: &j, ApplyErr: err})
	return j, run.Cost(), err
}

func (b *bed) mustApply(s *site.Site) {
	b.t.Helper()
	if _, _, err := b.apply(s); err != nil {
		b.t.Fatal(err)
	}
}

// verifyUntil verifies until the results that are not in order are exactly
// the wanted ones, and fails when they never are.
func (b *bed) verifyUntil(s *site.Site, want map[string]verify.Status) []verify.Result {
	b.t.Helper()
	var got map[string]verify.Status
	var results []verify.Result
	for end := time.Now().Add(settle); ; {
		run := provision.New(s, b.o)
		results = run.Verify(b.t.Context(), provision.TestbedVantages(b.Testbed))
		_ = run.Close(context.Background())
		if got = notInOrder(results); cmp.Equal(want, got) || time.Now().After(end) {
			break
		}
		time.Sleep(500 * time.Millisecond) // between two looks at a condition
	}
	b.record(report.Report{Site: s, Verify: results})
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("checks that are not in order (-want +got):\n%s", diff)
		_ = report.Text(b.t.Output(), report.Report{Site: s, Verify: results}, report.TextOptions{})
	}
	for _, r := range results {
		if r.Status == verify.Skipped && want[r.Because] == "" {
			b.t.Errorf("%s is skipped because of %q, which is not what was broken", r.ID, r.Because)
		}
	}
	return results
}

// notInOrder are the results that neither passed nor were skipped because of
// another.
func notInOrder(results []verify.Result) map[string]verify.Status {
	out := map[string]verify.Status{}
	for _, r := range results {
		if r.Status != verify.Pass && r.Because == "" {
			out[r.ID] = r.Status
		}
	}
	return out
}

// birdc asks every router of the host.
func (b *bed) birdc(words ...string) string {
	b.t.Helper()
	var all strings.Builder
	for _, n := range b.Site.BGP.Neighbors {
		all.WriteString(b.on(b.Router.Machine, append([]string{"birdc", "-s", "/run/bird/" + n.Name + ".ctl"}, words...)...))
	}
	return all.String()
}

func (b *bed) on(m *rehearse.Machine, argv ...string) string {
	b.t.Helper()
	out, err := m.Run(b.t.Context(), argv...)
	if err != nil {
		b.t.Fatalf("%s: %v", strings.Join(argv, " "), err)
	}
	return out
}

func allInOrder() map[string]verify.Status { return map[string]verify.Status{} }

func failing(ids ...string) map[string]verify.Status {
	out := map[string]verify.Status{}
	for _, id := range ids {
		out[id] = verify.Fail
	}
	return out
}

// TestExampleSite runs the whole line on the example site, then breaks it in
// every way that has a name, one at a time.
func TestExampleSite(t *testing.T) {
	t.Parallel()
	b := newBed(t, "../sites/as112-gru1.hcl")
	seen := b.watchProcesses()
	b.firstApply()
	seen()
	b.verifyUntil(b.Site, allInOrder())
	b.secondPlan()
	b.cleanChange()
	b.routerView()
	b.digFromBehind()
	b.throughSudo()
	for _, f := range b.faults() {
		t.Run(f.name, func(t *testing.T) {
			outer := b.t
			b.t = t
			defer func() { b.t = outer }()
			f.break_()
			b.verifyUntil(f.site(), f.want)
			f.heal()
			b.verifyUntil(b.Site, allInOrder())
		})
	}
	b.noSecretLeaks()
}

func (b *bed) firstApply() {
	b.t.Helper()
	j, cost, err := b.apply(b.Site)
	if err != nil {
		b.t.Fatalf("first apply: %v\n%+v", err, j)
	}
	// The helper has to be sent first, and the connection is cut by the move to
	// the declared address: it has to be asked over another one how that went,
	// and confirmed over one that is younger.
	if cost.SSHConnections > 4 || cost.SSHExecs > 8 || cost.Uploads != 1 {
		b.t.Errorf("a first apply took %+v", cost)
	}
}

// cleanChange is what a change costs that cuts no connection, there and back.
func (b *bed) cleanChange() {
	b.t.Helper()
	s := *b.Site
	s.DNS.Identity = "renamed." + s.DNS.Identity
	for _, s := range []*site.Site{&s, b.Site} {
		j, cost, err := b.apply(s)
		if err != nil {
			b.t.Fatalf("%v\n%+v", err, j)
		}
		if cost.SSHConnections != 2 || cost.SSHExecs != 3 || cost.Uploads != 0 {
			b.t.Errorf("a changing apply took %+v, want 2 connections, 3 execs and no upload", cost)
		}
	}
	b.verifyUntil(b.Site, allInOrder())
}

func (b *bed) secondPlan() {
	b.t.Helper()
	b.links.all = map[string][]byte{} // as on a new controller
	for _, c := range []struct {
		when string
		gets int
	}{{"at first sight", 12}, {"once links are known", 5}} {
		planned, cost := b.plan(b.Site)
		if !planned.Plan.Empty() {
			b.t.Errorf("second plan %s is not empty: %+v %+v", c.when, planned.Plan.Changes, planned.Plan.Unknown)
		}
		want := report.Cost{SSHConnections: 1, SSHExecs: 1, BMCHandshakes: 1}
		got := cost
		got.BMCGets = 0
		if diff := cmp.Diff(want, got); diff != "" {
			b.t.Errorf("a no-op plan %s cost something else (-want +got):\n%s", c.when, diff)
		}
		if cost.BMCGets > c.gets {
			b.t.Errorf("a no-op plan %s took %d GETs, want at most %d", c.when, cost.BMCGets, c.gets)
		}
		b.t.Logf("a no-op plan %s: %+v", c.when, cost)
	}
}

// routerView reads the router's own table with the router's own tool.
func (b *bed) routerView() {
	b.t.Helper()
	var got []string
	for _, filter := range []string{"accepted", "filtered"} {
		args := []string{"show", "route", "where", "source = RTS_BGP"}
		if filter == "filtered" {
			args = []string{"show", "route", "filtered"}
		}
		for line := range strings.Lines(b.birdc(args...)) {
			if first, _, _ := strings.Cut(line, " "); strings.Contains(first, "/") {
				got = append(got, first)
			}
		}
	}
	slices.Sort(got)
	var want []string
	for _, p := range b.Site.Blocks() {
		want = append(want, p.String())
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("routes at the router (-want +got):\n%s", diff)
	}
}

// digFromBehind asks with dig from behind the router, over both families and
// both transports.
func (b *bed) digFromBehind() {
	b.t.Helper()
	if _, err := exec.LookPath("dig"); err != nil {
		if os.Getenv("CI") == "true" {
			b.t.Fatal(err)
		}
		b.t.Log("no dig here, so nobody asked with it")
		return
	}
	for _, address := range []string{"192.175.48.1", "2620:4f:8000::1"} {
		for _, transport := range []string{"+notcp", "+tcp"} {
			ask := func(words ...string) string {
				argv := append([]string{"dig", "@" + address, transport, "+nsid", "+norec", "+time=4", "+tries=2"}, words...)
				out, err := b.Netns(rehearse.RoleController).Command(b.t.Context(), argv...).CombinedOutput()
				if err != nil {
					b.t.Errorf("%v: %v\n%s", argv, err, out)
				}
				return string(out)
			}
			id := b.Site.DNS.Identity
			if out := ask("CH", "TXT", "hostname.bind"); !strings.Contains(out, `"`+id+`"`) {
				b.t.Errorf("dig @%s hostname.bind has no identity %s:\n%s", address, id, out)
			}
			out := ask("10.in-addr.arpa", "SOA")
			if !strings.Contains(out, `("`+id+`")`) || !strings.Contains(out, "flags: qr aa") || !strings.Contains(out, "prisoner.iana.org.") {
				b.t.Errorf("dig @%s 10.in-addr.arpa SOA: want an authoritative answer with NSID %s:\n%s", address, id, out)
			}
		}
	}
}

// throughSudo looks at everything as a user who may become root.
func (b *bed) throughSudo() {
	b.t.Helper()
	b.on(b.Server, "sh", "-c", `useradd --create-home --shell /bin/bash ops
		install -d -m 700 -o ops /home/ops/.ssh && install -m 600 -o ops /root/.ssh/authorized_keys /home/ops/.ssh/
		echo 'ops ALL=(root) NOPASSWD: ALL' >/etc/sudoers.d/ops && chmod 440 /etc/sudoers.d/ops`)
	s := *b.Site
	s.Server.SSH.User = "ops"
	planned, cost := b.plan(&s)
	for _, u := range planned.Plan.Unknown {
		b.t.Errorf("through sudo unknown: %s: %v", u.Key, u.Err)
	}
	var changed []string
	for _, c := range planned.Plan.Changes {
		changed = append(changed, c.Key.String())
	}
	// Who logs in as another user has no use for root's login.
	if diff := cmp.Diff([]string{"file /etc/ssh/sshd_config.d/00-raiz.conf"}, changed); diff != "" {
		b.t.Errorf("changes for another user (-want +got):\n%s", diff)
	}
	if cost.SSHExecs != 1 {
		b.t.Errorf("through sudo the plan took %d execs", cost.SSHExecs)
	}
}

type fault struct {
	name   string
	break_ func()
	site   func() *site.Site
	want   map[string]verify.Status
	heal   func()
}

func (b *bed) faults() []fault {
	asIs := func() *site.Site { return b.Site }
	nothing := func() {}
	changed := func(change func(*site.Site)) func() *site.Site {
		return func() *site.Site {
			s := *b.Site
			copied := *s.BMC
			s.BMC = &copied
			change(&s)
			return &s
		}
	}
	server := func(argv ...string) func() { return func() { b.on(b.Server, argv...) } }
	reapply := func() { b.mustApply(b.Site) }
	return []fault{{
		name: "wrong host key", break_: nothing, heal: nothing, want: failing("ssh.login"),
		site: changed(func(s *site.Site) {
			s.Server.SSH.Host.Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtKgFd6b6M7UnP9ztYSBwJlmfMj34Fc2Gpnuln9JQm4"
		}),
	}, {
		name: "wrong TLS fingerprint", break_: nothing, heal: nothing, want: failing("bmc.login"),
		site: changed(func(s *site.Site) { s.BMC.Fingerprint = "sha256:" + strings.Repeat("0", 64) }),
	}, {
		name: "wrong BMC password", break_: nothing, heal: nothing, want: failing("bmc.login"),
		site: changed(func(s *site.Site) { s.BMC.Password, s.BMC.Factory = secret.New("test", "wrong-password"), nil }),
	}, {
		name: "BMC down", site: asIs, want: map[string]verify.Status{"bmc.login": verify.Unknown},
		break_: func() { b.must(b.Unplug(b.t.Context(), rehearse.LinkBMC)) },
		heal:   func() { b.must(b.Plug(b.t.Context(), rehearse.LinkBMC)) },
	}, {
		name: "server down", site: asIs, want: map[string]verify.Status{"ssh.login": verify.Unknown},
		break_: func() { b.must(b.Server.Kill(b.t.Context())) },
		heal:   func() { b.must(b.Server.Boot(b.t.Context())) },
	}, {
		name: "bird stopped", site: asIs, want: failing("unit.bird.service"),
		break_: server("systemctl", "stop", "bird.service"), heal: reapply,
	}, {
		name: "nsd stopped", site: asIs, want: failing("unit.nsd.service"),
		break_: server("systemctl", "stop", "nsd.service"), heal: reapply,
	}, {
		name: "service address removed by hand", site: asIs, want: failing("os.address.lo.192.175.48.1/32"),
		break_: server("ip", "address", "del", "192.175.48.1/32", "dev", "lo"), heal: reapply,
	}, {
		name: "extra static route exported", site: asIs,
		want: map[string]verify.Status{"bgp.export.198.51.100.0": verify.Fail, "os.declared": verify.Fail, "guard.alarms": verify.Warn}, // the guard sees it too
		break_: server("sh", "-c", `sed -i '/if proto != "guard" then reject;/d; s|net !~ \[ 192.175.48.0/24|net !~ [ 192.0.2.128/25, 192.175.48.0/24|' /etc/bird/bird.conf &&
			grep -q 'net !~ \[ 192.0.2.128/25' /etc/bird/bird.conf &&
			printf 'protocol static leak { ipv4; route 192.0.2.128/25 blackhole; }\n' >>/etc/bird/bird.conf && birdc configure`),
		heal: reapply,
	}, {
		name: "wrong ASN at the router", site: asIs,
		want:   failing("bgp.session.198.51.100.0", "bgp.session.2001:db8:0:3::2"),
		break_: func() { b.routerASN(64500, 64501) },
		heal:   func() { b.routerASN(64501, 64500) },
	}}
}

func (b *bed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) routerASN(from, to int) {
	b.t.Helper()
	b.on(b.Router.Machine, "sh", "-c", fmt.Sprintf("grep -q 'as %d;' /etc/bird/edge1.conf && sed -i 's/as %d;/as %d;/' /etc/bird/edge1.conf", from, from, to))
	b.birdc("configure")
}

func (b *bed) secrets() map[string]string {
	return map[string]string{
		"bmc password":         b.Site.BMC.Password.Reveal(),
		"bmc factory password": b.Site.BMC.Factory.Password.Reveal(),
		"bgp password":         b.Site.BGP.Neighbors[0].Password.Reveal(),
	}
}

// watchProcesses looks for secrets in the arguments of every process, those of
// the server among them: its processes are this kernel's. The returned
// function ends the watch.
func (b *bed) watchProcesses() func() {
	b.t.Helper()
	stop, looked := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				looked <- n
				return
			default:
			}
			files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, f := range files {
				line, _ := os.ReadFile(f) // it may have ended
				n += min(len(line), 1)
				for what, text := range b.secrets() {
					if bytes.Contains(line, []byte(text)) {
						b.t.Errorf("the %s is in the arguments of a process: %.200q", what, bytes.ReplaceAll(line, []byte(text), []byte("(it)")))
					}
				}
			}
			time.Sleep(5 * time.Millisecond) // between two looks at the list
		}
	}()
	return func() {
		b.t.Helper()
		close(stop)
		if n := <-looked; n < 1000 {
			b.t.Errorf("only %d command lines were looked at during an apply", n)
		}
	}
}

// noSecretLeaks looks for every made secret where none may be.
func (b *bed) noSecretLeaks() {
	b.t.Helper()
	secrets := b.secrets()
	// What the controller keeps in a file is the plan, which is in said, and
	// the links of the BMC.
	fmt.Fprintf(b.said, "%v", b.links.all)
	if b.said.Len() == 0 {
		b.t.Error("raiz said nothing, so there was nothing to search")
	}
	log, err := b.Server.Run(b.t.Context(), "journalctl", "--no-pager", "-o", "cat")
	b.must(err)
	for what, text := range secrets {
		if strings.Contains(b.said.String(), text) {
			b.t.Errorf("the %s is in what raiz says", what)
		}
		if strings.Contains(log, text) {
			b.t.Errorf("the %s is in the journal of the server", what)
		}
		out, _ := b.Server.Run(b.t.Context(), "grep", "-rlsF", "--", text, "/etc", "/var", "/run", "/tmp", "/usr/local", "/root")
		var want string
		if what == "bgp password" {
			want = "/etc/bird/raiz-passwords.conf\n"
		}
		if diff := cmp.Diff(want, out); diff != "" {
			b.t.Errorf("files on the server with the %s (-want +got):\n%s", what, diff)
		}
	}
	mode := b.on(b.Server, "stat", "-c", "%a %U:%G", "/etc/bird/raiz-passwords.conf")
	if mode != "640 root:bird\n" {
		b.t.Errorf("the file with the bgp password is %s", mode)
	}
}
