// Package render turns a Site into the wanted state.Set. It is pure: no
// clock, no environment, no network; the same site gives the same bytes.
//
// Values is everything that a template may substitute: each kind of component
// has a file that makes its part of it, and templates only loop. Secrets reach a template only when its file is
// declared secret, so a password cannot slip into a file that is shown. Start
// reading at Desired.
package render
