//go:build linux

package main

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// planter puts names into a directory of its own, for a careless root to write
// through.
//
//	plant    links under each name, once
//	swap     each name changes places with a link, again and again
//	race     links under whatever appears, here or in the other directory,
//	         and under each name as soon as something has appeared
//	bait     the same, with links to the last victim alone
//	replace  its own files, once
//	hold     a directory in place of each name, so that no file can come there
//	idle     nothing
type planter struct {
	o      Order
	n      int
	once   bool
	baits  bool
	report Report
	seen   map[string]bool // names that have appeared, which are planted before they do again
}

// own is what the names begin with under which it keeps links.
const own = "thief-"

func newPlanter(o Order) *planter {
	return &planter{o: o, seen: map[string]bool{}, report: Report{Failed: map[string]int{}}}
}

func (p *planter) round(tactic string) {
	p.n++
	p.baits = tactic == "bait"
	switch tactic {
	case "idle":
		p.tidy()
		p.once = false
	case "plant":
		for _, name := range p.o.Names {
			if !p.once {
				p.link(name)
			}
		}
		p.once = true
	case "swap":
		for _, name := range p.o.Names {
			p.swap(name)
		}
	case "race", "bait":
		if p.appeared() {
			for _, name := range p.o.Names {
				p.link(name)
			}
		}
	case "hold":
		for _, name := range p.o.Names {
			p.hold(path.Join(p.o.Dir, name))
		}
	case "replace":
		if !p.once {
			p.replace()
			p.once = true
		}
	}
}

func (p *planter) victim() string {
	if p.baits {
		return p.o.Victims[len(p.o.Victims)-1]
	}
	return p.o.Victims[p.n%len(p.o.Victims)]
}

// link has a name lead to a victim: by a link of either kind, moved over what
// stands there. Names that lead to one already are left.
func (p *planter) link(name string) {
	file, fresh := path.Join(p.o.Dir, name), path.Join(p.o.Dir, own+"link")
	if _, err := os.Readlink(file); err == nil {
		return
	}
	p.did(p.make(fresh))
	p.did(os.Rename(fresh, file))
}

// make makes a link to a victim: in one round of four a hard one, where the
// system lets it.
func (p *planter) make(at string) error {
	_ = os.Remove(at)
	if p.n%4 == 0 && os.Link(p.victim(), at) == nil {
		return nil
	}
	return os.Symlink(p.victim(), at)
}

// swap exchanges a name with a link, and back in the next round.
func (p *planter) swap(name string) {
	file, second := path.Join(p.o.Dir, name), path.Join(p.o.Dir, own+name)
	if _, err := os.Lstat(second); err != nil {
		p.did(p.make(second))
	}
	p.did(unix.Renameat2(unix.AT_FDCWD, second, unix.AT_FDCWD, file, unix.RENAME_EXCHANGE))
}

// appeared plants links under the names of others that have appeared in a
// directory, and says whether there were any.
func (p *planter) appeared() bool {
	found := false
	for _, dir := range []string{p.o.Dir, p.o.Watched} {
		d, err := os.Open(dir)
		if err != nil {
			continue
		}
		names, _ := d.Readdirnames(-1)
		_ = d.Close()
		for _, name := range names {
			if !strings.HasPrefix(name, ".raiz-") && !strings.HasPrefix(name, "raiz-") || slices.Contains(p.o.Names, name) {
				continue
			}
			if _, err := os.Readlink(path.Join(dir, name)); err == nil {
				continue
			}
			found = true
			p.seen[name] = true
			for _, next := range guesses(name) {
				p.seen[next] = true
			}
		}
	}
	for name := range p.seen {
		p.report.Beside++
		p.link(name)
		delete(p.seen, name)
	}
	return found
}

// guesses are names that follow one: raiz numbers what it writes beside a file,
// and gives what stands there its second name before it writes.
func guesses(name string) []string {
	var generation, file int
	if n, _ := fmt.Sscanf(name, ".raiz-%d-%d.", &generation, &file); n < 2 {
		return nil
	}
	var out []string
	for i := range 4 {
		for _, kind := range []string{"new", "old"} {
			out = append(out, fmt.Sprintf(".raiz-%d-%d.%s", generation, file+i, kind))
		}
	}
	return out
}

// replace puts files of its own in place of each name.
func (p *planter) replace() {
	for _, name := range p.o.Names {
		fresh := path.Join(p.o.Dir, own+"file")
		p.did(os.WriteFile(fresh, []byte("# mine\n"), 0o666))
		p.did(os.Rename(fresh, path.Join(p.o.Dir, name)))
	}
}

// hold puts a directory with something in it where a name is.
func (p *planter) hold(file string) {
	if st, err := os.Lstat(file); err == nil && st.IsDir() {
		return
	}
	p.did(os.Rename(file, path.Join(p.o.Dir, own+"held")))
	p.did(os.MkdirAll(file+"/in", 0o755))
}

func (p *planter) did(err error) {
	if err == nil {
		p.report.Planted++
		return
	}
	if e, ok := err.(interface{ Unwrap() error }); ok {
		err = e.Unwrap()
	}
	p.report.Failed[err.Error()]++
}

// tidy takes away what only the planter would miss. What it has planted under
// names of others stays.
func (p *planter) tidy() {
	names, _ := os.ReadDir(p.o.Dir)
	for _, e := range names {
		if strings.HasPrefix(e.Name(), own) {
			_ = os.Remove(path.Join(p.o.Dir, e.Name()))
		}
	}
	for _, name := range p.o.Names {
		if file := path.Join(p.o.Dir, name); os.Remove(file+"/in") == nil {
			_ = os.Remove(file)
		}
	}
}

func (p *planter) leave() Report {
	p.tidy()
	return p.report
}
