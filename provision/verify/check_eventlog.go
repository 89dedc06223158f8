package verify

import (
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// logChecks look into the event log of the controller, where the site wants it.
func logChecks(s *site.Site, e Evidence) []check {
	if s.BMC == nil || s.BMC.Expect.EventLog == nil {
		return nil
	}
	log := s.BMC.Expect.EventLog
	want := verdict.New("bmc.log.want", verdict.Word("severity", log.Severity))
	if since := logSince(log, e.BMC.At); !since.IsZero() {
		want = verdict.New("bmc.log.want.since", verdict.Word("severity", log.Severity), verdict.Time("since", since))
	}
	return []check{e.BMC.inventoried("bmc.log", "log", verdict.New("bmc.log.title"), want, func() finding { return logQuiet(e.BMC.Inventory.Log) })}
}

// logSince is from when on entries count, for who looks at that time.
func logSince(log *site.EventLog, at time.Time) time.Time {
	if log.Age > 0 && !at.IsZero() {
		return at.Add(-log.Age)
	}
	return log.Since
}

// logQuiet: what the log says counts, however much of it was not seen.
func logQuiet(log bmc.EventLog) finding {
	var got, more []verdict.Message
	for _, e := range log.Newest {
		m := verdict.New("bmc.log.entry.undated", verdict.Seen("severity", e.Severity), verdict.Seen("text", e.Text))
		if !e.Created.IsZero() {
			m = verdict.New("bmc.log.entry", verdict.Time("created", e.Created), verdict.Seen("severity", e.Severity), verdict.Seen("text", e.Text))
		}
		got = append(got, m)
	}
	if rest := log.Count - len(got); rest > 0 {
		got = append(got, verdict.New("verify.more", verdict.Count("count", rest)))
	}
	if log.Untold > 0 {
		more = append(more, verdict.New("bmc.log.untold", verdict.Count("count", log.Untold)))
	}
	if log.Err != nil {
		more = append(more, why(log.Err))
	}
	advice := []verdict.Message{verdict.New("bmc.log.advice")}
	nothing := verdict.New("bmc.log.quiet", verdict.Seen("log", log.Name), verdict.Count("read", log.Read))
	switch {
	case log.Worst == "Critical":
		return finding{status: Fail, got: got, evidence: more, advice: advice}
	case log.Worst != "":
		return finding{status: Warn, got: got, evidence: more, advice: advice}
	case log.Err != nil:
		return untold(log.Err).with(more[:len(more)-1]...)
	case log.Name == "":
		return unknown(why(errNotLooked))
	case log.Untold > 0:
		return warn(nothing).with(more...)
	}
	return pass(nothing)
}

func logCodes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("bmc.log.title", "the event log of the BMC"),
		verdict.Define("bmc.log.want", "the site wants no entry as severe as this", verdict.TypeWord.Named("severity")),
		verdict.Define("bmc.log.want.since", "the site wants no entry as severe as this, since then", verdict.TypeWord.Named("severity"), verdict.TypeTime.Named("since")),
		verdict.Define("bmc.log.entry", "an entry, by the clock and in the words of the BMC", verdict.TypeTime.Named("created"), verdict.TypeSeen.Named("severity"), verdict.TypeSeen.Named("text")),
		verdict.Define("bmc.log.entry.undated", "an entry of which nobody knows when it was made", verdict.TypeSeen.Named("severity"), verdict.TypeSeen.Named("text")),
		verdict.Define("bmc.log.quiet", "the log has nothing of the kind", verdict.TypeSeen.Named("log"), verdict.TypeCount.Named("read")),
		verdict.Define("bmc.log.untold", "so many entries do not tell how severe they are", verdict.TypeCount.Named("count")),
		verdict.Define("bmc.log.advice", "what to do about entries of the log"),
	}
}
