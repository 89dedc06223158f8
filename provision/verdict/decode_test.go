package verdict_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/raiz-dns/raiz/provision/verdict"
)

// types are all that there are.
func types() []verdict.Type {
	return []verdict.Type{
		verdict.TypeAddress, verdict.TypePrefix, verdict.TypeASN, verdict.TypePath, verdict.TypeCount, verdict.TypeDuration, verdict.TypeTime,
		verdict.TypeZone, verdict.TypeUnit, verdict.TypeWord, verdict.TypeSeen, verdict.TypeError, verdict.TypeMessage, verdict.TypeAddresses,
		verdict.TypePrefixes, verdict.TypeUnits, verdict.TypeWords, verdict.TypeAllSeen, verdict.TypeMessages,
	}
}

// vocabulary has a code for each type, with one argument of it, and "none"
// without any.
func vocabulary() verdict.Vocabulary {
	all := []verdict.Definition{verdict.Define("none", "x")}
	for _, t := range types() {
		all = append(all, verdict.Define(verdict.Code(t), "x", t.Named("x")))
	}
	return verdict.NewVocabulary(append(all, verdict.Define("two", "x", verdict.TypeZone.Named("zone"), verdict.TypeCount.Named("n"))))
}

// What is said is read back as it was, with each type of argument.
func TestDecode(t *testing.T) {
	inner := verdict.New("two", verdict.Zone("zone", "."), verdict.Count("n", -1))
	seen := map[verdict.Type]bool{}
	for _, a := range []verdict.Arg{
		verdict.Address("x", addr("2001:db8::1")), verdict.Address("x", addr("fe80::1%eth0")), verdict.Address("x", netip.Addr{}),
		verdict.Prefix("x", prefix("192.0.2.1/24")), verdict.Prefix("x", netip.Prefix{}),
		verdict.ASN("x", uint32(4294967295)), verdict.Path("x", []uint32{112, 64512}), verdict.Path("x", []uint32(nil)), verdict.Count("x", 3),
		verdict.Duration("x", -1500*time.Millisecond), verdict.Duration("x", 123456789*time.Nanosecond), verdict.Duration("x", 0),
		verdict.Time("x", time.Date(2026, 11, 23, 1, 2, 3, 4, time.FixedZone("x", 3600))),
		verdict.Zone("x", "."), verdict.Unit("x", "a.service"), verdict.Word("x", "udp"), verdict.Seen("x", "some <text>"), verdict.Seen("x", ""),
		verdict.Seen("x", strings.Repeat("é", 300)), verdict.Error("x", errors.Join(errors.New("a"), errors.New("b"))), verdict.Error("x", errors.New(strings.Repeat("e", 2000))),
		verdict.Inner("x", inner), verdict.Addresses("x", []netip.Addr{addr("192.0.2.1")}), verdict.Addresses("x", nil),
		verdict.Prefixes("x", []netip.Prefix{prefix("::/0")}), verdict.Units("x", []string{"a", "b"}), verdict.Words("x", nil), verdict.Words("x", make([]string, 500)),
		verdict.AllSeen("x", []string{"a", strings.Repeat("x", 300)}), verdict.Messages("x", []verdict.Message{inner, verdict.New("none")}), verdict.Messages("x", nil),
	} {
		m := verdict.New(verdict.Code(a.Type()), a)
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if have, err := vocabulary().Decode(text); err != nil || !have.Equal(m) {
			t.Errorf("%s: %s, %v", text, have, err)
		}
		seen[a.Type()] = true
	}
	for _, typ := range types() {
		if !seen[typ] {
			t.Errorf("nobody has tried %s", typ)
		}
	}
	// The order is that of the definition, and more than is read is passed over.
	have, err := vocabulary().Decode([]byte(`{"args":{"n":7,"zone":"a."},"text":"zone a.","code":"two","more":[]}`))
	if err != nil || !have.Equal(verdict.New("two", verdict.Zone("zone", "a."), verdict.Count("n", 7))) {
		t.Errorf("%s, %v", have, err)
	}
}

// Whatever is not as it is defined is refused, and not guessed at.
func TestDecodeRefuses(t *testing.T) {
	deep := strings.Repeat(`{"code":"message","args":{"x":`, 9) + `{"code":"none"}` + strings.Repeat("}}", 9)
	for _, text := range []string{
		``, `null`, `[]`, `"none"`, `{}`, `{"code":7}`, `{"code":"unknown"}`, `{"code":"none","args":{"x":1}}`, `{"code":"none"} {}`,
		`{"code":"count"}`, `{"code":"count","args":{}}`, `{"code":"count","args":{"y":1}}`, `{"code":"count","args":{"x":1,"y":1}}`, `{"code":"count","args":{"x":null}}`,
		`{"code":"count","args":{"x":"1"}}`, `{"code":"count","args":{"x":1.5}}`, `{"code":"count","args":{"x":1e30}}`, `{"code":"asn","args":{"x":-1}}`, `{"code":"asn","args":{"x":4294967296}}`,
		`{"code":"path","args":{"x":[-1]}}`, `{"code":"path","args":{"x":[` + strings.Repeat("1,", 1000) + `1]}}`, `{"code":"duration","args":{"x":1e10}}`, `{"code":"duration","args":{"x":"1s"}}`,
		`{"code":"time","args":{"x":"today"}}`, `{"code":"time","args":{"x":"9999-12-31T23:59:59-01:00"}}`,
		`{"code":"address","args":{"x":"x"}}`, `{"code":"address","args":{"x":"192.0.2.1/24"}}`, `{"code":"address","args":{"x":"fe80::1%a\u001bb"}}`, `{"code":"prefix","args":{"x":"192.0.2.1"}}`,
		`{"code":"words","args":{"x":"a"}}`, `{"code":"words","args":{"x":[1]}}`, `{"code":"words","args":{"x":[null]}}`, `{"code":"words","args":{"x":["a"` + strings.Repeat(`,"a"`, 100) + `]}}`,
		`{"code":"addresses","args":{"x":["x"]}}`, `{"code":"message","args":{"x":{}}}`, `{"code":"message","args":{"x":[]}}`, `{"code":"messages","args":{"x":[{"code":"unknown"}]}}`, deep,
	} {
		if m, err := vocabulary().Decode([]byte(text)); !errors.Is(err, verdict.ErrMessage) || !reflect.DeepEqual(m, verdict.Message{}) {
			t.Errorf("%.100s: %s, %v", text, m, err)
		}
	}
}

// FuzzDecode: what is read can be printed as it is, and is written and read
// once more as the same.
func FuzzDecode(f *testing.F) {
	for _, t := range types() {
		for _, value := range []string{`"a"`, `"192.0.2.1"`, `"::/0"`, `"2026-11-23T00:00:00Z"`, `7`, `1.5`, `[1]`, `"\u001b[2J\u202e"`, `["\u001b[2J\u202e"]`, `{"code":"none"}`, `[{"code":"none"}]`, `null`, `"fe80::1%x"`} {
			f.Add(fmt.Appendf(nil, `{"code":%q,"args":{"x":%s}}`, t, value))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := vocabulary().Decode(data)
		if err != nil {
			return
		}
		for _, a := range m.Args {
			for _, r := range a.String() {
				if r < ' ' || r >= 0x7f && r <= 0x9f || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
					t.Fatalf("%q is in %q", r, a)
				}
			}
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := vocabulary().Decode(text); err != nil || !again.Equal(m) {
			t.Errorf("%s and %s, %v", m, again, err)
		}
	})
}
