package site

// Profile is the rules of one operator, as data: templates/operators/*.hcl.
// A rule that a site breaks is reported with the rule's own severity, source
// and date; a site may override one with a written reason.
type Profile struct {
	Name  string
	Title string
	Rules []Rule // by ID
	// Overrides holds, by rule ID, the reason a site gave for not following
	// that rule. Reports repeat it.
	Overrides map[string]string
	// Components are the packs that the operator's sites use unless they
	// say otherwise, such as "system": "debian".
	Components map[string]string
	// Hardware is the least that the operator's servers have.
	Hardware Hardware
	// Expect is what the operator's servers and controllers are like.
	Expect Expect
	// RateLimit is what the operator's sites answer one network at most; zero
	// leaves it to the site.
	RateLimit RateLimit
}

// Rule is one requirement of an operator.
type Rule struct {
	ID       string // such as "bmc-ipv6"
	Severity Severity
	Value    string // parameter of the rule, such as "10Mbps"; may be empty
	Source   string // where the requirement is published
	AsOf     string // date it was read there, YYYY-MM-DD
}
