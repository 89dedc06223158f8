package provision

import "github.com/raiz-dns/raiz/provision/verdict"

// Codes are what the pipeline itself says: notices of a plan, what follows an
// apply, what keeps the gate closed, and the steps of a rehearsal.
func Codes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("notice.reverted", "the last change of the server was reverted; it says which and why", verdict.TypeSeen.Named("generation"), verdict.TypeError.Named("error")),
		verdict.Define("notice.drained.passing", "that ends with the next boot", verdict.TypeSeen.Named("why")),
		verdict.Define("notice.withdrawn", "nobody wants that, and the guard does not announce blocks", verdict.TypeSeen.Named("blocks"), verdict.TypeSeen.Named("reason")),
		verdict.Define("notice.guard-silent", "nobody knows what the guard does", verdict.TypeSeen.Named("why")),
		verdict.Define("notice.drained", "somebody wants the blocks withdrawn", verdict.TypeSeen.Named("by"), verdict.TypeWord.Named("at")),
		verdict.Define("notice.gap", "the blocks are drained before a change that would be noticed"),
		verdict.Define("notice.pending", "a generation is neither confirmed nor reverted; an apply waits for it", verdict.TypeSeen.Named("generation"), verdict.TypeSeen.Named("state")),
		verdict.Define("notice.waiting", "raiz waits until a generation is confirmed or reverted", verdict.TypeSeen.Named("generation"), verdict.TypeSeen.Named("state")),
		verdict.Define("notice.left-behind", "why raiz takes back a generation that has outlived its timer"),
		verdict.Define("notice.hands-on-site", "with --hands-on-site nobody proves the BMC as a way in"),
		verdict.Define("notice.resets-session", "the server has a session that raiz did not build, and an apply resets it", verdict.TypeSeen.Named("name"), verdict.TypeSeen.Named("address"), verdict.TypeCount.Named("as")),
		verdict.Define("notice.sessions-unseen", "the routing daemon of a server that raiz did not build does not show its sessions; an apply may reset any", verdict.TypeError.Named("error")),
		verdict.Define("notice.take-over", "an apply on a live copy that raiz did not build needs --take-over"),
		verdict.Define("notice.rebooting", "the blocks are withdrawn, and the server is restarted by its BMC"),
		verdict.Define("notice.not-drained", "a server is restarted that does not answer, so that its blocks were not withdrawn before", verdict.TypeError.Named("error")),
		verdict.Define("notice.drained-otherwise", "the blocks stay withdrawn after a reboot, because somebody else has drained the copy, or taken the drain back, meanwhile"),
		verdict.Define("notice.queued", "settings of the BMC that could not be written before the reboot", verdict.TypeWords.Named("settings")),
		verdict.Define("notice.in-effect", "settings of the BMC that waited for a reboot are in effect", verdict.TypeWords.Named("settings")),
		verdict.Define("notice.bmc-alone", "nothing but the BMC was looked at, with --bmc-only"),
		verdict.Define("notice.bmc-left", "the BMC does not answer, and is left as it is", verdict.TypeError.Named("error")),
		verdict.Define("notice.noise", "the login prints something before raiz's program on the server says anything; it was passed over", verdict.TypeSeen.Named("text")),
		verdict.Define("notice.unmanaged", "the site says to leave a setting of the BMC alone", verdict.TypeWord.Named("setting"), verdict.TypeSeen.Named("reason")),
		verdict.Define("declare.write", "what the controller has refused is to be declared with these lines in the bmc block"),
		verdict.Define("declare.replace", "the same, where the site declares settings that are left alone already"),
		verdict.Define("declare.remove", "attributes that declare what was refused, and have to go", verdict.TypeWords.Named("attributes")),
		verdict.Define("declare.shared", "settings that were refused in one write: which of them was meant is not known", verdict.TypeWords.Named("settings")),
		verdict.Define("declare.reason", "reason for the site file", verdict.TypeSeen.Named("day"), verdict.TypeError.Named("error")),
		verdict.Define("gate.dns", "a service address does not answer as it has to; what it said is inside", verdict.TypeMessages.Named("problems")),
		verdict.Define("gate.address", "this server does not answer SSH at a declared address", verdict.TypeAddress.Named("address"), verdict.TypeError.Named("error")),
		verdict.Define("rehearse.build", "step: the site is built on this machine"),
		verdict.Define("rehearse.plan", "step: a first plan"),
		verdict.Define("rehearse.apply", "step: it is applied"),
		verdict.Define("rehearse.verify", "step: verified, until BGP and the clock have come up"),
		verdict.Define("rehearse.again", "step: a second plan, which has to be empty"),
		verdict.Define("rehearse.down", "step: it is taken down"),
		verdict.Define("rehearse.made", "what of the site a rehearsal has to replace by something made up", verdict.TypeSeen.Named("what"), verdict.TypeSeen.Named("why")),
	}
}
