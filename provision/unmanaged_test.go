package provision_test

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"context"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verify"
	"github.com/raiz-dns/raiz/templates"
)

// refused is a journal as an apply leaves it that a controller refused these
// settings of, in words that are its own.
func refused(words string, names ...string) apply.Journal {
	j := apply.Journal{Outcome: apply.Done}
	for _, name := range names {
		j.Entries = append(j.Entries, apply.Entry{
			Step: apply.Setting(state.Key{Kind: state.Setting, Name: name}), Outcome: apply.Unsupported,
			Err: fmt.Errorf("set %s of 192.0.2.10:443: %s: %w", name, words, state.ErrUnsupported),
		})
	}
	return j
}

// TestUnmanaged writes into the site file what an apply that was refused says,
// for every setting, and wants a site that is valid and has it no more: it is
// not planned, plan notes it, and verify says nothing green of it.
func TestUnmanaged(t *testing.T) {
	found := passwords{}
	text := string(unpinned(t))
	for _, name := range envNames(text) {
		found[name] = "Planted-" + name + "-1"
	}
	// Hostile words must neither end the string nor be a template.
	words := "status 405: \"}\n${env(\"HOME\")} %{if} \\ \x1b[2J"
	nobody := provision.Options{Packs: templates.FS(), Dial: func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }}
	for _, name := range site.BMCSettings() {
		t.Run(name, func(t *testing.T) {
			run := provision.New(loaded(t, []byte(text), found), nobody)
			defer run.Close(t.Context())
			lines := run.Declare(refused(words, name))
			s := loaded(t, []byte(declared(t, text, lines)), found)
			if why := s.BMC.Unmanaged[name]; !strings.HasPrefix(why, "refused on 20") || !strings.Contains(why, "status 405") {
				t.Errorf("the reason is %q", why)
			}
			run = provision.New(s, nobody)
			defer run.Close(t.Context())
			p, err := run.Plan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, planned := p.Want.Get(state.Key{Kind: state.Setting, Name: name}); planned {
				t.Error("it is still wanted")
			}
			if notices := messages.English().All(p.Notices()); !strings.Contains(notices, "bmc setting "+name+" is left alone: refused on 20") {
				t.Errorf("plan notes %q", notices)
			}
			results := verify.Judge(s, verify.Evidence{})
			i := slices.IndexFunc(results, func(r verify.Result) bool { return r.ID == "bmc."+name })
			if i < 0 {
				t.Fatal("verify does not speak of it")
			}
			if r := results[i]; r.Status != verify.Skipped || !strings.Contains(messages.English().All(r.Evidence), "status 405") {
				t.Errorf("verify says %+v", r)
			}
		})
	}
}

// declared is a site file with the lines of Declare in its bmc block, without
// the attributes that they say to take out.
func declared(t *testing.T, text string, d report.Declaration) string {
	t.Helper()
	for _, m := range d.After {
		all, ok := m.Arg("attributes")
		if !ok {
			t.Fatalf("%s", m)
		}
		out, _ := all.Items()
		head, tail, _ := strings.Cut(text, "  bmc {")
		var kept []string
		for _, line := range strings.Split(tail, "\n") {
			word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			gone := slices.ContainsFunc(out, func(a string) bool { return a == word || strings.HasPrefix(a, word+" (") })
			if !gone || strings.Contains(strings.Join(kept, "\n"), "\n  }\n") {
				kept = append(kept, line)
			}
		}
		text = head + "  bmc {" + strings.Join(kept, "\n")
	}
	if len(d.Lines) == 0 {
		t.Fatalf("nothing to write: %+v", d)
	}
	return strings.Replace(text, "  bmc {\n", "  bmc {\n"+strings.Join(d.Lines, "\n")+"\n", 1)
}

// told is what a person reads of a Declaration.
func told(t *testing.T, d report.Declaration) string {
	t.Helper()
	var b strings.Builder
	if err := report.Text(&b, report.Report{Declare: d}, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDeclare: what was done is not spoken of, and where several were refused
// at once none of them is blamed.
func TestDeclare(t *testing.T) {
	found := passwords{}
	text := string(unpinned(t))
	for _, name := range envNames(text) {
		found[name] = "Planted-" + name + "-1"
	}
	s := loaded(t, []byte(text), found)
	s.BMC.Unmanaged = map[string]string{"protocol.ssh": "it was so before"}
	run := provision.New(s, provision.Options{})
	if got := run.Declare(apply.Journal{Entries: []apply.Entry{{Step: apply.Setting(state.Key{Kind: state.Setting, Name: "ntp"}), Outcome: apply.Done}, {Outcome: apply.Failed, Err: errors.New("x")}}}); got.Before != nil || got.Lines != nil || got.After != nil {
		t.Errorf("got %+v", got)
	}
	j := refused("no", "vlan", "ipv6.gateway")
	for i := range j.Entries {
		j.Entries[i].Err = fmt.Errorf("set: %w", &bmc.SharedError{Err: errors.New("no")})
	}
	if got := told(t, run.Declare(j)); strings.Contains(got, "unmanaged = {") || !strings.Contains(got, "vlan, ipv6.gateway") {
		t.Errorf("got %q", got)
	}
	got := told(t, run.Declare(refused("no", "protocol.snmp")))
	for _, want := range []string{`"protocol.ssh" = "it was so before"`, `"protocol.snmp" = "refused on 20`, "take out what declares it: protocols.snmp", "write in place of unmanaged"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %s", want, got)
		}
	}
}
