// Package report words results, and is the only package that does: text for
// people, JSON for programs, both made from the same Report.
//
// The words for what verify says as codes are in messages, one file a
// language. A report is written in English; JSON has the codes besides.
//
// It writes to the writer it is given and decides nothing. Start reading at
// Report, then Text.
package report
