// Package server is the far side of a transaction: the one shell script that
// runs on the server, what it is told and what it answers.
//
// It makes texts and reads texts; it opens no connection and decides nothing.
// The script is sent over stdin, so a server that has never seen raiz can be
// asked too. Start reading at raiz.sh, then Probe and Bundle.
package shell
