//go:build linux

package guard

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/watch"
)

var stopName = filepath.Base(watch.StopFile)

// states are the names of ways.
func (r route) state() watch.State {
	switch r {
	case announced:
		return watch.Announced
	case draining:
		return watch.Draining
	}
	return watch.Withdrawn
}

// status is what a guard tells of itself.
func (g *Guard) status(at time.Duration) watch.Status {
	now, feed := g.os.Now(), g.feed.state()
	s := watch.Status{
		Version: watch.Version, At: now, Uptime: at.Seconds(), Alarms: g.alarms.all, Counts: g.counts,
		Feed: watch.FeedStatus{Up: feed.Up, Since: feed.Since}, Leave: g.c.Drain,
	}
	s.Lingers = watch.Short(g.overseer.lingers(feed))
	for _, b := range g.keeper.blocks {
		x := watch.BlockStatus{Prefix: b.Prefix, State: b.state.state(), Since: now.Add(b.since - at), Reason: g.keeper.reason(b, at)}
		switch {
		case b.state == withdrawn:
		case !feed.Up:
			x.State, x.Since, x.Reason = watch.Withdrawn, feed.Since, "there is no session with "+g.c.Router.Unit
		case x.Since.Before(feed.Since):
			x.Since = feed.Since
		}
		for _, t := range b.fell {
			x.Fell = append(x.Fell, t.Seconds())
		}
		s.Blocks = append(s.Blocks, x)
	}
	for _, e := range g.overseer.seen {
		x := watch.ExportsStatus{Session: e.Session}
		for _, p := range e.prefixes {
			x.Prefixes = append(x.Prefixes, p.String())
		}
		if e.trouble != nil {
			x.Trouble = watch.Short(e.trouble.Error())
		}
		s.Exports = append(s.Exports, x)
	}
	if d := g.keeper.drain; d.Wanted {
		s.Drain = &d
	}
	return s
}

// summary is one line for who asks systemd.
func (g *Guard) summary() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var words []string
	for _, b := range g.keeper.blocks {
		words = append(words, b.Prefix.String()+" "+string(b.state.state()))
	}
	if n := len(g.alarms.all); n > 0 {
		words = append(words, fmt.Sprintf("%d alarms", n))
	}
	return strings.Join(words, ", ")
}

// write tells others. A disk of memory that is full keeps nobody from guarding.
func (g *Guard) write(at time.Duration) {
	s := g.status(at)
	g.past.keep(slices.Clone(s.Blocks))
	if text, err := json.Marshal(s); err == nil {
		g.replace(watch.StatusFile, append(text, '\n'))
	}
	g.replace(watch.MetricsFile, metrics(s))
}

// begin goes on where the guard before it in this boot has ended. What that one
// announced was withdrawn by its end, as if it had been found wrong: one that
// ends again and again is damped.
func (g *Guard) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keeper.begin(g.past.blocks(), g.os.Uptime())
}

// replace makes a file whole, so that nobody reads half of it.
func (g *Guard) replace(name string, text []byte) {
	path := filepath.Join(g.files.home, filepath.Base(name))
	_ = os.RemoveAll(path + ".new") // whatever is in the way
	err := os.WriteFile(path+".new", text, 0o644)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	switch {
	case err == nil:
		delete(g.unwritten, name)
	case !g.unwritten[name]:
		g.unwritten[name] = true
		g.say("%s is not what is so: %v", name, err)
	}
}
