package verdict_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/verdict"
)

func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }
func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// Each type has one text and one form in JSON.
func TestArguments(t *testing.T) {
	inner := verdict.New("in", verdict.Count("n", 1))
	for _, tt := range []struct {
		arg        verdict.Arg
		typ        verdict.Type
		text, json string
	}{
		{verdict.Address("x", addr("2001:db8::1")), verdict.TypeAddress, "2001:db8::1", `"2001:db8::1"`},
		{verdict.Prefix("x", prefix("192.0.2.0/24")), verdict.TypePrefix, "192.0.2.0/24", `"192.0.2.0/24"`},
		{verdict.ASN("x", uint32(4294967295)), verdict.TypeASN, "4294967295", "4294967295"},
		{verdict.Path("x", []uint32{112, 64512}), verdict.TypePath, "[112 64512]", "[112,64512]"},
		{verdict.Path("x", []uint32(nil)), verdict.TypePath, "[]", "[]"},
		{verdict.Count("x", 3), verdict.TypeCount, "3", "3"},
		{verdict.Duration("x", -1500*time.Millisecond), verdict.TypeDuration, "-1.5s", "-1.5"},
		{verdict.Time("x", time.Date(2026, 11, 23, 1, 2, 3, 4, time.FixedZone("x", 3600))), verdict.TypeTime, "2026-11-23T00:02:03Z", `"2026-11-23T00:02:03Z"`},
		{verdict.Zone("x", "."), verdict.TypeZone, ".", `"."`},
		{verdict.Unit("x", "a.service"), verdict.TypeUnit, "a.service", `"a.service"`},
		{verdict.Word("x", "udp"), verdict.TypeWord, "udp", `"udp"`},
		{verdict.Seen("x", "some text"), verdict.TypeSeen, "some text", `"some text"`},
		{verdict.Error("x", errors.New("why")), verdict.TypeError, "why", `"why"`},
		{verdict.Inner("x", inner), verdict.TypeMessage, "in n=1", `{"code":"in","args":{"n":1}}`},
		{verdict.Addresses("x", []netip.Addr{addr("192.0.2.1")}), verdict.TypeAddresses, "192.0.2.1", `["192.0.2.1"]`},
		{verdict.Prefixes("x", []netip.Prefix{prefix("192.0.2.0/24"), prefix("::/0")}), verdict.TypePrefixes, "192.0.2.0/24, ::/0", `["192.0.2.0/24","::/0"]`},
		{verdict.Units("x", []string{"a", "b"}), verdict.TypeUnits, "a b", `["a","b"]`},
		{verdict.Words("x", nil), verdict.TypeWords, "", `[]`},
		{verdict.AllSeen("x", []string{"a", "b"}), verdict.TypeAllSeen, "a, b", `["a","b"]`},
		{verdict.Messages("x", []verdict.Message{inner, verdict.New("b")}), verdict.TypeMessages, "in n=1; b", `[{"code":"in","args":{"n":1}},{"code":"b"}]`},
	} {
		text, err := json.Marshal(tt.arg)
		if tt.arg.Type() != tt.typ || tt.arg.String() != tt.text || string(text) != tt.json || err != nil {
			t.Errorf("%s: %q, %s, %v; want %s: %q, %s", tt.arg.Type(), tt.arg, text, err, tt.typ, tt.text, tt.json)
		}
	}
}

// What somebody else says is cut, and nothing of it is obeyed.
func TestTextOfOthers(t *testing.T) {
	const evil = "\x1b[2J\u009b31m\x00\r\na\u202eb\u2028c\xff"
	const harmless = "?[2J?31m???a?b?c?"
	for _, tt := range []struct {
		arg  verdict.Arg
		want string
	}{
		{verdict.Seen("x", evil), harmless},
		{verdict.AllSeen("x", []string{evil}), harmless},
		{verdict.Zone("x", evil), harmless},
		{verdict.Word("x", evil), harmless},
		// Joined errors have a line each, which is said in one.
		{verdict.Error("x", errors.New(evil)), "?[2J?31m??; a?b?c?"},
	} {
		if want := strings.ReplaceAll(tt.want, "?", "\uFFFD"); tt.arg.String() != want {
			t.Errorf("%s: %q, want %q", tt.arg.Type(), tt.arg, want)
		}
	}
	if s := verdict.Seen("x", strings.Repeat("é", 201)).String(); s != strings.Repeat("é", 200)+"…" {
		t.Errorf("long text: %q", s)
	}
	if s := verdict.Seen("x", strings.Repeat("é", 200)).String(); s != strings.Repeat("é", 200) {
		t.Errorf("text that just fits: %q", s)
	}
	if n := len(verdict.Error("x", errors.New(strings.Repeat("e", 5000))).String()); n > 1010 {
		t.Errorf("an error of %d bytes", n)
	}
	if items, _ := verdict.AllSeen("x", make([]string, 5000)).Items(); len(items) != 100 {
		t.Errorf("%d items", len(items))
	}
}

func TestMessages(t *testing.T) {
	m := verdict.New("a.b", verdict.Zone("zone", "."), verdict.Seen("seen", "two words"), verdict.Seen("none", ""))
	if have, want := m.String(), `a.b zone=. seen="two words" none=""`; have != want {
		t.Errorf("%s, want %s", have, want)
	}
	if !m.Equal(verdict.New("a.b", m.Args...)) || m.Equal(verdict.New("a.c", m.Args...)) || m.Equal(m.Without("zone")) {
		t.Error("equal is not equal")
	}
	other := verdict.New("a.b", verdict.Zone("zone", "x."), verdict.Seen("seen", "two words"), verdict.Seen("none", ""))
	if m.Equal(other) || !m.Without("zone").Equal(other.Without("zone")) {
		t.Error("they differ in the zone alone")
	}
	if _, ok := m.Arg("absent"); ok || !(verdict.Message{}).IsZero() || m.IsZero() {
		t.Error("what is absent is there")
	}
	if a, ok := m.Arg("zone"); !ok || a.String() != "." {
		t.Errorf("the zone is %v", a)
	}
	if have := verdict.Text([]verdict.Message{verdict.New("a"), verdict.New("b")}); have != "a; b" {
		t.Errorf("%s", have)
	}
}

func TestFits(t *testing.T) {
	d := verdict.Define("a", "x", verdict.TypeZone.Named("zone"), verdict.TypeCount.Named("n"))
	zone, n := verdict.Zone("zone", "."), verdict.Count("n", 1)
	var have []string
	for _, m := range []verdict.Message{
		verdict.New("a", zone, n), verdict.New("b", zone, n), verdict.New("a", zone), verdict.New("a", n, zone), verdict.New("a", verdict.Word("zone", "."), n),
	} {
		said := "fits"
		if err := d.Fits(m); err != nil {
			said = err.Error()
		}
		have = append(have, said)
	}
	want := []string{"fits", "verdict: b is not a", "verdict: a has 1 arguments, and 2 are defined",
		"verdict: argument 1 of a is count n, and zone zone is defined", "verdict: argument 1 of a is word zone, and zone zone is defined"}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
