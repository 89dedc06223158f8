// Package report words results, and is the only package that does: text for
// people, JSON for programs, both made from the same Report.
//
// It writes to the writer it is given and decides nothing. Start reading at
// Report, then Text.
package report
