package contract

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
)

// Running is what may be changed of what runs.
type Running struct {
	Link string // has parameters of IPv6
	// Loads puts rules in effect, Shows prints those that are, and Rule is a word
	// of them that nobody else has.
	Loads, Shows []string
	Rule         string
}

func running(t *testing.T, os helper.OS, r Running) {
	t.Run("sysctls", func(t *testing.T) { sysctls(t, os, r) })
	t.Run("apart", func(t *testing.T) { apart(t, os, r) })
}

func sysctls(t *testing.T, os helper.OS, r Running) {
	const all = "net/ipv6/conf/*/accept_ra"
	name := strings.Replace(all, "*", r.Link, 1)
	many, err := os.Sysctls(all)
	fine(t, err)
	one, err := os.Sysctls(name)
	fine(t, err)
	if len(many) < 2 || len(one) != 1 || many[name] != one[name] || one[name] == "" {
		t.Fatalf("%v of all, and %v", many, one)
	}
	for _, none := range []string{"net/ipv6/conf/no-such-link/accept_ra", "no/such"} {
		if got, err := os.Sysctls(none); err != nil || len(got) != 0 {
			t.Errorf("%s is %v, %v", none, got, err)
		}
		is(t, "to set "+none, os.SetSysctl(none, "1"), fs.ErrNotExist)
	}
	for _, value := range []string{"2", "0", one[name]} {
		fine(t, os.SetSysctl(name, value))
		now, err := os.Sysctls(all)
		fine(t, err)
		for other, is := range now {
			if want := many[other]; other != name && is != want || other == name && is != value {
				t.Errorf("%s is %s after %s was set to %s", other, is, name, value)
			}
		}
	}
}

func apart(t *testing.T, os helper.OS, r Running) {
	before, err := os.Run(r.Shows, time.Minute)
	fine(t, err)
	made, err := os.Apart([][]string{r.Loads, r.Shows}, time.Minute)
	fine(t, err)
	if !strings.Contains(made, r.Rule) || strings.Contains(before, r.Rule) {
		t.Errorf("apart runs %q, and here %q", made, before)
	}
	if after, err := os.Run(r.Shows, time.Minute); err != nil || after != before {
		t.Errorf("apart changed what runs here: %q, %v", after, err)
	}
	if empty, err := os.Apart([][]string{r.Shows}, time.Minute); err != nil || strings.Contains(empty, r.Rule) {
		t.Errorf("it finds %q, which was made before, %v", empty, err)
	}
	bad := append(append([]string{}, r.Loads[:len(r.Loads)-1]...), "/no/such/file")
	if out, err := os.Apart([][]string{bad, r.Shows}, time.Minute); err == nil || out == made {
		t.Errorf("after a command that fails it went on: %q", out)
	}
}
