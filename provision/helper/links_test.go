package helper

import (
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

const (
	ipA, ipB = "192.0.2.20/28", "2001:db8:0:2::20/64"
	gateway  = "192.0.2.17"
)

// declared is a manifest of a management link and of service addresses.
func declared() server.Manifest {
	return server.Manifest{Links: []server.Link{
		{Match: server.Match{Name: "eno1"}, Addresses: []string{ipA, ipB}, Gateways: []string{gateway}, MTU: 1500},
		{Match: server.Match{Name: "lo"}, Addresses: []string{"192.175.48.1/32"}},
	}}
}

func defaultBy(via, dev string, protocol, metric int) server.Route {
	return server.Route{Table: server.MainTable, To: "0.0.0.0/0", Via: via, Dev: dev, Protocol: protocol, Metric: metric}
}

// asDeclared is a server that has it, and runs it by networkd.
func asDeclared() *rig {
	return &rig{
		files: map[string]string{networkdDir + "/2": "NETWORK_FILE=/etc/systemd/network/05-raiz-eno1.network\nADMIN_STATE=configured\n"},
		net: server.Network{
			Links: []server.LinkFact{
				{Index: 1, Name: "lo", Addresses: []server.AddressFact{{Address: "127.0.0.2/8"}, {Address: "192.175.48.1/32"}}},
				{Index: 2, Name: "eno1", MTU: 1500, Addresses: []server.AddressFact{{Address: ipA}, {Address: ipB}}},
				{Index: 3, Name: "eno2", Addresses: []server.AddressFact{{Address: "203.0.113.1/24"}}},
			},
			Routes: []server.Route{defaultBy(gateway, "eno1", 4, 0), defaultBy("203.0.113.2", "eno2", 4, 0), {Table: server.MainTable, To: "198.51.100.0/24", Via: "192.0.2.19", Dev: "eno1"}},
		},
	}
}

// What is not as declared is said, each thing once, and nothing of a server that
// is as declared: addresses of the loopback's own network and other links are
// nobody's matter.
func TestUnlike(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*rig)
		want  string
	}{
		{"as declared", func(*rig) {}, ""},
		{"no link", func(r *rig) { r.net.Links = r.net.Links[:1] }, "there is no link eno1"},
		{"no address", func(r *rig) { r.net.Links[1].Addresses = r.net.Links[1].Addresses[1:] }, "eno1 has no address " + ipA},
		{"a lease", func(r *rig) { r.net.Links[1].Addresses[0].Seconds = 600 }, "eno1 has " + ipA + " by a lease that ends"},
		{"a duplicate", func(r *rig) { r.net.Links[1].Addresses[0].Unusable = true }, "eno1 cannot use " + ipA + ": somebody else has it, or that is still looked for"},
		{"another MTU", func(r *rig) { r.net.Links[1].MTU = 1280 }, "eno1 has an MTU of 1280, not 1500"},
		{"no default route", func(r *rig) { r.net.Routes = r.net.Routes[1:] }, "no default route leads to " + gateway + " through eno1"},
		{"by another link", func(r *rig) { r.net.Routes[0].Dev = "eno2" }, "no default route leads to " + gateway + " through eno1"},
		{"one address more", func(r *rig) {
			r.net.Links[1].Addresses = append(r.net.Links[1].Addresses, server.AddressFact{Address: "192.0.2.30/28"})
		}, "eno1 has 192.0.2.30/28, which is not declared"},
		{"an old service address", func(r *rig) {
			r.net.Links[0].Addresses = append(r.net.Links[0].Addresses, server.AddressFact{Address: "192.175.48.2/32"})
		},
			"lo has 192.175.48.2/32, which is not declared"},
		{"two default routes", func(r *rig) { r.net.Routes = append(r.net.Routes, defaultBy("192.0.2.18", "eno1", 4, 100)) },
			"a default route leads to 192.0.2.18 through eno1, which is not declared"},
		{"the old manager's beside networkd's", func(r *rig) { r.net.Routes = append(r.net.Routes, defaultBy(gateway, "eno1", 3, 0)) },
			"a default route leads to " + gateway + " through eno1, which is not declared"},
		{"somebody else's", func(r *rig) { r.files[ifstateFile] = "eno1=eno1\n" }, "eno1 is managed by ifupdown, not by systemd-networkd"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := asDeclared()
			tt.spoil(r)
			got, err := r.helper().unlike(declared())
			if err != nil || strings.Join(got, "; ") != tt.want {
				t.Errorf("said %q, %v, want %q", strings.Join(got, "; "), err, tt.want)
			}
		})
	}
	for _, what := range []string{"network", "read " + networkdDir + "/2"} {
		r := asDeclared()
		r.broken = what
		if got, err := r.helper().unlike(declared()); err == nil {
			t.Errorf("without %s: %q, and no error", what, got)
		}
	}
}

// Links are settled once all is there and nothing else is; what is missing is
// waited for, what is too much is taken away, and neither for ever.
func TestSettleLinks(t *testing.T) {
	more := server.AddressFact{Address: "192.0.2.30/28"}
	for _, tt := range []struct {
		name, broken string
		spoil        func(*rig)
		did, says    string
	}{
		{"as declared", "", func(*rig) {}, "", ""},
		{"networkd takes its time", "", func(r *rig) {
			routes := r.net.Routes
			r.net.Routes = nil
			r.later = func(r *rig) { r.net.Routes = routes }
		}, "", ""},
		{"never there, and something else is", "", func(r *rig) {
			r.net.Routes = nil
			r.net.Links[1].Addresses = append(r.net.Links[1].Addresses, more)
		}, "", "no default route leads to " + gateway + " through eno1"},
		{"too much", "", func(r *rig) {
			r.net.Links[1].Addresses = append(r.net.Links[1].Addresses, more)
			r.net.Routes = append(r.net.Routes, defaultBy("192.0.2.18", "eno1", 4, 0))
			r.later = func(r *rig) { r.net = asDeclared().net }
		}, "del route 192.0.2.18; del 192.0.2.30/28 eno1", ""},
		{"too much for ever", "", func(r *rig) { r.net.Links[1].Addresses = append(r.net.Links[1].Addresses, more) },
			"del 192.0.2.30/28 eno1", "eno1 has 192.0.2.30/28, which is not declared"},
		{"a route that cannot be taken away", "del route", func(r *rig) { r.net.Routes = append(r.net.Routes, defaultBy("192.0.2.18", "eno1", 4, 0)) },
			"del route 192.0.2.18", "remove the default route by 192.0.2.18: invalid argument"},
		{"an address that cannot be taken away", "del ", func(r *rig) { r.net.Links[1].Addresses = append(r.net.Links[1].Addresses, more) },
			"del 192.0.2.30/28 eno1", "remove 192.0.2.30/28 from eno1: invalid argument"},
		{"no look", "network", func(*rig) {}, "", "invalid argument"},
		{"no look at the manager", "read " + networkdDir + "/2", func(*rig) {}, "", "permission denied"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := asDeclared()
			r.broken = tt.broken
			tt.spoil(r)
			err, said := r.helper().settleLinks(declared()), ""
			if err != nil {
				said = err.Error()
			}
			if did := strings.Join(slices.Compact(r.did), "; "); said != tt.says || did != tt.did {
				t.Errorf("it did %q and says %q, want %q and %q", did, said, tt.did, tt.says)
			}
			if r.now > 2*networkLimit {
				t.Errorf("it waited for %s", r.now)
			}
		})
	}
	if err := (&rig{broken: "network"}).helper().settleLinks(server.Manifest{}); err != nil {
		t.Errorf("of no links: %v", err)
	}
}

// NetworkManager forgets its links first, and then the addresses that keep no
// connected route, or a lease, come anew; others are left alone.
func TestLetGo(t *testing.T) {
	for _, broken := range []string{"", "nmcli general", "nmcli device", "network", "del ", "add "} {
		r := asDeclared()
		r.broken = broken
		r.net.Links[1].Addresses = []server.AddressFact{{Address: ipA, NoRoute: true}, {Address: ipB}, {Address: "192.0.2.30/28", Seconds: 600}}
		r.net.Links[2].Addresses[0].NoRoute = true
		err := r.helper().letGo(before{difference: difference{Owners: map[string]owner{"eno1": {Manager: server.NetworkManager}, "eno2": {Manager: server.Networkd}}}})
		want := []string{"nmcli general reload conf", "nmcli device set eno1 managed no", "del " + ipA + " eno1", "add " + ipA + " eno1", "del 192.0.2.30/28 eno1", "add 192.0.2.30/28 eno1"}
		switch {
		case (err == nil) != (broken == ""):
			t.Errorf("%q is broken: %v", broken, err)
		case broken == "" && !slices.Equal(r.did, want):
			t.Errorf("it did %q, want %q", r.did, want)
		case broken != "" && !slices.Equal(r.did, want[:len(r.did)]):
			t.Errorf("%q is broken: it did %q", broken, r.did)
		}
	}
}

// NetworkManager's default routes go once networkd has its own: those with a
// metric, of its links alone.
func TestDropDefaults(t *testing.T) {
	b := before{difference: difference{Owners: map[string]owner{"eno1": {Manager: server.NetworkManager}, "eno2": {Manager: server.Networkd}}}}
	b.Network.Routes = []server.Route{defaultBy("192.0.2.1", "eno1", 4, 100), defaultBy("192.0.2.2", "eno1", 4, 0), defaultBy("203.0.113.2", "eno2", 4, 100),
		{Table: server.MainTable, To: "198.51.100.0/24", Via: "192.0.2.3", Dev: "eno1", Metric: 100}}
	r := asDeclared()
	if err := r.helper().dropDefaults(b); err != nil || !slices.Equal(r.did, []string{"del route 192.0.2.1"}) {
		t.Errorf("it did %q, %v", r.did, err)
	}
	r = asDeclared()
	r.broken = "del route"
	if err := r.helper().dropDefaults(b); err == nil {
		t.Error("a route that cannot be removed is no error")
	}
	r = asDeclared()
	r.files[networkdDir+"/2"] = "ADMIN_STATE=configuring\n"
	if err := r.helper().dropDefaults(b); err == nil || !strings.Contains(err.Error(), `networkd has not configured eno1: it is "configuring"`) || len(r.did) > 0 || r.now < networkLimit {
		t.Errorf("it did %q after %s, %v", r.did, r.now, err)
	}
	r.later = func(r *rig) { r.files[networkdDir+"/2"] = "ADMIN_STATE=configured\n" }
	if err := r.helper().dropDefaults(b); err != nil || !slices.Equal(r.did, []string{"del route 192.0.2.1"}) {
		t.Errorf("once it is configured it did %q, %v", r.did, err)
	}
	for _, broken := range []string{"network", "read " + networkdDir + "/2"} {
		r = asDeclared()
		r.broken = broken
		if err := r.helper().dropDefaults(b); err == nil || r.now > 0 {
			t.Errorf("%s is broken, and after %s: %v", broken, r.now, err)
		}
	}
	b.Owners = nil
	r = asDeclared()
	r.broken = "network"
	if err := r.helper().dropDefaults(b); err != nil || len(r.did) > 0 {
		t.Errorf("of nobody's links it did %q, %v", r.did, err)
	}
}
