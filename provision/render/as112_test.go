package render_test

import (
	"bytes"
	"testing"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/state"
)

// The zones that are delegated to AS112 and those that DNAME leads to have
// different name servers (RFC 7534 section 3.5, RFC 7535 section 3), and only
// those that tell who answered have text.
func TestAS112ZonesHaveTheirOwnContent(t *testing.T) {
	zones := map[string]struct {
		zone, server string
		texts        int
	}{
		"/etc/nsd/raiz-as112-empty.zone":          {"10.in-addr.arpa.", "blackhole-1.iana.org.", 0},
		"/etc/nsd/raiz-as112-hostname.zone":       {"hostname.as112.net.", "blackhole-1.iana.org.", 2},
		"/etc/nsd/raiz-as112-dname-empty.zone":    {"empty.as112.arpa.", "blackhole.as112.arpa.", 0},
		"/etc/nsd/raiz-as112-dname-hostname.zone": {"hostname.as112.arpa.", "blackhole.as112.arpa.", 2},
	}
	set := desired(t, load(t, examples()["as112-gru1"]), render.Withheld)
	conf, _ := set.Get(state.Key{Kind: state.Path, Name: "/etc/nsd/raiz-zones.conf"})
	for file, want := range zones {
		it, ok := set.Get(state.Key{Kind: state.Path, Name: file})
		if !ok {
			t.Errorf("no %s", file)
			continue
		}
		if !bytes.Contains(conf.Value.(state.File).Data, []byte("name: \""+want.zone[:len(want.zone)-1]+"\"\n\tzonefile: \""+file+"\"")) {
			t.Errorf("%s is not the file of %s", file, want.zone)
		}
		soa, servers, texts := 0, 0, 0
		zp := dns.NewZoneParser(bytes.NewReader(it.Value.(state.File).Data), want.zone, file)
		for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
			switch r := rr.(type) {
			case *dns.SOA:
				soa++
			case *dns.NS:
				servers++
				if servers == 1 && r.Ns != want.server {
					t.Errorf("%s: name server %s, want %s", file, r.Ns, want.server)
				}
			case *dns.TXT:
				texts++
			}
		}
		if err := zp.Err(); err != nil || soa != 1 || servers == 0 || texts != want.texts {
			t.Errorf("%s: %v, %d SOA, %d NS, %d TXT", file, err, soa, servers, texts)
		}
	}
}
