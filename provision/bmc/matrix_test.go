package bmc_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
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
	holdDoc(t, table(lines))
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
				a, b := line{cells: map[string]cell{}, known: 5}, line{cells: map[string]cell{}, known: 5}
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
	l := newLab(t, simbmc.Config{Tree: os.DirFS(dir), Users: users})
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
		if stats.Gets > budget || stats.Handshakes != 1 || stats.Sessions > 1 || stats.Writes != 0 {
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

// setTree sets everything a site may declare in one go, and looks again as
// the next plan does.
func setTree(t *testing.T, dir string, out *line) {
	l := treeLab(t, dir, map[string]string{"root": factoryPassword}, oldV4.Addr())
	target := l.target(declared(), factory())
	target.Links = &cache{}
	want := wanted()
	var print string
	target.HTTPS, print = pair(t)
	want[bmc.HTTPSCertificate] = []string{print}
	c := l.open(target)
	// Each system names its boot options in its own way.
	if order := read(t, c, bmc.BootOrder)[bmc.BootOrder]; len(order) > 1 {
		slices.Reverse(order)
		want[bmc.BootOrder] = order
	}
	known := map[string]bool{}
	for _, f := range c.Read(t.Context(), items(want)) {
		have, _ := f.Value.(state.Attr)
		known[f.Key.Name] = f.Unsupported() && !have.Equal(state.Attr{Values: want[f.Key.Name]})
	}
	outcomes, err := c.Set(t.Context(), changes(want))
	if err != nil {
		l.noSecrets(err.Error())
	}
	for _, o := range outcomes {
		cell := cell{o.Status, reason(o.Err)}
		switch {
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
	for _, f := range c.Read(t.Context(), items(want)) {
		name := f.Key.Name
		have, _ := f.Value.(state.Attr)
		switch cell := out.cells[name]; {
		case cell.status == bmc.Done && !have.Equal(state.Attr{Values: want[name]}):
			t.Errorf("%s was set to %v and reads %v, %v: the next plan is not empty", name, want[name], f.Value, f.Err)
		case cell.status == bmc.Unsupported && !f.Unsupported():
			t.Errorf("%s could not be set (%s) and reads %v, %v: the next plan is not empty", name, cell.why, f.Value, f.Err)
		}
	}
	// One that did not take its new address is logged in to as delivered,
	// and asked for the declared user's account.
	if stats := c.Stats(); stats.Gets > out.known && out.cells[bmc.IPv4Address].status == bmc.Done {
		t.Errorf("a look after an apply costs %+v, more than %d reads", stats, out.known)
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
func table(lines []line) string {
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
			if c.status == bmc.Done {
				b.WriteString(" set |")
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
			fmt.Fprintf(&b, " %s (%d) |", word, i+1)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	for i, w := range whys {
		fmt.Fprintf(&b, "%d. %s\n", i+1, w)
	}
	return b.String()
}

const (
	docBegin = "<!-- made by TestMatrix: begin -->\n"
	docEnd   = "<!-- made by TestMatrix: end -->\n"
)

// holdDoc compares the table with the one in the documentation, or writes it.
func holdDoc(t *testing.T, want string) {
	name := filepath.Join("..", "..", "docs", "bmc.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), docBegin)
	have, after, ok2 := strings.Cut(rest, docEnd)
	switch {
	case !ok || !ok2:
		t.Fatalf("%s lacks the marks %q and %q", name, docBegin, docEnd)
	case *update:
		if err := os.WriteFile(name, []byte(before+docBegin+want+docEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		equal(t, want, have)
	}
}
