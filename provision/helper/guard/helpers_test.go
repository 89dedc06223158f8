//go:build linux

package guard

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/await"
	"github.com/raiz-dns/raiz/provision/watch"
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }

// twoBlocks is a service with a block of each family.
func twoBlocks() watch.Config {
	return watch.Config{
		Version: watch.Version, Identity: "gru1.example.net",
		Zones: []watch.Zone{{Name: "example.net", Transferred: true}, {Name: "."}},
		Blocks: []watch.Block{
			{Prefix: prefix("192.0.2.0/24"), Addresses: []netip.Addr{addr("192.0.2.1")}},
			{Prefix: prefix("2001:db8::/48"), Addresses: []netip.Addr{addr("2001:db8::1")}},
		},
		Feed:    watch.Feed{ASN: 64500, Source: watch.Source(), Daemon: netip.MustParseAddrPort("127.0.0.3:179")},
		Options: watch.Options{Rise: 2, Fall: 3, OnStale: watch.Alarm, OnOverload: watch.Alarm, Drain: 30, Damping: 30},
	}
}

// looks are findings about every address of a service, all of one grade.
func looks(c watch.Config, g grade) []finding {
	var out []finding
	for _, b := range c.Blocks {
		for _, a := range b.Addresses {
			f := finding{subject: subject{Address: a, Network: "udp", Zone: c.Zones[0]}, grade: g}
			if g != right {
				f.why = "it is not right"
			}
			out = append(out, f)
		}
	}
	return out
}

// within fails a test in which something does not become so.
func within(t *testing.T, limit time.Duration, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := await.Until(ctx, 5*time.Millisecond, func(context.Context) (bool, error) { return so(), nil }); err != nil {
		t.Fatalf("not within %s: %s", limit, what)
	}
}
