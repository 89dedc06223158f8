package verify_test

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// family is the ID of a check without the address that tells it apart.
func family(id string) string {
	for _, a := range append(serviceAddresses(), addr("198.51.100.0"), addr("2001:db8:0:3::2")) {
		for _, word := range []string{netip.PrefixFrom(a, a.BitLen()).String(), a.String()} {
			if head, tail, ok := strings.Cut(id+".", "."+word+"."); ok {
				return strings.TrimSuffix(head+".*."+tail, ".")
			}
		}
	}
	return id
}

// Neither changes from one result to the next, of which there are many thousands.
var (
	definitions = sync.OnceValue(verify.Codes)
	english     = sync.OnceValue(messages.English)
)

// inWords is what a result has found, in English.
func inWords(r verify.Result) string {
	words := english()
	return fmt.Sprintf("%s (%s)", words.All(r.Got), words.All(slices.Concat(r.Evidence, r.Advice)))
}

// inCodes is the same as data.
func inCodes(r verify.Result) string {
	return fmt.Sprintf("%s (%s)", verdict.Text(r.Got), verdict.Text(slices.Concat(r.Evidence, r.Advice)))
}

// changed is what differs from a healthy copy. Checks that are told apart by
// an address alone, and say the same, are counted together.
func changed(before, after []verify.Result, say func(verify.Result) string) string {
	was := map[string]verify.Result{}
	for _, r := range before {
		was[r.ID] = r
	}
	var lines []string
	count := map[string]int{}
	for _, r := range after {
		if cmp.Equal(was[r.ID], r) {
			continue
		}
		line := fmt.Sprintf("%s %s: %s", family(r.ID), r.Status, say(r))
		if r.Because != "" {
			line = fmt.Sprintf("%s because %s", family(r.ID), r.Because)
		}
		if count[line]++; count[line] == 1 {
			lines = append(lines, line)
		}
	}
	for i, l := range lines {
		if n := count[l]; n > 1 {
			lines[i] = fmt.Sprintf("%d x %s", n, l)
		}
	}
	return strings.Join(lines, "\n")
}

// fits holds what a result says against the definitions, and what is said
// inside of it.
func fits(t *testing.T, r verify.Result) {
	t.Helper()
	codes := definitions()
	var check func(verdict.Message)
	check = func(m verdict.Message) {
		i := slices.IndexFunc(codes, func(d verdict.Definition) bool { return d.Code == m.Code })
		if i < 0 {
			t.Errorf("%s: %s is not defined", r.ID, m.Code)
			return
		}
		if err := codes[i].Fits(m); err != nil {
			t.Errorf("%s: %v", r.ID, err)
		}
		for _, a := range m.Args {
			for _, inner := range a.Inner() {
				check(inner)
			}
		}
	}
	for _, m := range r.Messages() {
		check(m)
	}
}

func compareGolden(t *testing.T, path, have string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(have, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func allInWords(ms []verdict.Message) string {
	var out []string
	for _, m := range ms {
		out = append(out, messages.English().Say(m))
	}
	return strings.Join(out, "\n")
}
