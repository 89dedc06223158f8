//go:build linux

package guard

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/observation"
	"github.com/raiz-dns/raiz/provision/watch"
)

// alarms are what a person has to look at.
type alarms struct {
	all   []watch.Trouble
	zones map[string]aging // by zone, what the name server tells of its age
	clock string           // why it is not in sync, as the time daemon tells
}

// aging is why a zone is not as its primaries have it.
type aging struct {
	stale   string        // no primary was heard
	bears   time.Duration // how long it may be so before it is said
	refused string        // one was, and what it has is not right
}

// Times of alarms.
const (
	zonesEvery = 10 * time.Second
	zonesLimit = 5 * time.Second
	// firstSession is how long a routing daemon has after its start.
	firstSession = 10 * time.Second
	// lastQuarter is how much of a signature's time is left when it is said:
	// who signs anew does so long before.
	lastQuarter = 4
	// longestRetry bounds what a zone's SOA may have the guard wait.
	longestRetry = time.Hour
)

// refreshing is what a pack calls the state of a zone for which a primary is
// being asked, and none has answered yet.
const refreshing = "refreshing"

// set raises an alarm, or ends it where there is no text, and says either once.
func (g *Guard) set(code watch.TroubleCode, text string) {
	i := slices.IndexFunc(g.alarms.all, func(t watch.Trouble) bool { return t.Code == code })
	switch {
	case text == "" && i < 0:
	case text == "":
		g.say("no more: %s: %s", code, g.alarms.all[i].Text)
		g.alarms.all = slices.Delete(g.alarms.all, i, i+1)
	case i < 0:
		g.say("alarm: %s: %s", code, text)
		g.alarms.all = append(g.alarms.all, watch.Trouble{Code: code, Text: text, Since: g.os.Now()})
	default:
		g.alarms.all[i].Text = text
	}
}

// judgeAge raises what is old or will be. Signatures that have ended are wrong,
// where the clock is known to be right.
func (g *Guard) judgeAge(found []finding, free string) {
	now, synced := g.os.Now(), free == ""
	g.set(watch.TroubleClock, free)
	var stale []string
	crowd := ""
	for i, f := range found {
		if f.grade == crowded {
			crowd = cmp.Or(crowd, f.String())
		}
		if f.soa != nil {
			g.soa[f.Zone.Name] = f.soa
		}
		if why := g.aged(f, now); why != "" {
			gone, _ := expired(f.sigs, now)
			switch {
			case gone && synced, g.c.OnStale == watch.Withdraw && synced:
				found[i].grade, found[i].why = wrong, why
			}
			if s := "zone " + f.Zone.Name + ": " + why; !slices.Contains(stale, s) {
				stale = append(stale, s)
			}
		}
	}
	if g.c.OnStale == watch.Withdraw {
		g.withdrawStale(found)
	}
	var unproven []string
	for _, z := range g.c.Zones {
		a := g.alarms.zones[z.Name]
		if a.stale != "" {
			stale = append(stale, "zone "+z.Name+": "+a.stale)
		}
		if a.refused != "" {
			unproven = append(unproven, "zone "+z.Name+": "+a.refused)
		}
	}
	g.set(watch.TroubleStale, strings.Join(stale, "; "))
	g.set(watch.TroubleUnproven, strings.Join(unproven, "; "))
	g.set(watch.TroubleCrowd, crowd)
}

// aged says what is wrong with the age of a zone's signatures.
func (g *Guard) aged(f finding, now time.Time) string {
	if len(f.sigs) == 0 {
		return ""
	}
	gone, end := expired(f.sigs, now)
	begin := end
	for _, s := range f.sigs {
		from := now.Add(time.Duration(int32(s.Inception-uint32(now.Unix()))) * time.Second)
		if from.Before(begin) {
			begin = from
		}
	}
	switch left := end.Sub(now); {
	case gone:
		return "its signatures ended at " + end.UTC().Format(time.RFC3339)
	case left < end.Sub(begin)/lastQuarter:
		return "its signatures end at " + end.UTC().Format(time.RFC3339) + ", and no newer ones have come"
	}
	return ""
}

// withdrawStale is what a site may want of a zone that is not refreshed.
func (g *Guard) withdrawStale(found []finding) {
	for i, f := range found {
		a := g.alarms.zones[f.Zone.Name]
		if why := cmp.Or(a.stale, a.refused); why != "" && f.grade == right {
			found[i].grade, found[i].why = wrong, why
		}
	}
}

// watchZones asks the name server how its zones are.
func (g *Guard) watchZones(ctx context.Context) {
	transferred := slices.ContainsFunc(g.c.Zones, func(z watch.Zone) bool { return z.Transferred })
	if len(g.c.Served.Command) == 0 || !transferred {
		return
	}
	since := map[string]time.Duration{}
	for ctx.Err() == nil {
		records, err := g.records(g.c.Served)
		g.mu.Lock()
		g.alarms.zones = map[string]aging{}
		for _, z := range g.c.Zones {
			if z.Transferred {
				g.alarms.zones[z.Name] = patient(since, z.Name, g.agingOf(z, records, err), g.os.Uptime())
			}
		}
		g.mu.Unlock()
		pause(ctx, zonesEvery)
	}
}

// patient leaves out what may pass by itself: a refresh under way is none that
// failed, so that all is said the second time at the earliest.
func patient(since map[string]time.Duration, zone string, a aging, now time.Duration) aging {
	if a.stale == "" {
		delete(since, zone)
		return a
	}
	first, has := since[zone]
	if !has {
		first, since[zone] = now, now
	}
	if !has || now-first < a.bears {
		a.stale = ""
	}
	return a
}

// records are what a program tells, as its pack says.
func (g *Guard) records(o observation.Observation) ([]observation.Record, error) {
	text, err := g.os.Run(o.Command, zonesLimit)
	if err != nil {
		return nil, told(o.Command[0], text, err)
	}
	return o.Read(strings.Split(text, "\n"))
}

// watchClock asks the time daemon whether the clock is in sync.
func (g *Guard) watchClock(ctx context.Context) {
	for ctx.Err() == nil && len(g.c.Clock.Command) > 0 {
		why := ""
		records, err := g.records(g.c.Clock)
		switch {
		case err != nil:
			why = fmt.Sprintf("the time daemon cannot be asked: %.200q", err.Error())
		case len(records) == 0 || records[0].Last("synced") == "":
			why = "the time daemon says that the clock is not in sync"
		}
		g.mu.Lock()
		g.alarms.clock = why
		g.mu.Unlock()
		pause(ctx, zonesEvery)
	}
}

// agingOf says why a zone is not as its primaries have it: as the name server
// calls its state, or by the time that is left until it expires.
func (g *Guard) agingOf(z watch.Zone, records []observation.Record, err error) aging {
	if err != nil {
		return aging{stale: fmt.Sprintf("its state cannot be seen: %.200q", err.Error())}
	}
	i := slices.IndexFunc(records, func(r observation.Record) bool { return sameZone(r.Last("zone"), z.Name) })
	if i < 0 {
		return aging{stale: "the name server does not know it"}
	}
	var a aging
	r := records[i]
	if r.Last("refused") != "" {
		a.refused = "what was transferred last is refused: its signatures or its ZONEMD are not right; the one before goes on"
	}
	soa, left := g.soa[z.Name], timeLeft(r.Last("expires"))
	if s := r.Last("state"); s != "" && s != "ok" && s != "primary" {
		a.stale = "no primary has answered: it is " + watch.Short(s)
		if soa != nil && s == refreshing {
			// One attempt may be lost; the next comes after the zone's retry
			// (RFC 1035 section 3.3.13).
			a.bears = min(time.Duration(soa.Retry)*time.Second, longestRetry)
		}
	}
	// One that was refreshed in time has all of its expiry but a refresh, and a
	// retry for what was lost on the way.
	if soa != nil && left > 0 && left < time.Duration(soa.Expire-min(soa.Expire, soa.Refresh+2*soa.Retry))*time.Second {
		a.stale = fmt.Sprintf("no primary has answered: it expires in %s", left)
	}
	return a
}

// timeLeft reads a time as +6D23h59m57s; 0 for what is none.
func timeLeft(s string) time.Duration {
	text, in := strings.CutPrefix(s, "+")
	days, rest, has := strings.Cut(text, "D")
	if !has {
		days, rest = "0", text
	}
	n, err := strconv.Atoi(days)
	d, failed := time.ParseDuration(cmp.Or(rest, "0s"))
	if !in || err != nil || failed != nil || n < 0 || n > 36500 {
		return 0
	}
	return time.Duration(n)*24*time.Hour + d
}

func sameZone(a, b string) bool {
	trim := func(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }
	return trim(a) == trim(b)
}

// judgeExports raises what the daemon exports that it should not, or does not
// that it should, once it has had its time.
func (g *Guard) judgeExports(at time.Duration) {
	if at-g.overseer.told < obeys {
		return
	}
	g.set(watch.TroubleExports, strings.Join(g.overseer.differences(), "; "))
}

// judgeFeed raises that there is no session with the routing daemon.
func (g *Guard) judgeFeed(at time.Duration) {
	s := g.feed.state()
	switch {
	case s.Up:
		g.set(watch.TroubleFeed, "")
	case time.Since(s.Since) > firstSession:
		g.set(watch.TroubleFeed, "there is no session with "+g.c.Router.Unit+": nothing is announced")
	}
}
