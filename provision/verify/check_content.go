package verify

import (
	"net/netip"
	"strconv"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

func contentID(a netip.Addr, network string) string {
	return "dns.content." + a.String() + "." + network
}

// contentChecks hold what each address answers against the rules of RSSAC047v2,
// as the server itself hears it. They say what a resolver would make of the
// answers; whether the address answers at all is said before.
func contentChecks(s *site.Site, e Evidence) []check {
	var checks []check
	for _, a := range s.ServiceAddresses() {
		for _, network := range networks() {
			checks = append(checks, check{
				id: contentID(a, network), vantage: FromServer,
				title: verdict.New("dns.content.title", verdict.Address("address", a), verdict.Word("network", network)),
				want:  verdict.New("dns.content.want"), about: zoneNames(s), needs: []string{dnsID(a, network)},
				find: func() finding { return contentOf(s, a, network, e.Server.Content) },
			})
		}
	}
	return checks
}

// contentOf judges all answers of one address over one transport.
func contentOf(s *site.Site, a netip.Addr, network string, answers map[Question]Answer) finding {
	zones := contentZones(s)
	f := rulesOver(s, zones, a, network, answers)
	if len(zones) < len(s.DNS.Zones) {
		f = f.with(verdict.New("dns.content.some", verdict.Count("zones", len(zones)), verdict.Count("all", len(s.DNS.Zones))))
	}
	return f
}

func rulesOver(s *site.Site, zones []site.Zone, a netip.Addr, network string, answers map[Question]Answer) finding {
	asked := 0
	var all []verdict.Message
	for _, z := range zones {
		left := maxVerifications
		j := contentJudge{s, z, a, network, answers, &left}
		for _, ask := range contentAsks(s, z, network) {
			got := j.answer(ask, network)
			switch {
			case got.Msg == nil && got.Err == nil:
				return unknown(verdict.New("dns.not-asked"))
			case ofAnother(s, got):
				return otherFinding(got)
			}
			asked++
			all = append(all, j.judge(ask, got)...)
		}
	}
	switch {
	case asked == 0:
		return unknown(verdict.New("dns.not-asked"))
	case len(all) > 0:
		return finding{status: Fail, got: few(all), advice: []verdict.Message{verdict.New("dns.content.advice")}}
	}
	return pass(verdict.New("dns.content.good", verdict.Count("answers", asked)))
}

// ofAnother reports whether another copy has answered, by its NSID.
func ofAnother(s *site.Site, a Answer) bool {
	return a.Msg != nil && nsid(a.Msg) != "" && nsid(a.Msg) != s.DNS.Identity
}

func otherFinding(a Answer) finding {
	return fault{kind: otherCopy, got: verdict.New("dns.other-copy", verdict.Seen("nsid", nsid(a.Msg))), advice: verdict.New("dns.other-copy.advice")}.finding()
}

// contentJudge judges the answers about one zone of one address.
type contentJudge struct {
	s       *site.Site
	zone    site.Zone
	address netip.Addr
	network string
	answers map[Question]Answer
	left    *int // verifications
}

func (j contentJudge) answer(ask Ask, network string) Answer {
	return j.answers[Question{Address: j.address, Ask: ask, Zone: j.zone.Name, Network: network}]
}

// judge returns how an answer breaks the rules. One that did not fit a datagram
// is judged as it came over TCP, where the other check does so: here it is
// enough that it came.
func (j contentJudge) judge(ask Ask, got Answer) []verdict.Message {
	r := response{label: label(j.zone, ask), zone: name(j.zone), m: got.Msg, at: got.At}
	if got.Msg == nil {
		return broken(verdict.New("dns.rule.silent", verdict.Word("question", r.label), verdict.Error("error", got.Err)))
	}
	r.asked = got.Msg.Question[0]
	out := j.carried(r, ask, got)
	if got.Msg.Truncated {
		return out
	}
	rules := plainRules(ask)
	if signed(j.zone) {
		r.keys = j.keys()
		r.roots = r.keys.anchored(j.s.DNS.TrustAnchors)
		rules = answerRules(r.zone, ask)
	}
	for i, rule := range rules {
		bad := rule(r)
		out = append(out, bad...)
		if i == 0 && len(bad) > 0 {
			break // an error has nothing else in it
		}
	}
	return out
}

// keys are those that the address has told over this transport, or over TCP
// where they do not fit the other.
func (j contentJudge) keys() keyring {
	a := j.answer(AskKeys, j.network)
	if a.Msg != nil && a.Msg.Truncated {
		a = j.answer(AskKeys, "tcp")
	}
	return keysOf(name(j.zone), a.Msg, j.left)
}

// carried judges how an answer came: with EDNS, no larger than was asked for,
// and whole, or with the word that it is not.
func (j contentJudge) carried(r response, ask Ask, got Answer) []verdict.Message {
	var out []verdict.Message
	if ask != AskPlain && nsid(got.Msg) == "" {
		out = append(out, broken(verdict.New("dns.rule.edns", verdict.Word("question", r.label)))...)
	}
	if j.network == "tcp" {
		if got.Msg.Truncated {
			out = append(out, broken(verdict.New("dns.rule.truncated", verdict.Word("question", r.label)))...)
		}
		return out
	}
	if most := fits(ask); got.Size > most {
		out = append(out, broken(verdict.New("dns.rule.size", verdict.Word("question", r.label), verdict.Count("bytes", got.Size), verdict.Count("most", most)))...)
	}
	whole := j.answer(inFull(ask), "tcp")
	switch {
	case got.Msg.Truncated && (whole.Msg == nil || whole.Msg.Truncated):
		out = append(out, broken(verdict.New("dns.rule.fallback", verdict.Word("question", r.label)))...)
	case !got.Msg.Truncated && whole.Msg != nil && countOf(got.Msg) > 0 && countOf(got.Msg) < countOf(whole.Msg):
		out = append(out, broken(verdict.New("dns.rule.cut", verdict.Word("question", r.label), verdict.Count("records", countOf(got.Msg)), verdict.Count("all", countOf(whole.Msg))))...)
	}
	return out
}

// fits is how large an answer over UDP may be.
func fits(ask Ask) int {
	if ask == AskPlain || ask == AskSmall {
		return smallSize
	}
	return contentSize
}

// inFull is the question that has the whole answer over TCP.
func inFull(ask Ask) Ask {
	if ask == AskPlain || ask == AskSmall {
		return AskKeys
	}
	return ask
}

// countOf counts the records that were asked for, in an answer or a referral.
func countOf(m *dns.Msg) int {
	q := m.Question[0]
	return len(setOf(m.Answer, q.Name, q.Qtype)) + len(setOf(m.Ns, q.Name, q.Qtype))
}

// label is a question as it is told, with the words of dig for how it is asked.
func label(z site.Zone, ask Ask) string {
	switch ask {
	case AskNothing:
		return name(z) + "/NXDOMAIN"
	case AskPlain:
		return name(z) + "/DNSKEY+noedns"
	case AskSmall:
		return name(z) + "/DNSKEY+bufsize=" + strconv.Itoa(smallSize)
	}
	q := contentQuestion(Question{Ask: ask, Zone: z.Name})
	return q.Name + "/" + dns.Type(q.Qtype).String()
}

func contentCodes() []verdict.Definition {
	question, kind, record := verdict.TypeWord.Named("question"), verdict.TypeWord.Named("type"), verdict.TypeSeen.Named("record")
	return []verdict.Definition{
		verdict.Define("dns.content.title", "the answers of a service address over a transport, rule by rule", verdict.TypeAddress.Named("address"), verdict.TypeWord.Named("network")),
		verdict.Define("dns.content.want", "answers have to keep the rules of RSSAC047v2, as far as they are about this zone"),
		verdict.Define("dns.content.good", "all answers keep the rules", verdict.TypeCount.Named("answers")),
		verdict.Define("dns.content.some", "only so many zones were looked at", verdict.TypeCount.Named("zones"), verdict.TypeCount.Named("all")),
		verdict.Define("dns.content.advice", "what a broken rule means"),
		verdict.Define("dns.rule.silent", "this question alone is not answered", question, verdict.TypeError.Named("error")),
		verdict.Define("dns.rule.rcode", "the answer has another response code", question, verdict.TypeWord.Named("want"), verdict.TypeWord.Named("rcode")),
		verdict.Define("dns.rule.authority", "AA has to be set, and is not", question),
		verdict.Define("dns.rule.no-authority", "AA is set in a referral", question),
		verdict.Define("dns.rule.answer.missing", "the records that were asked for are not in the answer section", question, kind),
		verdict.Define("dns.rule.answer.more", "the answer section has a record that does not belong there", question, record),
		verdict.Define("dns.rule.authority.missing", "records are missing in the authority section", question, kind),
		verdict.Define("dns.rule.authority.more", "the authority section has a record that does not belong there", question, record),
		verdict.Define("dns.rule.additional.more", "the additional section has a record that does not belong there", question, record),
		verdict.Define("dns.rule.glue", "a referral has no address of any of the name servers", question),
		verdict.Define("dns.rule.unsigned", "records come without a signature", question, kind),
		verdict.Define("dns.rule.bogus", "no signature over these records is right with the keys that the address tells", question, kind),
		verdict.Define("dns.rule.anchor", "the keys are not signed by one of those that the site trusts", question, kind),
		verdict.Define("dns.rule.expired", "the signatures that are right are not valid at the time", question, kind, verdict.TypeTime.Named("until"), verdict.TypeTime.Named("at")),
		verdict.Define("dns.rule.nsec.name", "no NSEC proves that the name is not there", question),
		verdict.Define("dns.rule.nsec.wildcard", "no NSEC proves that there is no wildcard", question),
		verdict.Define("dns.rule.nsec.ds", "neither a DS nor a proof that there is none comes with a referral", question),
		verdict.Define("dns.rule.edns", "the answer is without EDNS or its NSID", question),
		verdict.Define("dns.rule.truncated", "an answer over TCP is truncated", question),
		verdict.Define("dns.rule.fallback", "an answer over UDP is truncated, and TCP has none that is whole", question),
		verdict.Define("dns.rule.size", "an answer over UDP is larger than was asked for", question, verdict.TypeCount.Named("bytes"), verdict.TypeCount.Named("most")),
		verdict.Define("dns.rule.cut", "an answer over UDP has fewer records than over TCP, and does not say so", question, verdict.TypeCount.Named("records"), verdict.TypeCount.Named("all")),
	}
}
