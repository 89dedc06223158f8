package guard

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/observation"
	"github.com/raiz-dns/raiz/provision/watch"
)

// alarms are what a person has to look at.
type alarms struct {
	all   []watch.Trouble
	zones map[string]string // by zone, why it is stale as the name server sees it
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
)

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
func (g *Guard) judgeAge(found []finding, synced bool) {
	now := g.os.Now()
	if g.c.SyncFile != "" {
		g.set(watch.TroubleClock, map[bool]string{false: "the clock is not in sync: nothing is judged by it"}[synced])
	}
	var stale []string
	crowd := ""
	for i, f := range found {
		if f.grade == crowded {
			crowd = cmp.Or(crowd, f.String())
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
	for _, z := range g.c.Zones {
		if why := g.alarms.zones[z.Name]; why != "" {
			stale = append(stale, "zone "+z.Name+": "+why)
		}
	}
	g.set(watch.TroubleStale, strings.Join(stale, "; "))
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
		if why := g.alarms.zones[f.Zone.Name]; why != "" && f.grade == right {
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
	for ctx.Err() == nil {
		text, err := g.os.Run(g.c.Served.Command, zonesLimit)
		var records []observation.Record
		if err == nil {
			records, err = g.c.Served.Read(strings.Split(text, "\n"))
		}
		g.mu.Lock()
		was := g.alarms.zones
		g.alarms.zones = map[string]string{}
		for _, z := range g.c.Zones {
			why := ""
			switch {
			case !z.Transferred:
			case err != nil:
				why = fmt.Sprintf("its state cannot be seen: %.200q", err.Error())
			default:
				why = notRefreshed(z, records)
			}
			// A refresh under way is none that failed: it is said the second time.
			if _, again := was[z.Name]; why != "" {
				g.alarms.zones[z.Name] = map[bool]string{true: why}[again]
			}
		}
		g.mu.Unlock()
		pause(ctx, zonesEvery)
	}
}

// notRefreshed says why a zone is not as its primaries have it.
func notRefreshed(z watch.Zone, records []observation.Record) string {
	for _, r := range records {
		if !sameZone(r.Last("zone"), z.Name) {
			continue
		}
		if s := r.Last("state"); s != "" && s != "ok" && s != "primary" {
			return "no primary has answered: it is " + watch.Plain(s)
		}
		return ""
	}
	return "the name server does not know it"
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
