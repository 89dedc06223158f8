// Package site turns HCL text into a valid, typed, immutable Site.
//
// Load reads one file or a directory, evaluates it, and converts it block by
// block; rules are checked while converting, and those between blocks
// afterwards, so that a Site that exists is valid. Problems are Diagnostics
// with a position, all at once. Facts seen on a machine never go into a Site.
//
// Start reading at Site, then Load. The language itself is documented by
// sites/reference.hcl, which is tested.
package site
