//go:build linux

package provision_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/harm"
	"github.com/raiz-dns/raiz/provision/verify"
)

// steady is how long a check has to say no.
const steady = 2 * time.Second

// seen is what verify says of a harm.
type seen struct {
	harm.Harm
	Named   bool     `json:"named"`             // one of the checks that have to say no does
	Red     []string `json:"red"`               // all that say no, with their status
	Alone   []string `json:"alone"`             // the same without the host's router and without a look from outside
	Strange []string `json:"strange,omitempty"` // those of Red that neither Sees nor Also has
	Seconds float64  `json:"seconds"`           // until it was seen
}

// TestHarm does one harm after the other to a root copy, and verify says no to each
// by name, and to nothing else. RAIZ_HARM is the stride; 1 takes every one.
func TestHarm(t *testing.T) {
	t.Parallel()
	stride := 9
	if s := os.Getenv("RAIZ_HARM"); s != "" {
		if _, err := fmt.Sscan(s, &stride); err != nil || stride < 1 {
			t.Fatalf("RAIZ_HARM=%s: %v", s, err)
		}
	}
	b := newBed(t, "../sites/root-example.hcl")
	b.healthy()
	var all []seen
	harms, skipped := b.harms()
	for i, h := range harms {
		if only := os.Getenv("RAIZ_HARM_ONLY"); i%stride != 0 || only != "" && !regexp.MustCompile(only).MatchString(h.Name) {
			continue
		}
		t.Run(strings.ReplaceAll(h.Name, "/", "|"), func(t *testing.T) {
			b.t = t
			all = append(all, b.suffers(h))
		})
	}
	b.t = t
	if out := os.Getenv("RAIZ_HARM_OUT"); out != "" {
		text, err := json.MarshalIndent(all, "", " ")
		if err != nil || os.WriteFile(out, text, 0o644) != nil {
			t.Fatal(err)
		}
	}
	if *updateHarm && stride == 1 && os.Getenv("RAIZ_HARM_ONLY") == "" {
		harmDoc(t, all, skipped)
	}
	if len(all) < 10 && os.Getenv("RAIZ_HARM_ONLY") == "" {
		t.Errorf("only %d harms were done", len(all))
	}
}

// harms are those that are generated, and those of the tables.
func (b *bed) harms() (all []harm.Harm, skipped map[string]string) {
	b.t.Helper()
	planned, _ := b.plan(b.Site)
	all, skipped = harm.Of(planned.Want)
	values := map[string]string{"v4": "193.0.14.129", "v6": "2001:7fd::1"}
	table, err := harm.Table(os.DirFS("testdata"), "harm.json", values)
	b.must(err)
	return append(all, table...), skipped
}

// suffers does a harm, looks, and puts it right.
func (b *bed) suffers(h harm.Harm) seen {
	b.t.Helper()
	if err := b.does(h.Place, h.Do); err != nil {
		b.recovers(h)
		b.t.Fatalf("it was not done: %v", err)
	}
	start := time.Now()
	out := seen{Harm: h}
	sees, also := regexp.MustCompile(`^(`+h.Sees+`)`), regexp.MustCompile(`^(`+h.Also+`)`)
	// A daemon that is started anew is silent for a moment: what says no goes on.
	for end, said := start.Add(15*time.Second), (time.Time{}); ; {
		out.Red = red(b.looks(b.Site))
		if out.Named = h.Sees != "" && slices.ContainsFunc(out.Red, sees.MatchString); !out.Named {
			said = time.Time{}
		} else if said.IsZero() {
			said = time.Now()
		}
		if out.Named && time.Since(said) > steady || time.Now().After(end) {
			break
		}
		time.Sleep(200 * time.Millisecond) // between two looks at a condition
	}
	out.Seconds = time.Since(start).Seconds()
	out.Alone = slices.DeleteFunc(red(b.looksAlone()), func(s string) bool {
		return strings.HasPrefix(s, "router.") || strings.HasPrefix(s, "outside.")
	})
	for _, r := range out.Red {
		if !sees.MatchString(r) && (h.Also == "" || !also.MatchString(r)) {
			out.Strange = append(out.Strange, r)
		}
	}
	switch {
	case !out.Named && h.Missed == "":
		b.t.Errorf("no check of %q says no, but %q", h.Sees, out.Red)
	case len(out.Strange) > 0:
		b.t.Errorf("%q say no as well", out.Strange)
	}
	b.recovers(h)
	return out
}

// forgets makes the guard forget how often it has withdrawn: by the damping of
// what comes and goes (RFC 4786 section 4.4.4) each harm would be waited for longer.
func (b *bed) forgets() {
	b.t.Helper()
	b.on(b.Server, "sh", "-ec", "systemctl stop raiz-guard.service; rm -f /run/raiz-guard/status.json; systemctl start raiz-guard.service")
}

// recovers puts a harm right, and wants everything to be in order.
func (b *bed) recovers(h harm.Harm) {
	b.t.Helper()
	if h.Undo == "" {
		b.mustApply(b.Site)
	} else if err := b.does(h.Place, h.Undo); err != nil {
		b.t.Errorf("it was not put right: %v", err)
	}
	b.forgets()
	var left []string
	for end := time.Now().Add(settle); ; {
		if left = red(b.looks(b.Site)); len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			b.t.Errorf("after it was put right %q say no", left)
			b.mustApply(b.Site)
			return
		}
		time.Sleep(200 * time.Millisecond) // between two looks at a condition
	}
}

func (b *bed) does(at harm.Place, what string) error {
	b.t.Helper()
	m := b.Server
	switch at {
	case harm.Router:
		m = b.Router.Machine
	case harm.Redfish:
		method, rest, _ := strings.Cut(what, " ")
		path, body, _ := strings.Cut(rest, " ")
		b.redfish(method, path, body)
		return nil
	}
	_, err := m.Run(b.t.Context(), "sh", "-ec", what)
	return err
}

// looksAlone is what a site sees that has no way to look at the host's router, or
// from outside.
func (b *bed) looksAlone() []verify.Result {
	b.t.Helper()
	run := provision.New(b.Site, b.o)
	defer run.Close(b.t.Context())
	return run.Verify(b.t.Context(), provision.Vantages{})
}

// red are the checks that say no, whether by themselves or because nobody knows.
func red(results []verify.Result) []string {
	var out []string
	for id, status := range notInOrder(results) {
		out = append(out, id+" "+string(status))
	}
	slices.Sort(out)
	return out
}
