// Package guard decides whether the anycast blocks are announced, and announces
// them. It asks every zone at every service address of this very server, and
// brings the routing daemon the blocks by a BGP session on the loopback: when it
// dies, or stops asking, the session goes and the blocks with it. Nothing on the
// disk announces, so that nothing has to be taken back from it.
package guard
