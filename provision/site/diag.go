package site

import (
	"cmp"
	"fmt"
)

// Severity says whether a Diagnostic stops raiz.
type Severity uint8

// The severities.
const (
	Error Severity = iota + 1
	Warning
)

// Diagnostic is a problem of a site file, for the person who wrote it.
type Diagnostic struct {
	Severity Severity
	Rule     string // ID of the rule, such as "gw-onlink"; "" for syntax and types
	Summary  string // the kind of problem
	Detail   string // this case, and what to write instead
	Pos      Pos
	Source   string // the line the position is on; never holds a looked-up secret
}

// Diagnostics are all problems of one load, sorted by position.
type Diagnostics []Diagnostic

// HasErrors reports whether any of them is an Error.
func (ds Diagnostics) HasErrors() bool {
	for _, d := range ds {
		if d.Severity == Error {
			return true
		}
	}
	return false
}

// How many problems are told, of one site or block and in all: nobody reads
// more, and each costs a look at what was meant.
const (
	maxProblems      = 100
	maxTotalProblems = 1000
)

// told are the first problems of one load, in order.
func told(ds Diagnostics) Diagnostics {
	ds = tidy(ds)
	if len(ds) <= maxTotalProblems {
		return ds
	}
	more := fileProblem(ds[maxTotalProblems].Pos.File, "more problems",
		fmt.Sprintf("There are %d more problems, which are told when these are gone.", len(ds)-maxTotalProblems))
	more.Rule = ""
	return append(ds[:maxTotalProblems:maxTotalProblems], more)
}

// compareDiagnostics orders by position, then severity, then text.
func compareDiagnostics(a, b Diagnostic) int {
	return cmp.Or(
		cmp.Compare(a.Pos.File, b.Pos.File),
		cmp.Compare(a.Pos.Line, b.Pos.Line),
		cmp.Compare(a.Pos.Column, b.Pos.Column),
		cmp.Compare(a.Severity, b.Severity),
		cmp.Compare(a.Summary, b.Summary),
		cmp.Compare(a.Detail, b.Detail),
	)
}
