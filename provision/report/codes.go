package report

import "github.com/raiz-dns/raiz/provision/verdict"

// Codes are the fixed words of reports.
func Codes() []verdict.Definition {
	var all []verdict.Definition
	for _, some := range [][]verdict.Definition{headings(), planCodes(), changeCodes(), counts()} {
		all = append(all, some...)
	}
	return all
}

func headings() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("report.error", "before what is wrong"),
		verdict.Define("report.warning", "before what may be wrong"),
		verdict.Define("report.note", "before a notice"),
		verdict.Define("report.title", "above a verification that somebody keeps", verdict.TypeWord.Named("site")),
		verdict.Define("report.column.verdict", "above how checks ended"),
		verdict.Define("report.column.check", "above what was checked"),
		verdict.Define("report.column.vantage", "above from where it was seen"),
		verdict.Define("report.column.seen", "above what was seen"),
		verdict.Define("report.want", "how something has to be", verdict.TypeMessage.Named("what")),
		verdict.Define("report.got", "how it was seen", verdict.TypeMessages.Named("what")),
		verdict.Define("report.because", "which check kept this one from being made", verdict.TypeWord.Named("check")),
		verdict.Define("report.checks", "before how many checks ended how"),
		verdict.Define("report.tally", "how many checks ended in one way", verdict.TypeCount.Named("count"), verdict.TypeMessage.Named("status")),
		verdict.Define("report.applied", "before which generation is confirmed"),
		verdict.Define("report.confirmed", "the generation is confirmed on the server", verdict.TypeWord.Named("generation")),
		verdict.Define("report.settings-applied", "an apply that did not touch the operating system has ended well"),
		verdict.Define("report.queued", "settings of the BMC can be written once the server has been rebooted", verdict.TypeWords.Named("settings")),
		verdict.Define("report.waits", "settings of the BMC are written and take effect at the next reboot of the server", verdict.TypeWords.Named("settings")),
		verdict.Define("report.reverted", "before why the server has reverted"),
		verdict.Define("report.as-before", "after a revert"),
		verdict.Define("report.unknown", "before why nobody knows how an apply has ended"),
		verdict.Define("report.not-applied", "before why nothing was applied"),
		verdict.Define("report.missing", "before a zone that has not arrived"),
		verdict.Define("report.withdrawn", "what a zone that has not arrived means", verdict.TypeMessage.Named("zone")),
		verdict.Define("report.overridden", "a rule of the operator's profile is overridden", verdict.TypeWord.Named("rule"), verdict.TypeWord.Named("operator"), verdict.TypeSeen.Named("reason")),
		verdict.Define("report.unverified", "a zone is served without a look at its signatures", verdict.TypeZone.Named("zone"), verdict.TypeSeen.Named("reason")),
		verdict.Define("report.unauthenticated", "a zone is transferred without TSIG", verdict.TypeZone.Named("zone"), verdict.TypeSeen.Named("reason")),
		verdict.Define("report.cost", "what the run has asked of the site; each a count", verdict.TypeMessage.Named("connections"), verdict.TypeMessage.Named("execs"), verdict.TypeMessage.Named("uploads"),
			verdict.TypeMessage.Named("gets"), verdict.TypeMessage.Named("writes"), verdict.TypeMessage.Named("handshakes")),
	}
}

func planCodes() []verdict.Definition {
	site := verdict.TypeWord.Named("site")
	return []verdict.Definition{
		verdict.Define("plan.heading", "before what a plan amounts to", site),
		verdict.Define("plan.site", "before that nothing is to be done", site),
		verdict.Define("plan.beside", "there is nothing to change, and something else on the server is not as declared"),
		verdict.Define("plan.as-declared", "nothing is to be done"),
		verdict.Define("plan.bmc-as-declared", "nothing is to be done at the BMC, and nobody has looked at the server"),
		verdict.Define("plan.server-as-declared", "nothing is to be done on the server, and nobody has looked at the BMC"),
		verdict.Define("plan.rest-as-declared", "nothing is to be done that this machine can do"),
		verdict.Define("plan.queued", "a setting can be written once the server has been rebooted", verdict.TypeSeen.Named("why")),
		verdict.Define("plan.waits", "nothing is left to be done, and what is written takes effect at the next reboot of the server"),
		verdict.Define("plan.waiting", "a setting of the BMC that is written and takes effect at the next reboot of the server", verdict.TypeAllSeen.Named("pending"), verdict.TypeAllSeen.Named("now")),
		verdict.Define("plan.changes", "what is to be done", verdict.TypeMessage.Named("changes"), verdict.TypeWord.Named("digest")),
		verdict.Define("plan.blocked", "the plan cannot be applied", verdict.TypeMessage.Named("things")),
	}
}

func changeCodes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("change.none", "stands for a setting that has no value"),
		verdict.Define("change.foreign", "what stands there is replaced, and no generation of raiz has put it there"),
		verdict.Define("change.secret", "a file that holds a secret; more of it is never shown"),
		verdict.Define("change.too-large", "what stands there was not fetched, so no difference is shown"),
		verdict.Define("change.enable", "the unit is to be started at boot"),
		verdict.Define("change.start", "the unit is to be started"),
		verdict.Define("change.then-reload", "what makes a new file take effect", verdict.TypeUnit.Named("unit")),
		verdict.Define("change.then-restart", "what makes a new file take effect", verdict.TypeUnit.Named("unit")),
		verdict.Define("change.then-run", "what makes a new file take effect", verdict.TypeSeen.Named("command")),
		verdict.Define("change.at-reboot", "a change that takes effect at the next reboot of the server"),
		verdict.Define("change.pending", "what would take effect at the next reboot without the change", verdict.TypeMessage.Named("values")),
		verdict.Define("change.values", "the values of a setting", verdict.TypeAllSeen.Named("values")),
		verdict.Define("change.not-in-effect", "a file is as it is wanted, and something else runs"),
	}
}

// counts are in two forms, one for 1 and one for any other number.
func counts() []verdict.Definition {
	n := verdict.TypeCount.Named("count")
	return []verdict.Definition{
		verdict.Define("count.more.one", "1"), verdict.Define("count.more", "other things like that", n),
		verdict.Define("count.change.one", "1"), verdict.Define("count.change", "changes of a plan", n),
		verdict.Define("count.thing.one", "1"), verdict.Define("count.thing", "things that could not be looked at", n),
		verdict.Define("count.line.one", "1"), verdict.Define("count.line", "lines of a new file", n),
		verdict.Define("count.connection.one", "1"), verdict.Define("count.connection", "SSH connections", n),
		verdict.Define("count.exec.one", "1"), verdict.Define("count.exec", "commands over SSH", n),
		verdict.Define("count.upload.one", "1"), verdict.Define("count.upload", "uploads over SSH", n),
		verdict.Define("count.get.one", "1"), verdict.Define("count.get", "GET requests to the BMC", n),
		verdict.Define("count.write.one", "1"), verdict.Define("count.write", "PATCH and POST requests to the BMC", n),
		verdict.Define("count.handshake.one", "1"), verdict.Define("count.handshake", "TLS handshakes with the BMC", n),
	}
}
