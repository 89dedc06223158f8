// Package state holds the nouns that the wanted and the observed side of one
// site share: a Key names a thing, a Value says how it is, a Set is what is
// wanted, Facts are what was seen.
//
// It knows no file format, no protocol, no clock and no site: `render` makes
// a Set, `observe` makes Facts for exactly its keys, and `plan` compares the
// two. Absent, unknown and unsupported are three different answers and never
// stand for one another. Start reading at Key and Value.
package state
