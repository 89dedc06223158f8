package watch_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/raiz-dns/raiz/provision/watch"
)

// FuzzReadConfig lets nothing through that a guard cannot work with.
func FuzzReadConfig(f *testing.F) {
	f.Add(rendered(f))
	f.Add([]byte(`{"version":1,"zones":[{"name":"."}],"blocks":[{"prefix":"192.0.2.0/24","addresses":["192.0.2.1"]}],` +
		`"feed":{"asn":1,"source":"127.0.0.2","daemon":"127.0.0.1:179"},"rise":1,"fall":1,"onStale":"alarm","onOverload":"alarm"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := watch.ReadConfig(text)
		if err != nil {
			return
		}
		if c.Rise < 1 || c.Fall < 1 || c.DrainTime() < 0 || c.DrainTime() > time.Hour || c.Damping < 0 || c.Feed.ASN == 0 || len(c.Zones) == 0 || len(c.Blocks) == 0 {
			t.Fatalf("%+v", c)
		}
		for _, b := range c.Blocks {
			if len(b.Addresses) == 0 || b.Prefix.Masked().String() != b.Prefix.String() {
				t.Fatalf("%+v", b)
			}
		}
		for _, e := range c.Router.Exports {
			_ = e.Argv[0]
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := watch.ReadConfig(again); err != nil {
			t.Fatalf("written again it is refused: %v", err)
		}
	})
}

// FuzzReadDrain drains by whatever is written.
func FuzzReadDrain(f *testing.F) {
	f.Add([]byte(`{"now":true,"by":"anna","at":"2026-02-03T04:05:06Z","until":12.5}`))
	f.Add([]byte(`{"by":"\u001b[2J\ud800","at":"2026-02-03T04:05:06+23:59"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d := watch.ReadDrain(text)
		if !d.Wanted {
			t.Fatal("not drained")
		}
		if who := d.Who(); who == "" || len(who) > 1000 || strings.ContainsFunc(who, unicode.IsControl) {
			t.Fatalf("by %q", who)
		}
		if again, err := d.Text(); err == nil {
			back := watch.ReadDrain(again)
			if len(again) <= watch.MaxDrain && (back.Now != d.Now || back.Until != d.Until || !back.At.Equal(d.At)) {
				t.Fatalf("%+v, and written again %+v", d, back)
			}
		} else {
			t.Fatalf("%+v cannot be written: %v", d, err)
		}
	})
}

func FuzzReadStatus(f *testing.F) {
	f.Add([]byte(`{"version":1,"at":"2026-02-03T04:05:06Z","uptime":1.5,"blocks":[{"prefix":"192.0.2.0/24","state":"announced"}],"drain":{"by":"x"},"alarms":[{"code":"stale"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := watch.ReadStatus(text)
		if err != nil {
			return
		}
		if s.Version != watch.Version || len(s.Blocks) == 0 {
			t.Fatalf("%+v", s)
		}
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := watch.ReadStatus(again); err != nil {
			t.Fatalf("written again it is refused: %v", err)
		}
	})
}
