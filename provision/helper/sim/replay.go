package sim

import (
	"fmt"
	"slices"
)

// Replay runs one world, and returns its history: each call that changed
// something, by number, and what systemd and the near sides did between.
func Replay(x *Case, p Path) (history []string, broken []Broken, err error) {
	e := &explorer{x: x, begun: map[uint64]bool{}, outcomes: map[uint64]bool{}, plain: map[uint64]bool{}, probed: map[uint64]bool{}}
	e.broken = func(b Broken) { broken = append(broken, b) }
	if e.base, err = x.before(); err != nil {
		return nil, nil, err
	}
	say := func(line string) { history = append(history, line) }
	w := x.begin(e.base)
	for _, s := range w.sides {
		say(s.name + " wants " + s.want.String())
	}
	w.event.at, w.event.and = p.At, p.And
	w.m.calls, w.m.looks = 0, 0
	if x.Event == Blind {
		w.blind()
	}
	for i := 0; ; i++ {
		w.m.trace = say
		if w.record = 0; i < len(p.Crashes) {
			w.record = 1
		}
		w.rest()
		if i == len(p.Crashes) {
			break
		}
		c := p.Crashes[i]
		at := slices.IndexFunc(w.points, func(q point) bool { return q.call == c.At })
		if at < 0 {
			return history, broken, fmt.Errorf("there is no call %d", c.At)
		}
		// What came after the crash did not happen.
		for j, line := range history {
			if i == countCrashes(history[:j]) && line == w.points[at].line {
				history = history[:j]
				break
			}
		}
		say(fmt.Sprintf("=== the power is lost before call %d; of what was not flushed there is %s", c.At, c.Keep))
		w = w.revive(w.points[at], c.Keep)
		w.m.trace = say
		w.m.Boot()
	}
	say(fmt.Sprintf("=== at rest at %s: files of %d, effect of %d", w.m.now, w.files(), w.effect()))
	for _, s := range w.sides {
		say(fmt.Sprintf("%s was told %q %s", s.name, s.told, s.said))
	}
	w.m.trace = nil
	history = append(history, w.differs()...)
	e.judge(w, p)
	return history, broken, nil
}

func countCrashes(history []string) int {
	n := 0
	for _, line := range history {
		if len(line) > 3 && line[:3] == "===" {
			n++
		}
	}
	return n
}

// differs says what is not as it was at first.
func (w *world) differs() []string {
	var out []string
	now := w.effectWords()
	for _, line := range w.base.words {
		if !slices.Contains(now, line) {
			out = append(out, "- "+line)
		}
	}
	for _, line := range now {
		if !slices.Contains(w.base.words, line) {
			out = append(out, "+ "+line)
		}
	}
	was, is := w.base.disk.tree("/etc"), w.m.disk.tree("/etc")
	for _, line := range was {
		if !slices.Contains(is, line) {
			out = append(out, "- "+line)
		}
	}
	for _, line := range is {
		if !slices.Contains(was, line) {
			out = append(out, "+ "+line)
		}
	}
	return out
}

// tree lists what stands below a directory.
func (d *disk) tree(dir string) []string {
	var out []string
	for _, e := range d.list(dir) {
		n := &d.inodes[e.at]
		line := fmt.Sprintf("%s/%s %s %s", dir, e.name, n.attr.Owner, n.attr.Mode)
		if n.data != nil {
			line += fmt.Sprintf(" %.40q", n.data.data)
		}
		out = append(append(out, line), d.tree(dir+"/"+e.name)...)
	}
	return out
}
