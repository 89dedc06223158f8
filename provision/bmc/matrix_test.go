package bmc_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/state"
)

var update = flag.Bool("update", false, "write docs/bmc.md anew")

// line is what came out for one tree.
type line struct {
	tree         string
	id           bmc.Identity
	first, known int // GETs of a look that finds nothing to do
	cells        map[string]cell
}

type cell struct {
	status bmc.Status
	why    string
}

// refused is unsupported, as nobody knows before it is tried.
const refused bmc.Status = "refused"

// TestMatrix sets every setting on every saved tree, reads it back in another
// session, counts what a look costs, and holds docs/bmc.md to it.
func TestMatrix(t *testing.T) {
	dir := treesDir(t)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var lines []line
	t.Run("trees", func(t *testing.T) {
		for _, e := range entries {
			if !e.IsDir() {
				continue
			}
			t.Run(e.Name(), func(t *testing.T) {
				t.Parallel()
				l := line{tree: e.Name(), cells: map[string]cell{}}
				costs(t, filepath.Join(dir, e.Name()), &l)
				setTree(t, filepath.Join(dir, e.Name()), &l)
				mu.Lock()
				defer mu.Unlock()
				lines = append(lines, l)
			})
		}
	})
	slices.SortFunc(lines, func(a, b line) int { return strings.Compare(a.tree, b.tree) })
	holdDoc(t, "bmc.md", "TestMatrix", table(t, lines))
}

// TestMatrixNames: the cells of a tree are those of its documents, whatever its folder
// is called.
func TestMatrixNames(t *testing.T) {
	dir := treesDir(t)
	for _, name := range []string{
		"ami-gigabyte-h262", "dell-idrac9-710-r750", "hpe-cray-ex235a", "hpe-ilo6-dl380a-g11", "lenovo-xcc-sr670", "openbmc-stock-2.15", "supermicro-x13-sys821ge",
	} {
		for _, other := range []string{"plain", "dell-idrac9", "hpe-ilo5"} {
			t.Run(name+"/"+other, func(t *testing.T) {
				t.Parallel()
				tree, err := filepath.Abs(filepath.Join(dir, name))
				renamed := filepath.Join(t.TempDir(), other)
				if err := cmp.Or(err, os.Symlink(tree, renamed)); err != nil {
					t.Fatal(err)
				}
				a, b := line{cells: map[string]cell{}, known: 7}, line{cells: map[string]cell{}, known: 7}
				setTree(t, tree, &a)
				setTree(t, renamed, &b)
				if !maps.Equal(a.cells, b.cells) {
					t.Errorf("%v\n%v", a.cells, b.cells)
				}
			})
		}
	}
}

// treeLab is a controller of a saved tree that also answers where we dialTimeout.
func treeLab(t *testing.T, dir string, users map[string]string, at netip.Addr) *lab {
	return treeLabOf(t, os.DirFS(dir), users, at)
}

func treeLabOf(t *testing.T, tree fs.FS, users map[string]string, at netip.Addr) *lab {
	l := newLab(t, simbmc.Config{Tree: tree, Users: users})
	l.keep = true
	l.route([]netip.Prefix{netip.PrefixFrom(at, at.BitLen())})
	return l
}

// costs looks twice as the declared user, at first sight and with its links
// known, and wants the same answer for less.
func costs(t *testing.T, dir string, out *line) {
	way := declared()
	way.Address = netip.AddrPortFrom(addressIn(t, dir, newV4.Addr()), 443)
	l := treeLab(t, dir, map[string]string{"raiz": declaredPassword}, way.Address.Addr())
	target := l.target(way)
	target.Links = &cache{}
	var seen map[string][]string
	for i, budget := range []int{12, 5} {
		c := l.open(target)
		got := read(t, c, allNames()...)
		for name, v := range got {
			if slices.Contains(v, "(unknown)") {
				t.Errorf("%s reads %v", name, v)
			}
		}
		stats := c.Stats()
		if stats.Gets > budget+settingsObjectsOf(l) || stats.Handshakes != 1 || stats.Sessions > 1 || stats.Writes != 0 {
			t.Errorf("a look costs %+v, more than %d reads and one handshake", stats, budget)
		}
		if i == 0 {
			out.first, seen = stats.Gets, got
			out.id, _ = c.Identity(t.Context())
		} else {
			out.known = stats.Gets
			equal(t, seen, got)
		}
		l.close(c)
	}
}

// settingsObjectsOf is how many settings objects a controller was asked for.
func settingsObjectsOf(l *lab) int {
	asked := map[string]bool{}
	for _, r := range l.bmc.Log() {
		asked[r.Path] = r.Method == http.MethodGet && isSettingsObject(r.Path)
	}
	maps.DeleteFunc(asked, func(_ string, is bool) bool { return !is })
	return len(asked)
}

// elsewhere is what is wanted of a controller, and nothing of it as it is: a value that
// is there already shows nothing.
func elsewhere(have map[string][]string) map[string][]string {
	want := wanted()
	// Each system names its boot options in its own way.
	if order := slices.Clone(have[bmc.BootOrder]); len(order) > 1 {
		slices.Reverse(order)
		want[bmc.BootOrder] = order
	}
	others := map[string][]string{
		bmc.Hostname: {"gru2-bmc"}, bmc.NTP: {"192.0.2.2"}, bmc.DNS: {"192.0.2.3"}, bmc.PowerPolicy: {"always-off"},
		bmc.VLAN: {"31"}, bmc.Boot: {"pxe"},
	}
	for name, v := range want {
		switch other := others[name]; {
		case !slices.Equal(v, have[name]):
		case other != nil:
			want[name] = other
		case slices.Equal(v, []string{"off"}) && name != bmc.IPv4DHCP: // which no site has on
			want[name] = []string{"on"}
		}
	}
	return want
}

// leased is a saved tree whose controller asks a DHCP server, as it does before a site
// gives it an address.
func leased(t *testing.T, dir string) fs.FS {
	t.Helper()
	out, tree := fstest.MapFS{}, os.DirFS(dir)
	err := fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tree, name)
		if path.Base(name) == "index.json" && strings.Contains(name, "/Managers/") && strings.Contains(name, "/EthernetInterfaces/") {
			text = lease(text)
		}
		out[name] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// lease is an interface whose address is one that a DHCP server has given.
func lease(text []byte) []byte {
	var eth map[string]any
	if json.Unmarshal(text, &eth) != nil {
		return text
	}
	dhcp, has := eth["DHCPv4"].(map[string]any)
	if has && dhcp["DHCPEnabled"] != false {
		return text
	}
	if has {
		dhcp["DHCPEnabled"] = true
	}
	list, _ := eth["IPv4Addresses"].([]any)
	for _, e := range list {
		if o, _ := e.(map[string]any); o["AddressOrigin"] == "Static" {
			o["AddressOrigin"] = "DHCP"
		}
	}
	out, err := json.Marshal(eth)
	if err != nil {
		return text
	}
	return out
}

// setTree sets everything a site may declare in one go, and looks again as
// the next plan does.
func setTree(t *testing.T, dir string, out *line) {
	l := treeLabOf(t, leased(t, dir), map[string]string{"root": factoryPassword}, oldV4.Addr())
	target := l.target(declared(), factory())
	target.Links = &cache{}
	var print string
	target.HTTPS, print = pair(t)
	c := l.open(target)
	have := map[string][]string{}
	for _, f := range c.Read(t.Context(), keys(allNames()...)) {
		v, _ := f.Value.(state.Attr)
		have[f.Key.Name] = v.Values
	}
	want := elsewhere(have)
	want[bmc.HTTPSCertificate] = []string{print}
	known, same := map[string]bool{}, map[string]bool{}
	for _, f := range c.Read(t.Context(), items(want)) {
		have, _ := f.Value.(state.Attr)
		same[f.Key.Name] = f.Value != nil && have.Equal(state.Attr{Values: want[f.Key.Name]})
		known[f.Key.Name] = f.Unsupported()
	}
	outcomes, err := c.Set(t.Context(), changes(want))
	if err != nil {
		l.noSecrets(err.Error())
	}
	for _, o := range outcomes {
		cell := cell{o.Status, reason(o.Err)}
		switch {
		case same[o.Key.Name]:
			t.Errorf("%s was %v before it was set to that", o.Key.Name, want[o.Key.Name])
		case o.Status == bmc.Unsupported && !known[o.Key.Name]:
			cell.status = refused
		case o.Status == bmc.Done && known[o.Key.Name]:
			t.Errorf("%s was called unsupported, and can be set", o.Key.Name)
		case o.Status == bmc.Failed || o.Status == bmc.Unknown:
			t.Errorf("%s: %s", o.Key.Name, cell.why)
		}
		out.cells[o.Key.Name] = cell
	}
	l.close(c)
	c = l.open(target)
	defer l.close(c)
	stats := holds(t, c, want, out)
	// One that did not take its new address is logged in to as delivered,
	// and asked for the declared user's account.
	room := out.known
	for _, cell := range out.cells {
		if cell.status == bmc.Pending {
			room = out.known + 3 // where jobs are kept: the manager, the list, and the one that waits
		}
	}
	if stats.Gets > room && out.cells[bmc.IPv4Address].status == bmc.Done {
		t.Errorf("a look after an apply costs %+v, more than %d reads", stats, room)
	}
}

// holds looks in another session at what was set, and once more after a reboot of
// the server at what waited for one. It returns what the first look has cost.
func holds(t *testing.T, c *bmc.Controller, want map[string][]string, out *line) redfish.Stats {
	t.Helper()
	waits, queued := map[string][]string{}, map[string][]string{}
	for _, f := range c.Read(t.Context(), items(want)) {
		name := f.Key.Name
		have, _ := f.Value.(state.Attr)
		pending, _ := f.Pending.(state.Attr)
		wanted := state.Attr{Values: want[name]}
		switch cell := out.cells[name]; {
		case cell.status == bmc.Done && (!have.Equal(wanted) || f.Pending != nil):
			t.Errorf("%s was set to %v and reads %v, %v, %v: the next plan is not empty", name, want[name], f.Value, f.Pending, f.Err)
		case cell.status == bmc.Pending && (have.Equal(wanted) || !pending.Equal(wanted) || f.Err != nil):
			t.Errorf("%s is to wait and reads %v, %v, %v: the next plan is not empty", name, f.Value, f.Pending, f.Err)
		case cell.status == bmc.Queued && (have.Equal(wanted) || f.Pending != nil || f.Queued == ""):
			t.Errorf("%s is to come after the reboot and reads %v, %v, %v: the next plan is not empty", name, f.Value, f.Pending, f.Err)
		case cell.status == bmc.Unsupported && !f.Unsupported():
			t.Errorf("%s could not be set (%s) and reads %v, %v: the next plan is not empty", name, cell.why, f.Value, f.Err)
		}
		switch out.cells[name].status {
		case bmc.Pending:
			waits[name] = want[name]
		case bmc.Queued:
			queued[name] = want[name]
		}
	}
	stats := c.Stats()
	if len(waits) == 0 {
		return stats
	}
	afterReboot(t, c, waits)
	if len(queued) == 0 {
		return stats
	}
	outcomes, err := c.Set(t.Context(), changes(queued))
	for _, o := range outcomes {
		if out.cells[o.Key.Name] = (cell{o.Status, reason(o.Err)}); o.Status != bmc.Pending {
			t.Errorf("%s was queued, and after the reboot: %v", o.Key.Name, err)
		}
	}
	afterReboot(t, c, queued)
	return stats
}

// afterReboot reboots the server, and looks whether what waited is in effect.
func afterReboot(t *testing.T, c *bmc.Controller, want map[string][]string) {
	t.Helper()
	if err := c.SetPower(t.Context(), bmc.PowerRestart, bmc.Forced, time.Second); err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Read(t.Context(), items(want)) {
		if have, _ := f.Value.(state.Attr); !have.Equal(state.Attr{Values: want[f.Key.Name]}) || f.Pending != nil || f.Err != nil {
			t.Errorf("%s reads %v, %v, %v after the reboot", f.Key.Name, f.Value, f.Pending, f.Err)
		}
	}
}

// reason is what is left of an error once it is clear what failed where.
func reason(err error) string {
	if err == nil {
		return ""
	}
	_, why, _ := strings.Cut(err.Error(), ": ")
	return strings.TrimRight(strings.TrimSuffix(why, state.ErrUnsupported.Error()), ": ")
}

// table words the lines for docs/bmc.md.
func table(t *testing.T, lines []line) string {
	all := facts(t)
	names := slices.Sorted(slices.Values(append(allNames(), bmc.HTTPSCertificate)))
	var b strings.Builder
	b.WriteString("| controller | line, firmware, Redfish | GETs known / first |")
	for _, n := range names {
		b.WriteString(" " + n + " |")
	}
	b.WriteString("\n|" + strings.Repeat("---|", len(names)+3) + "\n")
	var whys []string
	for _, l := range lines {
		firmware := strings.Join(strings.Fields(l.id.Line+" "+l.id.Firmware+" "+l.id.Redfish), " ")
		fmt.Fprintf(&b, "| %s | %s | %d / %d |", l.tree, firmware, l.known, l.first)
		for _, n := range names {
			c := l.cells[n]
			mark := agree(t, l.id.Line, n, c.status, all)
			if word := map[bmc.Status]string{bmc.Done: "set", bmc.Pending: "at reboot"}[c.status]; word != "" {
				fmt.Fprintf(&b, " %s%s |", word, mark)
				continue
			}
			i := slices.Index(whys, c.why)
			if i < 0 {
				i, whys = len(whys), append(whys, c.why)
			}
			word := map[bmc.Status]string{bmc.Unsupported: "no", refused: "refused"}[c.status]
			if word == "" {
				word = "fails"
			}
			fmt.Fprintf(&b, " %s%s (%d) |", word, mark, i+1)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	for i, w := range whys {
		fmt.Fprintf(&b, "%d. %s\n", i+1, w)
	}
	return b.String()
}

// holdDoc compares what a test makes with what is in a document, or writes it.
func holdDoc(t *testing.T, doc, test, want string) {
	t.Helper()
	begin, end := "<!-- made by "+test+": begin -->\n", "<!-- made by "+test+": end -->\n"
	name := filepath.Join("..", "..", "docs", doc)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	have, after, ok2 := strings.Cut(rest, end)
	switch {
	case !ok || !ok2:
		t.Fatalf("%s lacks the marks %q and %q", name, begin, end)
	case *update:
		if err := os.WriteFile(name, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		equal(t, want, have)
	}
}
