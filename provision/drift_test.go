//go:build linux

package provision_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verify"
)

// tampering is a line of testdata/drift.json, which knows nothing of how raiz
// looks: what somebody does to a server, in words of a shell.
type tampering struct {
	Name, Do, Undo string
	Plan           string // pattern of what a plan says, in one line
	Verify         string // pattern of the checks of which one says no
	Mended         bool   // by an apply
}

// TestDrift tampers with a server in one way after the other: plan and verify say
// so by name, and an apply mends what raiz manages.
func TestDrift(t *testing.T) {
	needMachines(t)
	t.Parallel()
	text, err := os.ReadFile("testdata/drift.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []tampering
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	b := newBedOf(t, soon(loadSite(t, "../sites/as112-gru1.hcl")), rehearse.Options{})
	b.mustApply(b.Site)
	b.verifyUntil(b.Site, allInOrder())
	t.Run("updates", func(t *testing.T) { b.packagesKept(t) })
	for _, x := range all {
		t.Run(x.Name, func(t *testing.T) { b.tamper(t, x) })
	}
	t.Run("mended", func(t *testing.T) {
		b.mustApply(b.Site)
		b.green(t)
	})
	t.Run("controller", func(t *testing.T) { b.tamperBMC(t) })
	t.Run("managed files", func(t *testing.T) { b.tamperFiles(t) })
	t.Run("agents", func(t *testing.T) { b.agents(t) })
}

// packagesKept are as apt takes them, whatever its other files say, and as Perl does for
// needrestart.
func (b *bed) packagesKept(t *testing.T) {
	dump := b.on(b.Server, "apt-config", "dump")
	for _, want := range []string{`APT::Periodic::Unattended-Upgrade "1";`, `Unattended-Upgrade::Package-Blacklist:: "^bird2$";`, `Unattended-Upgrade::Package-Blacklist:: "^nsd$";`} {
		if !strings.Contains(dump, want) {
			t.Errorf("apt does not have %s", want)
		}
	}
	kept := b.on(b.Server, "perl", "-e", `our %nrconf; do "/etc/needrestart/conf.d/60-raiz.conf" or die $@;
		for my $unit (qw(bird.service nsd.service raiz-guard.service cron.service nsdxservice)) { print "$unit " for grep { $unit =~ $_ } keys %{$nrconf{override_rc}} }`)
	if got := strings.Fields(kept); !slices.Equal(got, []string{"bird.service", "nsd.service", "raiz-guard.service"}) {
		t.Errorf("needrestart leaves %q alone", got)
	}
}

// tamper leaves to the end what an apply mends: what was done before it does not
// hide what is done next.
func (b *bed) tamper(t *testing.T, x tampering) {
	says := regexp.MustCompile(x.Plan)
	if said := b.planSays(); says.MatchString(said) {
		t.Errorf("a plan says %q before it was done:\n%s", x.Plan, said)
	}
	b.on(b.Server, "sh", "-c", x.Do)
	if x.Undo != "" {
		defer func() {
			b.on(b.Server, "sh", "-c", x.Undo)
			if said := b.planSays(); says.MatchString(said) {
				t.Errorf("a plan says %q after it was undone:\n%s", x.Plan, said)
			}
		}()
	}
	if said := b.planSays(); !says.MatchString(said) {
		t.Errorf("a plan does not say %q:\n%s", x.Plan, said)
	}
	var no []string
	is := regexp.MustCompile("^(" + x.Verify + ")")
	for _, r := range b.looks(b.Site) {
		if r.Status == verify.Fail || r.Status == verify.Warn {
			no = append(no, r.ID)
		}
	}
	if !slices.ContainsFunc(no, is.MatchString) {
		t.Errorf("of %q no check says no, but %q", x.Verify, no)
	}
	if x.Undo == "" && !x.Mended {
		t.Error("nobody mends it")
	}
}

// planSays is what a plan says, in one line.
func (b *bed) planSays() string {
	b.t.Helper()
	planned, _ := b.plan(b.Site)
	var out bytes.Buffer
	if err := report.Text(&out, report.Report{Site: b.Site, Plan: &planned.Plan}, report.TextOptions{Full: true}); err != nil {
		b.t.Fatal(err)
	}
	return strings.ReplaceAll(out.String(), "\n", " ")
}

// green wants a plan with nothing in it, and nothing beside it.
func (b *bed) green(t *testing.T) {
	t.Helper()
	if planned, _ := b.plan(b.Site); !planned.Plan.Empty() || len(planned.Found) > 0 {
		t.Errorf("it is not as it was: %s", b.planSays())
	}
}

// looks verifies once.
func (b *bed) looks(s *site.Site) []verify.Result {
	b.t.Helper()
	run := provision.New(s, b.o)
	defer run.Close(b.t.Context())
	return run.Verify(b.t.Context(), provision.TestbedVantages(b.Testbed))
}

// tamperFiles changes every managed file, one at a time: its bytes, its mode, or
// takes it away by turns. A plan names it, and nothing else; verify names all of
// them at the end, and one apply mends them.
func (b *bed) tamperFiles(t *testing.T) {
	planned, _ := b.plan(b.Site)
	var seen []string
	for i, k := range planned.Want.Keys(state.Path) {
		do := []string{`printf '# by hand\n' >>"$1"`, `chmod 0604 "$1"`, `mv "$1" "$1.away"`}[i%3]
		b.on(b.Server, "sh", "-c", do, "sh", k.Name)
		planned, _ := b.plan(b.Site)
		seen = append(seen, k.String())
		var have []string
		for _, c := range planned.Plan.Of(state.Path) {
			have = append(have, c.Key.String())
		}
		if !slices.Equal(have, seen) {
			t.Errorf("after %s of %s a plan names %q", do, k, have)
		}
	}
	if len(seen) < 25 {
		t.Errorf("only %d files are managed", len(seen))
	}
	for _, r := range b.looks(b.Site) {
		if r.ID != "os.declared" {
			continue
		}
		for _, name := range seen[:min(20, len(seen))] { // of more verify gives the number
			if !strings.Contains(messages.English().All(r.Messages()), name) {
				t.Errorf("verify does not name %s", name)
			}
		}
	}
	b.mustApply(b.Site)
	b.green(t)
	b.on(b.Server, "sh", "-c", "find /etc /usr/local -name '*.away' -delete")
}

// tamperBMC has somebody else at the controller: what the site declares is named by
// a plan and mended, and of another administrator verify tells.
func (b *bed) tamperBMC(t *testing.T) {
	b.redfish(http.MethodPatch, "/redfish/v1/AccountService/Accounts/"+b.Site.BMC.Factory.Username, `{"Enabled": true}`)
	b.redfish(http.MethodPost, "/redfish/v1/AccountService/Accounts", `{"UserName": "eve", "Password": "Planted-Eve-1", "RoleId": "Administrator"}`)
	if said := b.planSays(); !strings.Contains(said, "bmc factory-account") {
		t.Errorf("a plan does not say that the factory's account is on:\n%s", said)
	}
	for _, id := range []string{"bmc.factory-account", "bmc.accounts"} {
		if !slices.ContainsFunc(b.looks(b.Site), func(r verify.Result) bool { return r.ID == id && r.Status == verify.Fail }) {
			t.Errorf("%s does not say no", id)
		}
	}
	b.mustApply(b.Site)
	b.redfish(http.MethodDelete, "/redfish/v1/AccountService/Accounts/eve", "")
	b.green(t)
	for _, r := range b.looks(b.Site) {
		if (r.ID == "bmc.factory-account" || r.ID == "bmc.accounts") && r.Status != verify.Pass {
			t.Errorf("%s is %s after it was mended", r.ID, r.Status)
		}
	}
}

// redfish asks the controller as the site's user, with nothing of raiz between.
func (b *bed) redfish(method, path, body string) {
	b.t.Helper()
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DialContext:     b.Netns(rehearse.RoleController).DialContext,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // whose it is does not matter here
	}}
	defer client.CloseIdleConnections()
	at := netip.AddrPortFrom(b.Site.BMC.Addresses[0].Addr(), b.Site.BMC.Port)
	r, err := http.NewRequestWithContext(b.t.Context(), method, "https://"+at.String()+path, strings.NewReader(body))
	b.must(err)
	r.SetBasicAuth(b.Site.BMC.Username, b.Site.BMC.Password.Reveal())
	r.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(r)
	b.must(err)
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode >= 300 {
		b.t.Fatalf("%s %s: %s: %s", method, path, resp.Status, text)
	}
}

// agents are declared, and raise nothing.
func (b *bed) agents(t *testing.T) {
	was := b.Site
	defer func() {
		b.Site = was
		b.on(b.Server, "sh", "-c", "systemctl stop agent.socket; systemctl reset-failed; rm -f /run/systemd/system/agent*; systemctl daemon-reload; sed -i /our-agent/d /root/.ssh/authorized_keys")
		b.mustApply(b.Site)
		b.green(t)
	}()
	b.on(b.Server, "sh", "-c", `printf '[Socket]\nListenStream=0.0.0.0:9100\nAccept=yes\n' >/run/systemd/system/agent.socket
		printf '[Service]\nExecStart=/bin/true\n' >/run/systemd/system/agent@.service
		printf '[Service]\nExecStart=/bin/false\n' >/run/systemd/system/agent-push.service
		systemctl daemon-reload; systemctl start agent.socket; systemctl start agent-push.service || true
		rm -f /root/agent /root/agent.pub; ssh-keygen -q -t ed25519 -N '' -f /root/agent -C our-agent; cat /root/agent.pub >>/root/.ssh/authorized_keys`)
	key := strings.Fields(b.on(b.Server, "ssh-keygen", "-lf", "/root/agent.pub"))[1]
	planned, _ := b.plan(b.Site)
	if len(planned.Found) != 3 {
		t.Errorf("before it is declared %d things are found", len(planned.Found))
	}
	s := *b.Site
	s.Server.Agents = []site.Agent{{
		Name: "metrics", Units: []string{"agent-push.service"}, Listens: []site.Listen{{Network: "tcp", Port: 9100}}, Keys: []string{key},
	}}
	b.Site = &s
	b.green(t)
}
