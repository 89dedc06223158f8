//go:build linux

package guard

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/watch"
)

// That a file is there is enough.
func TestDrained(t *testing.T) {
	hour := time.Hour.Seconds() // since the boot of the machine
	for _, tt := range []struct {
		name        string
		drain, hold string // "" is no file
		want        watch.Drain
		passing     string
	}{
		{"nobody wants it", "", "", watch.Drain{}, ""},
		{"a person", `{"by":"anna"}`, "", watch.Drain{Wanted: true, By: "anna"}, ""},
		{"an apply", "", `{"by":"ci"}`, watch.Drain{Wanted: true, By: "ci"}, ""},
		{"both", `{"by":"anna"}`, `{"by":"ci"}`, watch.Drain{Wanted: true, By: "anna"}, ""},
		{"both, the apply at once", `{"by":"anna"}`, `{"by":"ci","now":true}`, watch.Drain{Wanted: true, By: "anna", Now: true}, ""},
		{"both, the person at once", `{"by":"anna","now":true}`, `{"by":"ci"}`, watch.Drain{Wanted: true, By: "anna", Now: true}, ""},
		{"an apply that died", "", fmt.Sprintf(`{"until":%f}`, hour-10), watch.Drain{}, ""},
		{"an apply", "", fmt.Sprintf(`{"until":%f}`, hour+100), watch.Drain{Wanted: true, Until: hour + 100}, ""},
		{"an apply that died, and a person", `{"by":"anna"}`, `{"until":1,"now":true}`, watch.Drain{Wanted: true, By: "anna"}, ""},
		{"nothing in it", "\n", "", watch.Drain{Wanted: true, By: "somebody who is not known: what they wrote cannot be read"}, ""},
		{"a person, on a disk that takes nothing", "", "", watch.Drain{Wanted: true, By: "anna", Passing: "full"}, `{"by":"anna","passing":"full"}`},
	} {
		g, _, _ := guardOn(t, twoBlocks())
		if tt.drain != "" {
			put(t, g.files.drain, tt.drain)
		}
		if tt.hold != "" {
			put(t, g.files.hold, tt.hold)
		}
		if tt.passing != "" {
			put(t, g.files.passing, tt.passing)
		}
		if got := g.drained(); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// What cannot be looked for is wanted, and nobody is said to want it.
func TestDrainedForWantOfALook(t *testing.T) {
	g, _, _ := guardOn(t, twoBlocks())
	put(t, g.files.drain, "")
	g.files.drain += "/drained" // below a file
	got := g.drained()
	if who := got.Who(); !got.Wanted || got.By != "" || !strings.Contains(who, "for want of a look at what is wanted: lstat "+g.files.drain+": not a directory; "+filepath.Dir(g.files.drain)+" has to be open to all") {
		t.Errorf("%+v: %s", got, who)
	}
}

// One that is there and cannot be read drains as well: somebody has put it
// there, with whatever mode.
func TestDrainedByWhatCannotBeRead(t *testing.T) {
	for name, lay := range map[string]func(string) error{
		"of mode 0":               func(p string) error { return os.WriteFile(p, []byte("{}"), 0) },
		"a link that leads away":  func(p string) error { return os.Symlink("/nonexistent/drained", p) },
		"a link that leads round": func(p string) error { return os.Symlink(p, p) },
		"a directory":             func(p string) error { return os.Mkdir(p, 0o700) },
	} {
		g, _, _ := guardOn(t, twoBlocks())
		if err := lay(g.files.drain); err != nil {
			t.Fatal(err)
		}
		if !g.drained().Wanted {
			t.Errorf("%s: not drained", name)
		}
	}
}
