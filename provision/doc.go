// Package provision is the pipeline: from a valid site to a plan, an applied
// generation and a verdict. It opens the connections of one run, once each,
// and hands values from one room to the next:
//
//	Site ─render→ Set ─observe→ Facts ─plan→ Plan ─apply→ Journal
//	Site + Evidence ─verify→ Results
//
// It prints nothing and decides nothing that a room below decides. Start
// reading at Run in provision.go.
package provision
