package harm

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/raiz-dns/raiz/provision/state"
)

// Of makes a harm of every thing that is wanted of the server and its controller,
// one at a time. What cannot be harmed without losing the way to put it right is
// left out, and skipped says why.
func Of(want *state.Set) (all []Harm, skipped map[string]string) {
	skipped = map[string]string{}
	i := 0
	for it := range want.All() {
		switch it.Key.Kind {
		case state.Setting:
			if h, why := setting(it.Key.Name); why != "" {
				skipped[it.Key.String()] = why
			} else {
				all = append(all, h)
			}
		case state.Package:
			all = append(all, forgotten(it.Key.Name))
		case state.Path:
			all = append(all, tampered(it.Key.Name, i))
			i++
		case state.Unit:
			all = append(all, units(it.Key.Name)...)
		case state.Live:
			if h, why := live(it); why != "" {
				skipped[it.Key.String()] = why
			} else {
				all = append(all, h)
			}
		case state.Running:
			// What runs of a file has a table of its own.
		}
	}
	return all, skipped
}

// forgotten is a package that somebody has removed, as dpkg remembers it.
func forgotten(name string) Harm {
	at := "/var/lib/dpkg/status"
	return Harm{
		Name: "package " + name + " is removed", Class: System, Place: Server, Sees: "os.declared",
		Do:   fmt.Sprintf(`cp -a %[1]s %[1]s.kept && awk '/^Package: /{p=$2} p=="%[2]s" && /^Status: /{$0="Status: deinstall ok config-files"} 1' %[1]s.kept >%[1]s && ! cmp -s %[1]s %[1]s.kept`, at, name),
		Undo: fmt.Sprintf("mv %[1]s.kept %[1]s", at),
	}
}

// tampered is a file that has other bytes, another mode, or is gone, by turns.
func tampered(path string, i int) Harm {
	way := []struct{ name, do string }{
		{"has a line more", `printf '# by hand\n' >>%[1]s`}, {"has another mode", `chmod 0604 %[1]s`}, {"is gone", `rm %[1]s`},
	}[i%3]
	return Harm{
		Name: path + " " + way.name, Class: File, Place: Server, Sees: "os.declared",
		Do: fmt.Sprintf("cp -a %[1]s /root/kept && "+way.do, path), Undo: fmt.Sprintf("rm -f %[1]s; mv /root/kept %[1]s", path),
	}
}

// units are a unit that does not run, and one that will not after a boot.
func units(name string) []Harm {
	sees := "unit." + regexp.QuoteMeta(name)
	stopped := Harm{
		Name: name + " is stopped", Class: Daemon, Place: Server, Sees: sees, Also: `dns\.|bgp\.|guard\.|router\.|outside\.|os\.`,
		Do: "systemctl stop " + name, Undo: "systemctl start " + name,
	}
	if name == "ssh.service" { // whoever is not in by then does not get in
		stopped.Sees = "ssh.login"
	}
	return []Harm{stopped, {
		Name: name + " is not started at boot", Class: Daemon, Place: Server, Sees: sees,
		Do: "systemctl disable --quiet " + name, Undo: "systemctl enable --quiet " + name,
	}}
}

// live is something of the kernel that is otherwise.
func live(it state.Item) (Harm, string) {
	words := strings.Fields(it.Key.Name)
	dev, name := device(words[1]), it.Key.Name
	switch words[0] {
	case state.LiveAddress:
		return Harm{
			Name: name + " is taken away", Class: System, Place: Server, Sees: "os.address." + regexp.QuoteMeta(words[1]+"."+words[2]),
			Also: `dns\.|bgp\.|guard\.|router\.|outside\.|os\.`,
			Do:   fmt.Sprintf("ip address del %s dev %s", words[2], dev),
		}, ""
	case state.LiveDefault:
		return Harm{
			Name: name + " is taken away", Class: System, Place: Server, Sees: `os.declared|os.routes`,
			Do: fmt.Sprintf("ip route del default via %s dev %s", words[2], dev), Undo: fmt.Sprintf("networkctl reconfigure %s", dev),
			Also: `os\.`,
		}, ""
	case state.LiveMTU:
		return Harm{
			Name: name + " is another", Class: System, Place: Server, Sees: "os.declared",
			Do: fmt.Sprintf("ip link set %s mtu 1400", dev), Undo: fmt.Sprintf("ip link set %s mtu 1500", dev),
		}, ""
	case state.LiveManager:
		return Harm{}, "a link that nobody manages is one whose manager is stopped: systemd-networkd.service is"
	}
	return Harm{}, "nobody has said how it is harmed"
}

// device is the link of a name, or of a hardware address, on the server.
func device(name string) string {
	if strings.Contains(name, ":") {
		return `$(ip -o link | awk -F': ' '/` + name + `/{sub(/@.*/,"",$2); print $2; exit}')`
	}
	return name
}
