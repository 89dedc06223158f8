package bmc

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// LogWanted says which entries of a log count.
type LogWanted struct {
	Name     string    // Id of the log; "" for the one that is kept of the hardware
	Severity string    // the least that counts: Warning or Critical
	Since    time.Time // zero is for ever
}

// LogEntry is an entry that counts.
type LogEntry struct {
	Severity string    // Warning or Critical
	Created  time.Time // by the controller's clock; zero where it does not tell
	Text     string    // in the controller's words
}

// EventLog is what a log holds that counts.
type EventLog struct {
	Name   string     // its Id
	Newest []LogEntry // the newest first, at most maxNewest
	Count  int        // of all that count
	Worst  string     // severity of the worst, "" for none
	Untold int        // entries in that time that do not tell how severe they are
	Read   int        // entries that were looked at
	Err    error      // why not all of it was seen; what was seen counts all the same
}

// maxNewest is how many entries are told.
const maxNewest = 5

// events reads the log of the hardware, to its end: where the next entry has its
// place nobody says, and a log that is written in a ring, or by a clock that was
// lost, has new entries behind old ones.
func (r *inspector) events(ctx context.Context, manager, system redfish.Document, want LogWanted) EventLog {
	spare := max(r.room-maxLog, 0)
	r.room -= spare
	defer func() { r.room = max(r.room, 0) + spare }()
	service, err := r.logService(ctx, manager, system, want.Name)
	log := EventLog{Name: service.ID(), Err: err}
	switch {
	case service.URI == "":
		return log
	case service.At("ServiceEnabled") == false:
		log.Err = unsupported("the log %s is switched off", log.Name)
		return log
	}
	for e, err := range r.members(ctx, service.Link("Entries")) {
		if err != nil {
			log.Err = err
			break
		}
		log.Read++
		if made := created(e); made.IsZero() || !made.Before(want.Since) {
			log.add(e, made, want.Severity)
		}
	}
	return log
}

// add takes note of an entry, unless it is harmless or has been resolved
// (LogEntry v1_8_0).
func (l *EventLog) add(e redfish.Document, made time.Time, least string) {
	severity := e.Text("Severity")
	switch {
	case e.At("Resolved") == true, severity == "OK", severity == "Warning" && least == "Critical":
		return
	case severity != "Warning" && severity != "Critical":
		l.Untold++
		return
	}
	if l.Count++; l.Worst != "Critical" {
		l.Worst = severity
	}
	text := cmp.Or(e.Text("Message"), e.Text("MessageId"), e.Text("Name"), e.Text("Id"))
	l.Newest = append(l.Newest, LogEntry{Severity: severity, Created: made, Text: redfish.Short(text)})
	slices.SortStableFunc(l.Newest, func(a, b LogEntry) int { return b.Created.Compare(a.Created) })
	l.Newest = l.Newest[:min(len(l.Newest), maxNewest)]
}

// created is when an entry was made, or zero. A controller whose clock was not
// set yet says 1970, which is no time.
func created(e redfish.Document) time.Time {
	t, ok := moment(cmp.Or(e.Text("Created"), e.Text("EventTimestamp")))
	if !ok || t.Year() < 2000 {
		return time.Time{}
	}
	return t
}

// logService finds the log of that Id, or the one that is kept of the hardware:
// one that is called SEL, or is one, or is called EventLog, else the first that
// the system lists, or the manager. No two vendors call it the same. With the log
// comes an error where one is listed and not there that may be the one.
func (r *inspector) logService(ctx context.Context, manager, system redfish.Document, name string) (redfish.Document, error) {
	var best redfish.Document
	var lost error
	bestRank, have := -1, []string{}
	for _, of := range []redfish.Document{system, manager} {
		if of.Link("LogServices") == "" {
			continue
		}
		for d, err := range r.members(ctx, of.Link("LogServices")) {
			switch {
			case untold(err):
				lost = firstOf(lost, err)
				continue
			case err != nil:
				return redfish.Document{}, err
			case d.Props == nil:
				lost = firstOf(lost, notThere(d.URI))
				continue
			case d.Link("Entries") == "":
				continue
			}
			have = append(have, d.ID())
			if rank := logRank(d, name); rank > bestRank {
				best, bestRank = d, rank
			}
		}
	}
	switch {
	case len(have) == 0:
		return best, firstOf(lost, unsupported("neither the system nor the manager has a log"))
	case bestRank < 0:
		return best, unsupported("there is no log %q, but %s", name, strings.Join(have[:min(len(have), maxMembers)], ", "))
	case name != "" || bestRank == surelySEL:
		return best, nil
	}
	return best, lost
}

// surelySEL is the rank of a log that nothing stands before.
const surelySEL = 3

func logRank(d redfish.Document, name string) int {
	id := d.Text("Id")
	switch {
	case name != "" && strings.EqualFold(id, name):
		return 0
	case name != "":
		return -1
	case strings.EqualFold(id, "SEL"):
		return surelySEL
	case d.Text("LogEntryType") == "SEL":
		return 2
	case strings.EqualFold(id, "EventLog"):
		return 1
	}
	return 0
}
