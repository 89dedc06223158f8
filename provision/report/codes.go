package report

import "github.com/raiz-dns/raiz/provision/verdict"

// Codes are the fixed words of reports.
func Codes() []verdict.Definition {
	var all []verdict.Definition
	for _, some := range [][]verdict.Definition{headings(), wholeCodes(), pageCodes(), factCodes(), planCodes(), changeCodes(), counts()} {
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

// wholeCodes are the verdict on all checks together.
func wholeCodes() []verdict.Definition {
	checks := verdict.TypeMessage.Named("checks")
	return []verdict.Definition{
		verdict.Define("page.good", "the verdict on the whole: each check has passed"),
		verdict.Define("page.good.says", "below that"),
		verdict.Define("page.warned", "the verdict on the whole: nothing is wrong, and something is worth a look"),
		verdict.Define("page.warned.says", "below that", checks),
		verdict.Define("page.partial", "the verdict on the whole: what was looked at is good, and the site asks for more"),
		verdict.Define("page.partial.says", "below that", checks),
		verdict.Define("page.unknown", "the verdict on the whole: something could not be looked at"),
		verdict.Define("page.unknown.says", "below that", checks),
		verdict.Define("page.failed", "the verdict on the whole: something is wrong"),
		verdict.Define("page.failed.says", "below that", checks),
		verdict.Define("page.nothing", "the verdict on the whole: nothing was looked at"),
		verdict.Define("page.nothing.says", "below that"),
	}
}

func pageCodes() []verdict.Definition {
	checks, site := verdict.TypeMessage.Named("checks"), verdict.TypeWord.Named("site")
	return []verdict.Definition{
		verdict.Define("page.language", "the language of these words, as BCP 47 names it"),
		verdict.Define("page.kind", "above everything: what the document is"),
		verdict.Define("page.lab", "the site says lab = true, so that none of its addresses is a real one"),
		verdict.Define("page.attention", "above the checks that did not pass"),
		verdict.Define("page.checks", "above all checks"),
		verdict.Define("page.group.bmc", "above the checks of the BMC"),
		verdict.Define("page.group.server", "above the checks of the server"),
		verdict.Define("page.group.dns", "above the checks of DNS"),
		verdict.Define("page.group.bgp", "above the checks of BGP"),
		verdict.Define("page.group.router", "above the checks of the host's router"),
		verdict.Define("page.group.outside", "above the checks from outside"),
		verdict.Define("page.want", "before how something has to be"),
		verdict.Define("page.got", "before how it was seen"),
		verdict.Define("page.both", "before what is as it has to be, word by word"),
		verdict.Define("page.advice", "before what to do"),
		verdict.Define("page.evidence", "before more of what was seen"),
		verdict.Define("page.since", "above what has changed"),
		verdict.Define("page.since.time", "since when: an earlier verification", verdict.TypeTime.Named("time")),
		verdict.Define("page.since.undated", "the same, of a verification that does not say when it was"),
		verdict.Define("page.since.red", "above checks that fail or are unknown, and were not before"),
		verdict.Define("page.since.green", "above checks that pass, and failed or were unknown before"),
		verdict.Define("page.since.other", "above checks that ended otherwise than before in another way"),
		verdict.Define("page.since.new", "above checks that were not made before"),
		verdict.Define("page.since.gone", "above checks that are not made any more"),
		verdict.Define("page.since.was", "how a check ended before, and now", verdict.TypeMessage.Named("before"), verdict.TypeMessage.Named("now")),
		verdict.Define("page.since.same", "how many checks ended as before", checks),
		verdict.Define("page.since.nothing", "every check ended as before"),
		verdict.Define("page.drawing", "above the drawing"),
		verdict.Define("page.drawing.title", "name of the drawing", site),
		verdict.Define("page.drawing.says", "what is drawn, for those who do not see it", verdict.TypeWord.Named("host"), verdict.TypeMessage.Named("sessions"), verdict.TypeWord.Named("server")),
		verdict.Define("page.drawing.service", "in the drawing: the interface to the routers"),
		verdict.Define("page.drawing.blocks", "in the drawing: the blocks that the server announces"),
		verdict.Define("page.drawing.answers", "in the drawing: the service addresses"),
		verdict.Define("page.drawing.management", "in the drawing: the interface to log in at"),
		verdict.Define("page.drawing.bmc", "in the drawing: the controller of the server"),
		verdict.Define("page.drawing.operator", "in the drawing: whoever has looked"),
		verdict.Define("page.legend", "before what the marks mean"),
		verdict.Define("page.notes", "above notes and overrides"),
		verdict.Define("page.notes.none", "there are none"),
		verdict.Define("page.sign", "above the lines to sign on"),
		verdict.Define("page.sign.says", "what a signature stands for"),
		verdict.Define("page.sign.host", "who signs"),
		verdict.Define("page.sign.operator", "who signs"),
		verdict.Define("page.sign.engineer", "who signs"),
		verdict.Define("page.sign.name", "before the name of who signs"),
		verdict.Define("page.sign.signature", "before the signature"),
		verdict.Define("page.sign.date", "before place and date of a signature"),
		verdict.Define("page.foot", "below everything"),
	}
}

func factCodes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("page.facts", "above what is known of the copy, and of how it was looked at"),
		verdict.Define("page.fact.operator", "before the operator"),
		verdict.Define("page.fact.host", "before the host"),
		verdict.Define("page.fact.facility", "before the building that houses the copy"),
		verdict.Define("page.fact.contact", "before how to reach somebody of the host", verdict.TypeWord.Named("role")),
		verdict.Define("page.fact.identity", "before the name by which the copy tells itself in DNS"),
		verdict.Define("page.fact.bmc", "before vendor, model and serial number of the server"),
		verdict.Define("page.fact.firmware", "before the firmware of the BMC"),
		verdict.Define("page.fact.login", "before the address where the server was logged in to"),
		verdict.Define("page.fact.system", "before the operating system"),
		verdict.Define("page.fact.generation", "before the generation that is confirmed on the server"),
		verdict.Define("page.fact.packages", "before the versions of what the copy lives by"),
		verdict.Define("page.fact.at", "before when it was looked at"),
		verdict.Define("page.fact.by", "before who has looked, and from where"),
		verdict.Define("page.fact.raiz", "before the version of raiz"),
		verdict.Define("page.fact.wants", "before the digest of what the site wants"),
		verdict.Define("page.not-known", "nobody has said it"),
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
		verdict.Define("count.check.one", "1"), verdict.Define("count.check", "checks", n),
		verdict.Define("count.session.one", "1"), verdict.Define("count.session", "BGP sessions", n),
		verdict.Define("count.line.one", "1"), verdict.Define("count.line", "lines of a new file", n),
		verdict.Define("count.connection.one", "1"), verdict.Define("count.connection", "SSH connections", n),
		verdict.Define("count.exec.one", "1"), verdict.Define("count.exec", "commands over SSH", n),
		verdict.Define("count.upload.one", "1"), verdict.Define("count.upload", "uploads over SSH", n),
		verdict.Define("count.get.one", "1"), verdict.Define("count.get", "GET requests to the BMC", n),
		verdict.Define("count.write.one", "1"), verdict.Define("count.write", "PATCH and POST requests to the BMC", n),
		verdict.Define("count.handshake.one", "1"), verdict.Define("count.handshake", "TLS handshakes with the BMC", n),
	}
}
