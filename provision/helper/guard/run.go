//go:build linux

package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/watch"
)

// Machine is what a guard needs of the operating system.
type Machine interface {
	asker
	runner
	Now() time.Time
	Uptime() time.Duration
}

// Guard watches the name server and the routing daemon of one server.
type Guard struct {
	os     Machine
	c      watch.Config
	say    func(format string, args ...any)
	notify func(state string) // sd_notify(3)
	files  files
	past   *past // nil where nobody keeps it

	// Of one look and the next, and nobody else's.
	readers readers
	suspect time.Duration // until when a datagram without an answer is remembered

	mu       sync.Mutex // of what follows
	keeper   *keeper
	overseer *overseer
	alarms   alarms
	soa      map[string]*dns.SOA // by zone, as it was served last
	counts   watch.Counts
	feed     *feed
	// unwritten are files that could not be written, which was said.
	unwritten map[string]bool
}

// files are what a guard reads and writes by name.
type files struct {
	drain, passing, hold, sync string
	home                       string
	proc                       string // /proc/self/net
}

// Serve guards as the configuration on this machine says, until the context
// ends. systemd hears when it has begun, and that it goes on (sd_notify(3)).
func Serve(ctx context.Context, m Machine, out io.Writer) error {
	text, err := os.ReadFile(watch.ConfigFile)
	if err != nil {
		return err
	}
	c, err := watch.ReadConfig(text)
	if err != nil {
		return fmt.Errorf("%s: %w", watch.ConfigFile, err)
	}
	notify := func(state string) { _, _ = daemon.SdNotify(false, state) } // without systemd there is nobody to tell
	g := New(m, c, out, notify)
	if g.past, err = openPast(); err != nil {
		g.say("how often blocks were withdrawn is not kept over a restart: %v", err)
	}
	return g.Run(ctx)
}

// New returns a guard. It says to out what a person should read, a line each.
func New(os Machine, c watch.Config, out io.Writer, notify func(state string)) *Guard {
	return &Guard{
		os: os, c: c, notify: notify,
		say:    func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) },
		files:  files{drain: watch.DrainFile, passing: watch.PassingFile, hold: watch.HoldFile, sync: c.SyncFile, home: watch.Home, proc: "/proc/self/net"},
		keeper: newKeeper(c), overseer: newOverseer(c.Blocks), feed: newFeed(c.Feed), soa: map[string]*dns.SOA{}, unwritten: map[string]bool{},
	}
}

// Run guards until the context ends; then the session with the routing daemon
// goes, and the blocks with it.
func (g *Guard) Run(ctx context.Context) error {
	q, err := newInquiry(g.c)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g.begin() // before anybody writes down how it is
	all.Go(func() { g.feed.run(ctx) })
	all.Go(func() { g.oversee(ctx) })
	all.Go(func() { g.insist(ctx) })
	all.Go(func() { g.watchZones(ctx) })
	all.Go(func() { g.watchClock(ctx) })
	g.notify("READY=1\nSTATUS=nothing was asked yet")
	var before load
	before.datagrams(g.proc)
	for ctx.Err() == nil {
		began := g.os.Uptime()
		see := q.look
		if g.announces() {
			see = q.glance
		}
		stop := g.watchReaders(ctx)
		found, err := see(g.os, g.c.Identity, began)
		stop()
		if err != nil {
			return err
		}
		before = g.excuse(found, before, int64(4*len(q.wire)))
		g.heard(found)
		g.notify("WATCHDOG=1\nSTATUS=" + g.summary())
		pause(ctx, began+g.next()-g.os.Uptime())
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(max(d, tense)):
	}
}

// excuse marks what a crowd has brought about since the look before, unless the
// copy is to be withdrawn then. It returns what the kernel tells now.
func (g *Guard) excuse(found []finding, before load, asked int64) load {
	var now load
	now.datagrams(g.proc)
	if g.c.OnOverload != watch.Alarm {
		return now
	}
	if slices.ContainsFunc(found, finding.silentByTCP) {
		now.connections(g.proc)
	}
	switch at := g.os.Uptime(); {
	case slices.ContainsFunc(found, finding.silent):
		g.suspect = at + ailing
	case at > g.suspect:
		g.readers = nil
	}
	excuse(found, before, now, asked, g.readers)
	return now
}

// watchReaders looks at who reads what is asked, until it is stopped: for as
// long as silence is remembered.
func (g *Guard) watchReaders(ctx context.Context) (stop func()) {
	if g.os.Uptime() > g.suspect {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var one sync.WaitGroup
	one.Go(func() {
		tick := time.NewTicker(readersEvery)
		defer tick.Stop()
		for ctx.Err() == nil {
			var l load
			l.sockets(g.proc)
			g.readers = g.readers.saw(l.queued)
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	})
	return func() { cancel(); one.Wait() }
}

// proc reads a file of the kernel's about the network.
func (g *Guard) proc(name string) ([]byte, error) {
	f, err := os.Open(g.files.proc + "/" + name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxProc))
}

func (g *Guard) next() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.keeper.next()
}

// heard takes one look, and tells the routing daemon and people what comes of
// it.
func (g *Guard) heard(found []finding) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.os.Uptime()
	was := g.states()
	g.judgeAge(found, g.free())
	g.counts.Looks++
	if slices.ContainsFunc(found, func(f finding) bool { return f.grade != right }) {
		g.counts.Wrong++
	}
	g.keeper.told(g.drained(), at)
	g.keeper.heard(found, at)
	g.tellStates(was, at)
	want := g.keeper.wanted()
	g.feed.set(want)
	g.overseer.tell(want, at)
	g.write(at)
}

// announces reports whether every block is announced: what is not has to be
// right in everything before it is.
func (g *Guard) announces() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !slices.ContainsFunc(g.keeper.blocks, func(b *block) bool { return b.state != announced })
}

// states are those of all blocks.
func (g *Guard) states() []route {
	var out []route
	for _, b := range g.keeper.blocks {
		out = append(out, b.state)
	}
	return out
}

// tellStates says what has changed.
func (g *Guard) tellStates(was []route, at time.Duration) {
	for i, b := range g.keeper.blocks {
		if b.state == was[i] {
			continue
		}
		why := g.keeper.reason(b, at)
		switch b.state {
		case announced:
			g.say("announcing %s: %s", b.Prefix, why)
		case draining:
			g.say("draining %s: %s", b.Prefix, why)
		case withdrawn:
			g.counts.Withdrawals++
			g.say("withdrew %s: %s", b.Prefix, why)
		}
	}
}

// free says why the clock is not known to be in sync, and "" while it is.
func (g *Guard) free() string {
	if _, err := os.Stat(g.files.sync); err != nil {
		return "the clock was not seen in sync since the boot"
	}
	return g.alarms.clock
}

// drained reads what a person and an apply want: one who wants it at once is
// heard beside one who does not. That a file is there is enough, whoever may
// read it, and whatever it is. What a person wants is wanted also where it cannot
// be looked for; a folder of an apply's that is shut tells nothing.
func (g *Guard) drained() watch.Drain {
	var all watch.Drain
	for _, name := range []string{g.files.drain, g.files.passing, g.files.hold} {
		hold := name == g.files.hold
		info, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) || name != g.files.drain && errors.Is(err, fs.ErrPermission) {
			continue
		}
		var text []byte // without it nothing is known but that it is there
		if err == nil && info.Mode().IsRegular() && info.Size() <= watch.MaxDrain {
			text, _ = os.ReadFile(name)
		}
		d := watch.ReadDrain(text)
		if err != nil {
			d = watch.Drain{Wanted: true, Unseen: err.Error() + "; " + path.Dir(name) + " has to be open to all (chmod 755)"}
		}
		switch over := hold && d.Until > 0 && d.Until <= g.os.Uptime().Seconds(); {
		case over:
		case all.Wanted:
			all.Now = all.Now || d.Now
		default:
			all = d
		}
	}
	return all
}

// oversee looks at what the routing daemon exports.
func (g *Guard) oversee(ctx context.Context) {
	for ctx.Err() == nil {
		if g.exportsDue() {
			began := g.os.Uptime()
			var seen []exported
			for _, e := range g.c.Router.Exports {
				seen = append(seen, lookAt(g.os, e, g.c.Router.Look))
			}
			g.saw(seen, began)
		}
		pause(ctx, exportsTense)
	}
}

// insist has the routing daemon stopped where it does not obey. It waits for no
// look: one that hangs lets each of them hang.
func (g *Guard) insist(ctx context.Context) {
	for ctx.Err() == nil {
		g.enforce()
		pause(ctx, exportsTense)
	}
}

func (g *Guard) exportsDue() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.overseer.due(g.feed.state().Mute, g.os.Uptime())
}

func (g *Guard) saw(seen []exported, began time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.os.Uptime()
	g.overseer.saw(seen, began)
	g.judgeExports(at)
	g.write(at) // who drains waits for it
}

// enforce asks systemd, by a file that it watches, to end a daemon that does not
// obey. systemd starts it again, with no block at all.
func (g *Guard) enforce() {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.os.Uptime()
	g.judgeFeed(at)
	why := g.overseer.stop(g.feed.state(), at)
	if why == "" {
		return
	}
	g.counts.Stops++
	g.feed.anew()
	g.say("stopping %s: %s", g.c.Router.Unit, why)
	if err := os.WriteFile(g.files.home+"/"+stopName, nil, 0o600); err != nil {
		g.say("cannot ask for it: %v", err)
	}
}
