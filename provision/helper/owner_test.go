package helper

import (
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

// Who has a link is said by what the managers write down of it; where nobody
// does, a program at work that is not known is named.
func TestOwnerOf(t *testing.T) {
	const nd, nm = networkdDir + "/2", nmDir + "/2"
	for _, tt := range []struct {
		name    string
		files   map[string]string
		units   []string
		manager string
		detail  string
		known   bool
	}{
		{"nobody", nil, nil, server.Nobody, "", true},
		{"networkd", map[string]string{nd: "# private\nADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/a.network\n"}, nil, server.Networkd, "/etc/systemd/network/a.network", true},
		{"netplan", map[string]string{nd: "NETWORK_FILE=/run/systemd/network/10-netplan-eno1.network\n"}, nil, server.Netplan, "/run/systemd/network/10-netplan-eno1.network", true},
		{"networkd leaves it alone", map[string]string{nd: "ADMIN_STATE=unmanaged\nNETWORK_FILE=/etc/systemd/network/a.network\n"}, nil, server.Nobody, "", true},
		{"networkd has no file", map[string]string{nd: "ADMIN_STATE=configuring\n"}, nil, server.Nobody, "", true},
		{"ifupdown beside networkd", map[string]string{ifstateFile: "lo=lo\neno1=eno1\n", nd: "NETWORK_FILE=/etc/systemd/network/a.network\n"}, nil, server.Ifupdown, ifstateFile, true},
		{"no line of ifupdown", map[string]string{ifstateFile: "eno1\n"}, nil, server.Nobody, "", true},
		{"NetworkManager", map[string]string{nm: "[device]\nmanaged=true\nconnection-uuid=u-u\n"}, nil, server.NetworkManager, "u-u", true},
		{"an older one", map[string]string{nm: "managed=1\n"}, nil, server.NetworkManager, "", true},
		{"NetworkManager leaves it alone", map[string]string{nm: "managed=false\n"}, nil, server.Nobody, "", true},
		{"a stranger", nil, []string{"dhcpcd.service"}, "dhcpcd", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &rig{files: tt.files, units: runningUnits(tt.units...)}
			o, err := r.helper().ownerOf(server.LinkFact{Index: 2, Name: "eno1"})
			if err != nil || o.Manager != tt.manager || o.Detail != tt.detail || o.Known != tt.known || o.Known == strings.Contains(o.Why, "stop dhcpcd.service") {
				t.Errorf("it is %+v, %v", o, err)
			}
		})
	}
	for _, broken := range []string{"read " + nd, "read " + nm, "read " + ifstateFile, "units"} {
		r := &rig{broken: broken}
		if o, err := r.helper().ownerOf(server.LinkFact{Index: 2, Name: "eno1"}); err == nil {
			t.Errorf("%s is broken: %+v, and no error", broken, o)
		}
	}
}

// takenFrom is a server whose links are ifupdown's and NetworkManager's, beside one
// that networkd has and that lacks an address.
func takenFrom() (*rig, server.Manifest) {
	r := asDeclared()
	r.files = map[string]string{
		networkdDir + "/2": "NETWORK_FILE=/etc/systemd/network/a.network\n", ifstateFile: "eno2=eno2\nother=other\n", nmDir + "/4": "managed=true\n",
		interfaces: "auto eno2\n", interfacesD + "/a": "auto eno9\n", cloudConfD + "/05_logging.cfg": "",
	}
	r.net.Links = append(r.net.Links, server.LinkFact{Index: 4, Name: "eno3"})
	m := declared()
	m.Links[0].Addresses = append(m.Links[0].Addresses, "192.0.2.21/28")
	for _, l := range []string{"eno2", "eno3", "eno4"} {
		m.Links = append(m.Links, server.Link{Match: server.Match{Name: l}})
	}
	return r, m
}

// take looks at links, and returns what is taken from whom.
func (r *rig) take(t *testing.T, m server.Manifest) (string, difference, error) {
	t.Helper()
	var d difference
	err := r.helper().lookAtLinks(&d, m)
	var paths []string
	for i, c := range d.Changes {
		if c.Kind != taken || c.From != i || d.Taken[i].Path != c.Path || d.Taken[i].Sum != sumOf(d.Taken[i].Data) {
			t.Errorf("%+v of %+v", c, d.Taken)
		}
		paths = append(paths, c.Path)
	}
	return strings.Join(paths, " "), d, err
}

// Who loses a link has it taken out of its files, and cloud-init does not write
// them again; who lacks something of what networkd has is told to look.
func TestLookAtLinks(t *testing.T) {
	r, m := takenFrom()
	paths, d, err := r.take(t, m)
	if err != nil || paths != interfaces+" "+nmConf+" "+cloudOff || !slices.Equal(d.reconfigure, []string{"eno1"}) || len(d.Owners) != 3 || d.Owners["lo"].Manager != "" {
		t.Errorf("taken %q, to look at %q, owners %v, %v", paths, d.reconfigure, d.Owners, err)
	}
	if got := string(d.Taken[1].Data); got != "[keyfile]\nunmanaged-devices=interface-name:eno3\n" {
		t.Errorf("NetworkManager reads %q", got)
	}
	if got := managerUnits(d.Owners); !slices.Equal(got, []string{networkdUnit, networkdSocket, ifupdownUnit, nmUnit}) {
		t.Errorf("units are %q", got)
	}
	if got := passing(d.Owners); !slices.Equal(got, []string{ifstateFile, ifstateFile + ".eno2"}) {
		t.Errorf("notes are %q", got)
	}
	own := map[string]owner{"eno1": {Manager: server.Networkd}}
	if managerUnits(own)[1] != networkdSocket || len(managerUnits(own)) != 2 || passing(own) != nil || needed(own) {
		t.Errorf("networkd's own: %q, %q", managerUnits(own), passing(own))
	}
}

// Each file is taken where it is there and names the link, and only then.
func TestTakeOfEach(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string // beside what there is; "-" for none
		want  []string
	}{
		{"cloud-init writes nothing", map[string]string{cloudOff: ""}, []string{interfaces, nmConf}},
		{"no cloud-init", map[string]string{cloudConfD + "/05_logging.cfg": "-"}, []string{interfaces, nmConf}},
		{"no stanza", map[string]string{interfaces: "auto lo\n"}, []string{nmConf, cloudOff}},
		{"in a file below", map[string]string{interfaces: "auto lo\n", interfacesD + "/a": "auto eno2\n"}, []string{interfacesD + "/a", nmConf, cloudOff}},
		{"nothing below", map[string]string{interfacesD + "/a": "-"}, []string{interfaces, nmConf, cloudOff}},
	} {
		r, m := takenFrom()
		for path, text := range tt.files {
			if r.files[path] = text; text == "-" {
				delete(r.files, path)
			}
		}
		if paths, _, err := r.take(t, m); err != nil || paths != strings.Join(tt.want, " ") {
			t.Errorf("%s: taken %q, %v, want %q", tt.name, paths, err, tt.want)
		}
	}
	r, m := takenFrom()
	delete(r.files, ifstateFile)
	r.broken = "read " + interfaces // nobody looks there
	if paths, _, err := r.take(t, m); err != nil || paths != nmConf+" "+cloudOff {
		t.Errorf("of NetworkManager alone: taken %q, %v", paths, err)
	}
	r, m = takenFrom()
	delete(r.files, nmDir+"/4")
	if paths, _, err := r.take(t, m); err != nil || paths != interfaces+" "+cloudOff {
		t.Errorf("of ifupdown alone: taken %q, %v", paths, err)
	}
	r, m = takenFrom()
	delete(r.files, ifstateFile)
	delete(r.files, nmDir+"/4")
	if paths, d, err := r.take(t, m); err != nil || paths != "" || !slices.Equal(d.reconfigure, []string{"eno1"}) {
		t.Errorf("of nobody's: taken %q, to look at %q, %v", paths, d.reconfigure, err)
	}
	r.units = runningUnits("connman.service")
	if _, _, err := r.take(t, m); err == nil || !strings.Contains(err.Error(), "is managed by connman") {
		t.Errorf("of a stranger: %v", err)
	}
	for _, broken := range []string{"network", "units", "read " + nmDir + "/2", "list " + interfacesD, "read " + interfaces, "look at " + cloudConfD, "look at " + cloudOff} {
		r, m = takenFrom()
		r.broken = broken
		if broken == "units" {
			delete(r.files, ifstateFile)
		}
		if _, _, err := r.take(t, m); err == nil {
			t.Errorf("%s is broken, and no error", broken)
		}
	}
}

// ifupdown forgets its links alone, its DHCP client ends and gives nothing back,
// and that only once networkd has them.
func TestTakeOver(t *testing.T) {
	const pid = "/run/dhclient.eno1.pid"
	fresh := func() *rig {
		r := asDeclared()
		for f, text := range map[string]string{ifstateFile: "lo=lo\neno1=eno1\neno2=eno2\n", ifstateFile + ".eno1": "eno1\n", pid: "4711\n"} {
			r.files[f] = text
		}
		return r
	}
	b := before{difference: difference{Owners: map[string]owner{"eno1": {Manager: server.Ifupdown}}}}
	r := fresh()
	err := r.helper().takeOver(b)
	if want := []string{"dhclient -x -pf " + pid + " eno1", "remove " + ifstateFile + ".eno1"}; err != nil || !slices.Equal(r.did[:2], want) || r.files[ifstateFile] != "lo=lo\neno2=eno2\n" {
		t.Errorf("it did %q, %v; ifupdown has %q", r.did, err, r.files[ifstateFile])
	}
	r = fresh()
	delete(r.files, pid)
	if err := r.helper().takeOver(b); err != nil || slices.ContainsFunc(r.did, func(s string) bool { return strings.HasPrefix(s, "dhclient") }) {
		t.Errorf("without a lease it did %q, %v", r.did, err)
	}
	for _, broken := range []string{"network", "read " + networkdDir + "/2", "dhclient", "remove " + ifstateFile, "read " + ifstateFile} {
		r = fresh()
		r.broken = broken
		if err := r.helper().takeOver(b); err == nil {
			t.Errorf("%s is broken, and no error", broken)
		}
	}
	r = fresh()
	r.files[networkdDir+"/2"] = "ADMIN_STATE=configuring\n"
	if err := r.helper().takeOver(b); err == nil || len(r.did) > 0 {
		t.Errorf("before networkd has it: it did %q, %v", r.did, err)
	}
	r, b.Owners["eno1"] = fresh(), owner{Manager: server.NetworkManager}
	r.broken = "network"
	if err := r.helper().takeOver(b); err == nil {
		t.Error("default routes that cannot be dropped are no error")
	}
	if err := r.helper().takeOver(before{}); err != nil {
		t.Errorf("of nobody's links: %v", err)
	}
}

// Stanzas of a link are commented out, and nothing else (interfaces(5)).
func TestWithoutStanzas(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"nothing of it", "auto lo\niface lo inet loopback\n", ""},
		{"static", "auto lo\niface lo inet loopback\n\nauto eno1\niface eno1 inet static\n\taddress 192.0.2.30/28\n# a word\n\n\tgateway 192.0.2.17\niface eno2 inet dhcp\n\tmetric 5\n",
			"auto lo\niface lo inet loopback\n\n# by raiz: auto eno1\n# by raiz: iface eno1 inet static\n# by raiz: \taddress 192.0.2.30/28\n# a word\n\n# by raiz: \tgateway 192.0.2.17\niface eno2 inet dhcp\n\tmetric 5\n"},
		{"beside another", "auto eno1 eno2\n", "# by raiz: auto eno1 eno2\nauto eno2\n"},
		{"allowed by class", "allow-hotplug eno1\nno-auto-down eno1\nno-scripts eno1 eno2\niface eno1 inet6 auto\n",
			"# by raiz: allow-hotplug eno1\n# by raiz: no-auto-down eno1\n# by raiz: no-scripts eno1 eno2\nno-scripts eno2\n# by raiz: iface eno1 inet6 auto\n"},
		{"then another's auto", "iface eno1 inet dhcp\nauto eno2\niface eno2 inet dhcp\n", "# by raiz: iface eno1 inet dhcp\nauto eno2\niface eno2 inet dhcp\n"},
		{"then another's class", "iface eno1 inet dhcp\nallow-hotplug eno2\n", "# by raiz: iface eno1 inet dhcp\nallow-hotplug eno2\n"},
		{"then a source", "iface eno1 inet dhcp\n\thwaddress 02:00:00:00:00:01\nsource /etc/network/interfaces.d/*\n", "# by raiz: iface eno1 inet dhcp\n# by raiz: \thwaddress 02:00:00:00:00:01\nsource /etc/network/interfaces.d/*\n"},
		{"a mapping", "iface eno1 inet dhcp\nmapping eno*\n\tscript /bin/true\n", "# by raiz: iface eno1 inet dhcp\nmapping eno*\n\tscript /bin/true\n"},
		{"no name", "iface\nauto\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, changed := withoutStanzas(tt.text, []string{"eno1", "eno7"})
			if changed != (tt.want != "") || changed && got != tt.want || !changed && got != tt.text {
				t.Errorf("changed %t:\n%s\nwant:\n%s", changed, got, tt.want)
			}
		})
	}
}
