// Package apply carries out a Plan: the BMC first, each change proven; then
// packages; then one transaction on the server, which reverts by itself
// unless a new connection to the declared address finds everything in order
// and confirms it.
//
// It works from the plan and the wanted set alone and never sees a site, so
// nothing can be applied that was not planned. Start reading at Run.
package apply
