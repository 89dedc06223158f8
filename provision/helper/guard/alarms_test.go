//go:build linux

package guard

import (
	"errors"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/observation"
	"github.com/raiz-dns/raiz/provision/watch"
)

func (g *Guard) alarm(code watch.TroubleCode) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.alarms.all {
		if t.Code == code {
			return t.Text
		}
	}
	return ""
}

// signed are findings about two zones, the first with a signature that began
// and ends so long from now.
func signed(c watch.Config, begin, end time.Duration) []finding {
	now := time.Now()
	all := looks(c, right)
	for i := range all {
		all[i].sigs = []*dns.RRSIG{{Inception: uint32(now.Add(begin).Unix()), Expiration: uint32(now.Add(end).Unix())}}
	}
	return append(all, finding{subject: subject{Address: addr("192.0.2.1"), Network: "udp", Zone: c.Zones[1]}})
}

// clock is why one is not in sync.
func clock(synced bool) string {
	return map[bool]string{false: "nobody keeps it"}[synced]
}

// Promise 4: what is old is said. By it a block is withdrawn when it has
// expired by a clock that is in sync, and before where a site wants that.
func TestAge(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name       string
		begin, end time.Duration
		synced     bool
		policy     watch.Policy
		grade      grade
		alarm      string
	}{
		{"fresh", -day, 9 * day, true, watch.Withdraw, right, ""},
		{"about to end", -9 * day, 2 * day, true, watch.Alarm, right, "and no newer ones have come"},
		{"about to end, and not by this clock", -9 * day, 2 * day, false, watch.Withdraw, right, "and no newer ones have come"},
		{"about to end, and a site will not have it", -9 * day, 2 * day, true, watch.Withdraw, wrong, "and no newer ones have come"},
		{"ended", -9 * day, -time.Minute, true, watch.Alarm, wrong, "its signatures ended at"},
		{"ended, and not by this clock", -9 * day, -time.Minute, false, watch.Alarm, right, "its signatures ended at"},
		{"ended, not by this clock, and a site will not have it", -9 * day, -time.Minute, false, watch.Withdraw, right, "its signatures ended at"},
	} {
		c := twoBlocks()
		c.OnStale = tt.policy
		g, _, out := guardOn(t, c)
		found := signed(c, tt.begin, tt.end)
		g.judgeAge(found, clock(tt.synced))
		if found[0].grade != tt.grade || found[1].grade != tt.grade || found[2].grade != right {
			t.Errorf("%s: %v", tt.name, found)
		}
		got := g.alarm(watch.TroubleStale)
		if !strings.Contains(got, tt.alarm) || (got == "") != (tt.alarm == "") || strings.Contains(got, ";") {
			t.Errorf("%s: alarm %q", tt.name, got)
		}
		g.judgeAge(signed(c, -day, 9*day), clock(tt.synced))
		text, _ := out.said()
		if g.alarm(watch.TroubleStale) != "" || tt.alarm != "" && strings.Count(text, "stale: ") != 2 {
			t.Errorf("%s: it does not end, or is not said once each: %s", tt.name, text)
		}
	}
}

// One signature that is good is enough.
func TestAgeOfTwo(t *testing.T) {
	c := twoBlocks()
	g, _, _ := guardOn(t, c)
	found := signed(c, -time.Hour, -time.Minute)
	found[0].sigs = append(found[0].sigs, signed(c, -time.Hour, 9*time.Hour)[0].sigs...)
	g.judgeAge(found, clock(true))
	if found[0].grade != right || found[1].grade != wrong {
		t.Errorf("%v", found)
	}
}

func TestAlarmsOfTheMoment(t *testing.T) {
	c := twoBlocks()
	c.SyncFile = "/run/synced"
	g, _, _ := guardOn(t, c)
	g.judgeAge(looks(c, crowded), g.free())
	if g.alarm(watch.TroubleClock) == "" || g.alarm(watch.TroubleCrowd) == "" {
		t.Errorf("%+v", g.alarms.all)
	}
	put(t, g.files.sync, "")
	g.judgeAge(looks(c, right), g.free())
	if len(g.alarms.all) > 0 {
		t.Errorf("%+v", g.alarms.all)
	}
	g.alarms.clock = "the time daemon says that the clock is not in sync"
	g.judgeAge(looks(c, right), g.free())
	if got := g.alarm(watch.TroubleClock); got != g.alarms.clock {
		t.Errorf("alarm %q", got)
	}
	g.alarms.clock = ""
	// Who has nothing to know it by knows nothing.
	g.files.sync = ""
	if g.free() == "" {
		t.Error("in sync by nothing")
	}

	g.overseer.tell(routes(six), 0)
	g.overseer.saw([]exported{session(4, four, nil)}, time.Second)
	g.judgeExports(obeys - 1)
	if got := g.alarm(watch.TroubleExports); got != "" {
		t.Errorf("before its time: %s", got)
	}
	g.judgeExports(obeys)
	if got := g.alarm(watch.TroubleExports); !strings.Contains(got, "should not be") {
		t.Errorf("alarm %q", got)
	}

	g.feed.since = time.Now().Add(-firstSession + time.Minute)
	g.judgeFeed(0)
	if got := g.alarm(watch.TroubleFeed); got != "" {
		t.Errorf("before its time: %s", got)
	}
	g.feed.since = time.Now().Add(-firstSession - time.Second)
	g.judgeFeed(0)
	if got := g.alarm(watch.TroubleFeed); got == "" {
		t.Error("nobody says that there is no session")
	}
}

func TestNotRefreshed(t *testing.T) {
	const gone = "the name server does not know it"
	c := twoBlocks()
	g, _, _ := guardOn(t, c)
	// Refreshed each half hour, tried again after a quarter, for a week.
	g.soa["Example.net"] = &dns.SOA{Refresh: 1800, Retry: 900, Expire: 604800}
	for _, tt := range []struct {
		record observation.Record
		want   aging
	}{
		{observation.Record{"zone": {"example.com."}, "state": {"ok"}}, aging{stale: gone}},
		{observation.Record{"zone": {"example.net."}, "state": {"ok"}}, aging{}},
		{observation.Record{"zone": {"example.net"}, "state": {"primary"}}, aging{}},
		{observation.Record{"zone": {"example.net"}}, aging{}},
		{observation.Record{"zone": {"EXAMPLE.NET"}, "state": {"refreshing\x1b"}}, aging{stale: "no primary has answered: it is refreshing\uFFFD"}},
		{observation.Record{"zone": {"example.net"}, "state": {"refreshing"}}, aging{stale: "no primary has answered: it is refreshing", bears: 15 * time.Minute}},
		{observation.Record{"zone": {"example.net"}, "state": {"expired"}}, aging{stale: "no primary has answered: it is expired"}},
		{observation.Record{"zone": {"example.net"}, "expires": {"+6D23h30m0s"}}, aging{}},
		{observation.Record{"zone": {"example.net"}, "expires": {"+6D22h59m59s"}}, aging{stale: "no primary has answered: it expires in 166h59m59s"}},
		{observation.Record{"zone": {"example.net"}, "expires": {"+59s"}}, aging{stale: "no primary has answered: it expires in 59s"}},
		{observation.Record{"zone": {"example.net"}, "expires": {"soon"}}, aging{}},
		{observation.Record{"zone": {"example.net"}, "state": {"ok"}, "refused": {"yes"}},
			aging{refused: "what was transferred last is refused: its signatures or its ZONEMD are not right; the one before goes on"}},
	} {
		others := observation.Record{"zone": {"example.org"}, "state": {"expired"}, "refused": {"yes"}}
		if got := g.agingOf(watch.Zone{Name: "Example.net"}, []observation.Record{others, tt.record}, nil); got != tt.want {
			t.Errorf("%v: %+v, want %+v", tt.record, got, tt.want)
		}
	}
	// A zone does not say for how long nobody is told.
	g.soa["Example.net"].Retry = math.MaxUint32
	if got := g.agingOf(watch.Zone{Name: "Example.net"}, []observation.Record{{"zone": {"example.net"}, "state": {"refreshing"}}}, nil); got.bears != longestRetry {
		t.Errorf("it bears %s", got.bears)
	}
	if got := g.agingOf(watch.Zone{Name: "."}, []observation.Record{{"zone": {"."}, "state": {"ok"}}}, nil); got != (aging{}) {
		t.Errorf("the root: %+v", got)
	}
}

// A zone that is not refreshed is said the second time, and withdraws where a
// site wants it; one of a file never.
func TestWatchZones(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := twoBlocks()
		c.OnStale = watch.Withdraw
		c.Served = observation.Observation{
			Command: []string{"nsd-control", "zonestatus"},
			Lines: observation.Lines{
				Begin: []*regexp.Regexp{regexp.MustCompile(`^zone:\s+(?P<zone>\S+)`)}, More: []*regexp.Regexp{regexp.MustCompile(`^\s+state: (?P<state>\S+)`)},
			},
		}
		g, m, _ := guardOn(t, c)
		state := "ok"
		set := func(to string) {
			m.mu.Lock()
			defer m.mu.Unlock()
			state = to
		}
		m.run = func([]string) (string, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			if state == "" {
				return "", errors.New("exit status 1\x1b")
			}
			return "zone:\texample.net\n\tstate: " + state + "\n", nil
		}
		go g.watchZones(t.Context())
		look := func() (alarm string, all []finding) {
			time.Sleep(zonesEvery)
			synctest.Wait()
			all = append(looks(c, right), finding{subject: subject{Address: addr("192.0.2.1"), Network: "udp", Zone: c.Zones[1]}})
			g.mu.Lock()
			g.judgeAge(all, clock(false))
			g.mu.Unlock()
			return g.alarm(watch.TroubleStale), all
		}
		for _, tt := range []struct {
			state, want string
		}{
			{"ok", ""}, {"refreshing", ""}, {"refreshing", "zone example.net: no primary has answered: it is refreshing"},
			{"ok", ""}, {"expired", ""}, {"ok", ""},
			{"", ""}, {"", `zone example.net: its state cannot be seen: "nsd-control: exit status 1\x1b"`}, {"ok", ""},
		} {
			set(tt.state)
			got, all := look()
			if got != tt.want || (all[0].grade == wrong) != (tt.want != "") || all[2].grade != right {
				t.Errorf("%s: alarm %q, want %q; %v", tt.state, got, tt.want, all)
			}
		}
		// An attempt that was lost is followed by one after the zone's retry, on
		// whatever day the clock says that it is.
		g.soa["example.net"] = &dns.SOA{Refresh: 1800, Retry: 25, Expire: 604800}
		for i, want := range []string{"", "", "", "zone example.net: no primary has answered: it is refreshing"} {
			set("refreshing")
			if got, _ := look(); got != want {
				t.Errorf("look %d: alarm %q, want %q", i, got, want)
			}
		}
		g.c.OnStale = watch.Alarm
		set("expired")
		look()
		if got, all := look(); got == "" || slices.ContainsFunc(all, func(f finding) bool { return f.grade != right }) {
			t.Errorf("alarm %q; %v", got, all)
		}
	})
}
