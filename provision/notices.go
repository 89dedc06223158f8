package provision

// Notices says what an operator must know before any change: a revert that
// the server made by itself, a change that is not confirmed, a lifeline that
// nobody proved.
func (p Planned) Notices() []string {
	var out []string
	s := p.Seen.Server
	if s.Reverted != "" {
		out = append(out, "the server reverted a change after the last apply: generation "+s.Reverted)
	}
	if s.Pending != "" {
		out = append(out, "generation "+s.Pending+" is not confirmed: "+s.PendingIs+"; raiz apply waits until it is, or until the server has reverted it")
	}
	if p.handsOnSite {
		out = append(out, "somebody is on site (--hands-on-site): the BMC is not proven as a way in before a change that may cut access")
		if p.Seen.BMCErr != nil {
			out = append(out, "the BMC is left as it is: "+p.Seen.BMCErr.Error())
		}
	}
	return out
}

// Reverted reports whether the server has reverted a change since the last
// apply.
func (p Planned) Reverted() bool { return p.Seen.Server.Reverted != "" }
