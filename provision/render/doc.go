// Package render turns a Site into the wanted state.Set. It is pure: no
// clock, no environment, no network; the same site gives the same bytes.
//
// view.go computes everything that a template may substitute; templates
// themselves only loop. Secrets reach a template only when its file is
// declared secret, so a password cannot slip into a file that is shown. Start
// reading at Desired.
package render
