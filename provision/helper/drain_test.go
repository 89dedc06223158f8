package helper_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/watch"
)

// desk is as much of an operating system as a drain needs, with a guard that
// does on it what a test says while time passes.
type desk struct {
	helper.OS
	files  map[string]string
	now    time.Duration
	busy   bool
	stuck  bool // nothing below /etc can be written
	unseen bool // the guard cannot look for what is wanted
	guards func(*desk)
}

func (d *desk) Read(p string) ([]byte, error) {
	if text, is := d.files[p]; is {
		return []byte(text), nil
	}
	return nil, fs.ErrNotExist
}

func (d *desk) Look(p string) (helper.Info, error) {
	if _, is := d.files[p]; is {
		return helper.Info{Kind: server.IsFile}, nil
	}
	if slices.ContainsFunc(slices.Collect(maps.Keys(d.files)), func(f string) bool { return path.Dir(f) == p }) {
		return helper.Info{Kind: server.IsOther}, nil
	}
	return helper.Info{}, fs.ErrNotExist
}

func (d *desk) Create(p string, text []byte, _ helper.Attributes) error {
	if d.stuck && strings.HasPrefix(p, "/etc/") {
		return syscall.EROFS
	}
	d.files[p] = string(text)
	return nil
}

func (d *desk) Rename(from, to string) error {
	d.files[to] = d.files[from]
	delete(d.files, from)
	return nil
}

func (d *desk) Remove(p string) error {
	if d.stuck && strings.HasPrefix(p, "/etc/") {
		return syscall.EROFS
	}
	delete(d.files, p)
	return nil
}

func (d *desk) Flush(string) error                { return nil }
func (d *desk) MakeDir(string, fs.FileMode) error { return fs.ErrExist }
func (d *desk) Now() time.Time                    { return time.Unix(0, 0) }
func (d *desk) Uptime() time.Duration             { return d.now }
func (d *desk) Log(string)                        {}

func (d *desk) Sleep(t time.Duration) {
	d.now += t
	if d.guards != nil {
		d.guards(d)
	}
}

func (d *desk) Lock(string, string, time.Duration) (func(), error) {
	if d.busy {
		return nil, helper.ErrLocked
	}
	return func() {}, nil
}

// tells has the guard's status say that its block is so.
func (d *desk) tells(s watch.State) { d.tellsOf(s, "") }

// tellsOf also says why it may still be exported.
func (d *desk) tellsOf(s watch.State, lingers string) {
	status := watch.Status{Version: watch.Version, Uptime: d.now.Seconds(), Leave: 3, Lingers: lingers, Blocks: []watch.BlockStatus{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), State: s}}}
	if d.unseen {
		status.Drain = &watch.Drain{Unseen: "permission denied"}
	}
	text, _ := json.Marshal(status)
	d.files[watch.StatusFile] = string(text)
}

// obeys is a guard that does as the files say, after its three seconds, and sees
// the routing daemon do so two later.
func obeys(d *desk) {
	_, kept := d.files[watch.DrainFile]
	_, passing := d.files[watch.PassingFile]
	drained := kept || passing
	_, held := d.files[watch.HoldFile]
	switch {
	case !drained && !held:
		d.tells(watch.Announced)
	case d.now < time.Hour+3*time.Second:
		d.tells(watch.Draining)
	case d.now < time.Hour+5*time.Second:
		d.tellsOf(watch.Withdrawn, "it is exported")
	default:
		d.tells(watch.Withdrawn)
	}
}

// What a drain comes to is said as it is: by a guard that obeys, by one that does
// not run, by one that tells nothing, and where there is none.
func TestDrain(t *testing.T) {
	drain, undrain := server.DrainRequest{Wanted: true}, server.DrainRequest{}
	for _, tt := range []struct {
		name    string
		lay     func(*desk)
		ask     server.DrainRequest
		state   watch.State // of the block; "" for none
		silent  bool
		down    bool
		refused bool
		left    []string // of the two files
	}{
		{"obeyed", func(d *desk) { d.tells(watch.Announced); d.guards = obeys }, drain, watch.Withdrawn, false, false, false, []string{watch.DrainFile}},
		{"not obeyed", func(d *desk) { d.guards = func(d *desk) { d.tells(watch.Announced) }; d.guards(d) }, drain, watch.Announced, false, false, false, []string{watch.DrainFile}},
		{"the guard does not run", func(*desk) {}, drain, "", true, true, false, []string{watch.DrainFile}},
		{"the guard has told nothing for a minute", func(d *desk) { d.now -= time.Minute; d.tells(watch.Withdrawn); d.now += time.Minute }, drain, watch.Withdrawn, true, false, false, []string{watch.DrainFile}},
		{"there is no guard", func(d *desk) { delete(d.files, watch.ConfigFile) }, drain, "", false, false, true, nil},
		{"the guard has lost its file", func(d *desk) {
			delete(d.files, watch.ConfigFile)
			d.files["/etc/systemd/system/"+watch.Unit] = ""
		}, drain, "", true, true, false, []string{watch.DrainFile}},
		{"taken back", func(d *desk) { d.files[watch.DrainFile] = "{}"; d.tells(watch.Withdrawn); d.guards = obeys }, undrain, watch.Announced, false, false, false, nil},
		{"an apply that died holds", func(d *desk) { d.files[watch.HoldFile] = "{}"; d.tells(watch.Withdrawn); d.guards = obeys }, undrain, watch.Announced, false, false, false, nil},
		{"an apply holds", func(d *desk) {
			d.files[watch.HoldFile], d.busy = "{}", true
			d.tells(watch.Withdrawn)
		}, undrain, watch.Withdrawn, false, false, false, []string{watch.HoldFile}},
		{"on a disk that takes nothing", func(d *desk) { d.stuck = true; d.tells(watch.Announced); d.guards = obeys }, drain, watch.Withdrawn, false, false, false, []string{watch.PassingFile}},
		{"kept once the disk is well", func(d *desk) {
			d.files[watch.PassingFile] = "{}"
			d.tells(watch.Withdrawn)
			d.guards = obeys
		}, drain, watch.Withdrawn, false, false, false, []string{watch.DrainFile}},
		{"taken back on a disk that takes nothing", func(d *desk) {
			d.stuck, d.files[watch.PassingFile] = true, "{}"
			d.tells(watch.Withdrawn)
			d.guards = obeys
		}, undrain, watch.Announced, false, false, false, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &desk{files: map[string]string{watch.ConfigFile: "{}"}, now: time.Hour}
			tt.lay(d)
			var events []server.Event
			a := helper.New(d, helper.Options{}).Handle(server.Request{Verb: server.VerbDrain, Who: "ana", Drain: &tt.ask}, func(e server.Event) { events = append(events, e) })
			if (a.Error != nil) != tt.refused {
				t.Fatalf("%+v", a.Error)
			}
			if tt.refused {
				if a.Error.Code != server.ErrRefused || a.Error.Next == "" {
					t.Errorf("%+v", a.Error)
				}
			} else if g := a.Guard; (g.Silent != "") != tt.silent || g.Down != tt.down || (len(g.Blocks) > 0) != (tt.state != "") || tt.state != "" && g.Blocks[0].State != tt.state {
				t.Errorf("%+v", g)
			} else if slices.Contains(tt.left, watch.PassingFile) != (g.Wanted != nil && g.Wanted.Passing != "") {
				t.Errorf("whether it lasts: %+v", g.Wanted)
			} else if g.Lingers != "" {
				t.Errorf("nobody has waited until the routing daemon had done it: %s", g.Lingers)
			}
			var left []string
			for _, f := range []string{watch.DrainFile, watch.PassingFile, watch.HoldFile} {
				if _, is := d.files[f]; is {
					left = append(left, f)
				}
			}
			if !slices.Equal(left, tt.left) {
				t.Errorf("%q are left, want %q", left, tt.left)
			}
			// Nobody takes the line for dead meanwhile.
			if waited := d.now - time.Hour; len(events) < int(waited/(2*time.Second)) {
				t.Errorf("%d words in %s", len(events), waited)
			}
		})
	}
}

// Who types it is told by the exit code too whether it is so.
func TestDrainAtTheConsole(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lay   func(*desk)
		ask   server.DrainRequest
		says  string
		fails string
	}{
		{"obeyed", func(d *desk) { d.tells(watch.Announced); d.guards = obeys }, server.DrainRequest{Wanted: true}, "withdrawn since", ""},
		{"announced again", func(d *desk) { d.tells(watch.Withdrawn); d.guards = obeys }, server.DrainRequest{}, "announced since", ""},
		{"not announced", func(d *desk) { d.tells(watch.Withdrawn) }, server.DrainRequest{}, "withdrawn since", "the blocks are not announced; they may be"},
		{"not withdrawn", func(d *desk) { d.guards = func(d *desk) { d.tells(watch.Announced) }; d.guards(d) }, server.DrainRequest{Wanted: true}, "announced since", "the blocks are not known to be withdrawn; they are to be"},
		{"it cannot be looked for", func(d *desk) { d.unseen = true; d.tells(watch.Withdrawn) }, server.DrainRequest{},
			"nobody drained: the guard may not look into /etc/raiz; to announce again type: chmod 755 /etc/raiz", "the blocks are not announced; they may be"},
	} {
		d := &desk{files: map[string]string{watch.ConfigFile: "{}"}, now: time.Hour}
		tt.lay(d)
		var out strings.Builder
		err := helper.New(d, helper.Options{}).DrainNow(&out, "ana", tt.ask)
		if !strings.Contains(out.String(), tt.says) || (err == nil) != (tt.fails == "") || err != nil && err.Error() != tt.fails {
			t.Errorf("%s: %v\n%s", tt.name, err, out.String())
		}
	}
}
