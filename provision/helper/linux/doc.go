// Package linux is the operating system that the helper runs on: Debian with
// systemd, as root.
//
// It decides nothing. What each call promises is said at helper.OS, and held by
// the contract in package contract, here and in a rehearsal. Start reading at
// New.
package linux
